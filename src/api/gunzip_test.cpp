#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "api/gunzip_internal.h"

namespace aquilon::api {
namespace {

// printf 'north wind north wind north wind' | gzip -9n
constexpr std::array<unsigned char, 34> kGzip = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0xcb,
    0x2f, 0x2a, 0xc9, 0x50, 0x28, 0xcf, 0xcc, 0x4b, 0x51, 0xc8, 0xc3, 0xc6,
    0x04, 0x00, 0x72, 0x9f, 0x9d, 0x99, 0x20, 0x00, 0x00, 0x00};

TEST(GunzipTest, UnpacksAMember) {
  EXPECT_EQ(gunzip(kGzip), "north wind north wind north wind");
}

TEST(GunzipTest, CutOffOrForeignDataIsEmpty) {
  for (std::size_t size = 0; size < 26; ++size)
    EXPECT_EQ(gunzip(std::span(kGzip).first(size)), "") << size;
  const std::vector<unsigned char> foreign(64, 'x');
  EXPECT_EQ(gunzip(foreign), "");
}

}  // namespace
}  // namespace aquilon::api
