#include "api/tenant.h"

#include <gtest/gtest.h>

namespace aquilon::api {
namespace {

TEST(TenantTest, KeysHaveNumbersThatStay) {
  // The first eight bytes of SHA-256("aquilon tenant\0sesame"), least significant first.
  EXPECT_EQ(tenant_of_key("sesame"), 15030315346467238760ull);
  EXPECT_NE(tenant_of_key("sesame"), tenant_of_key("sesam"));
  EXPECT_NE(tenant_of_key(""), 0u);
}

TEST(TenantTest, SaltsAreOfTheirTenant) {
  EXPECT_EQ(cache_salt_of(7, ""), 7u);
  EXPECT_EQ(cache_salt_of(0, ""), 0u);
  EXPECT_NE(cache_salt_of(7, "a"), cache_salt_of(8, "a"));
  EXPECT_NE(cache_salt_of(7, "a"), cache_salt_of(7, "b"));
  EXPECT_NE(cache_salt_of(1, "1a"), cache_salt_of(11, "a"));
  EXPECT_EQ(cache_salt_of(7, "a"), cache_salt_of(7, "a"));
}

}  // namespace
}  // namespace aquilon::api
