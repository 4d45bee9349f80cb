#include "api/key_mask.h"

#include <gtest/gtest.h>

#include "store/key_hash.h"

namespace aquilon::api {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

TEST(KeyMaskTest, KeysKeepTheirFirstLetters) {
  for (int i = 0; i < 100; ++i) {
    const std::string key = store::make_key().value();
    const std::string told = store::key_prefix(key) + "***";
    EXPECT_EQ(without_keys(key), told);
    EXPECT_EQ(without_keys("/v1/models/" + key + "/x"), "/v1/models/" + told + "/x");
    EXPECT_EQ(without_keys(key + "," + key), told + "," + told);
    EXPECT_EQ(without_keys("x" + key + "x"), "x" + told);
    EXPECT_EQ(without_keys(key.substr(0, 30)), told);
    EXPECT_EQ(without_keys(upper(key)), upper(store::key_prefix(key)) + "***");
  }
}

TEST(KeyMaskTest, OtherTextStays) {
  for (const char* text : {"", "aq-", "aq-3f7k2m", "/v1/models/aq-small-instruct", "aqaq-aq", "aq",
                           "faq-answers", "\xc3\xa4/aq-\xff"})
    EXPECT_EQ(without_keys(text), text);
}

}  // namespace
}  // namespace aquilon::api
