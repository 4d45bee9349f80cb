// What the cases in tests/api cannot show: servers bound to other addresses.
#include "api/access_policy.h"

#include <gtest/gtest.h>

namespace aquilon::api {
namespace {

bool answers_as(const AccessConfig& config, std::string_view host) {
  HttpRequest request;
  request.host = host;
  return !AccessPolicy(config).check_host(request);
}

TEST(AccessPolicyTest, PublicServersAnswerToAddressesButNotToForeignNames) {
  const AccessConfig config{.api_keys = {"k"}, .bind_host = "0.0.0.0"};
  EXPECT_TRUE(answers_as(config, "192.168.1.5:8080"));
  EXPECT_TRUE(answers_as(config, "[fe80::1]:8080"));
  EXPECT_TRUE(answers_as(config, "localhost:8080"));
  EXPECT_FALSE(answers_as(config, "evil.example"));
  EXPECT_FALSE(answers_as(config, "1.2.3.4.evil.example"));
}

TEST(AccessPolicyTest, LocalServersAnswerToLoopbackOnly) {
  const AccessConfig config{};
  EXPECT_TRUE(answers_as(config, "127.0.0.1:8080"));
  EXPECT_TRUE(answers_as(config, "[::1]"));
  EXPECT_TRUE(answers_as(config, "chat.localhost"));
  EXPECT_FALSE(answers_as(config, "192.168.1.5"));
  EXPECT_FALSE(answers_as(config, "127.evil.example"));
  EXPECT_FALSE(answers_as(config, "notlocalhost"));
}

TEST(AccessPolicyTest, AllowedHostsMatchWithAnyPortAndStarMatchesAll) {
  const AccessConfig named{.allowed_hosts = {"AI.example:8080"}};
  EXPECT_TRUE(answers_as(named, "ai.example"));
  EXPECT_TRUE(answers_as(named, "ai.example:9"));
  EXPECT_FALSE(answers_as(named, "sub.ai.example"));
  EXPECT_TRUE(answers_as({.allowed_hosts = {"*"}}, "any.example"));
}

TEST(AccessPolicyTest, PageBehindATlsProxyIsTheSameOrigin) {
  HttpRequest request;
  request.method = "POST";
  request.host = "ai.example";
  request.headers = {{"origin", "https://ai.example"}};
  const AccessPolicy policy({.allowed_hosts = {"ai.example"}});
  EXPECT_FALSE(policy.check_origin(request, Scope::kApi));
  request.headers = {{"origin", "https://ai.example:444"}};
  EXPECT_TRUE(policy.check_origin(request, Scope::kApi));
}

}  // namespace
}  // namespace aquilon::api
