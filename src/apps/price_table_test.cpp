#include "apps/price_table.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace aquilon::apps {
namespace {

Result<PriceTable> table(std::string_view text) {
  const std::string path = testing::TempDir() + "/price_table_test.json";
  EXPECT_TRUE(write_file_atomically(path, text).ok());
  return PriceTable::read(path);
}

TEST(PriceTableTest, CostsAreOfAMillionTokens) {
  const PriceTable prices =
      table(R"({"a":{"prompt":2,"cached":0.5,"completion":10},"*":{"completion":1}})").value();
  EXPECT_DOUBLE_EQ(prices.cost("a", 1'000'000, 0, 0), 2);
  EXPECT_DOUBLE_EQ(prices.cost("a", 1'000'000, 500'000, 100'000), 1 + 0.25 + 1);
  EXPECT_DOUBLE_EQ(prices.cost("b", 1'000'000, 0, 1'000'000), 1);
  EXPECT_FALSE(prices.empty());
  EXPECT_TRUE(table("{}").value().empty());
  EXPECT_DOUBLE_EQ(table("{}").value().cost("a", 5, 5, 5), 0);
  EXPECT_DOUBLE_EQ(table(R"({"a":{"prompt":2}})").value().cost("a", 1'000'000, 1'000'000, 0), 2);
}

TEST(PriceTableTest, WhatIsNoTableIsRefused) {
  for (const char* bad :
       {"", "[]", R"({"a":1})", R"({"a":{"prompt":"x"}})", R"({"a":{"completion":-1}})",
        R"({"a":{"promt":1}})", R"({"a":{"prompt":1,"Cached":1}})"}) {
    const auto read = table(bad);
    ASSERT_FALSE(read.ok()) << bad;
    EXPECT_NE(read.error().message.find("price_table_test.json"), std::string::npos);
  }
}

}  // namespace
}  // namespace aquilon::apps
