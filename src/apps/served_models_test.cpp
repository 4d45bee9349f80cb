#include "apps/served_models.h"

#include <gtest/gtest.h>

namespace aquilon::apps {
namespace {

TEST(ServedModelsTest, SizesHaveUnits) {
  EXPECT_EQ(parse_size("1073741824").value(), 1u << 30);
  EXPECT_EQ(parse_size("1GiB").value(), 1u << 30);
  EXPECT_EQ(parse_size("1.5 g").value(), 3u << 29);
  EXPECT_EQ(parse_size("512MB").value(), 512u << 20);
  EXPECT_EQ(parse_size("7K").value(), 7u << 10);
  EXPECT_EQ(parse_size("7B").value(), 7u);
  for (const char* bad : {"", "GiB", "-1G", "0", "1X", "1GiBs", "1 G B x", "nan", "inf", "1e30",
                          "0.1", "999999999T"}) {
    const auto size = parse_size(bad);
    ASSERT_FALSE(size.ok()) << bad;
    EXPECT_NE(size.error().message.find("8GiB"), std::string::npos);
  }
}

TEST(ServedModelsTest, ModelsThatFitTogetherShareWhatTheirWeightsLeave) {
  EXPECT_EQ(share_memory(100, {{20, 5, 1000}, {30, 5, 1000}}),
            (std::vector<std::uint64_t>{20 + 5 + 20, 30 + 5 + 20}));
  EXPECT_EQ(share_memory(100, {{20, 5, 6}, {30, 5, 1000}}),
            (std::vector<std::uint64_t>{20 + 6, 30 + 5 + 20}));
}

TEST(ServedModelsTest, ModelsThatSwapLeaveHalfOfTheirKeysAndValues) {
  EXPECT_EQ(share_memory(100, {{60, 10, 1000}, {70, 10, 1000}}),
            (std::vector<std::uint64_t>{60 + 20, 70 + 15}));
  // Never less than they need: the pool says what does not fit.
  EXPECT_EQ(share_memory(100, {{60, 30, 1000}, {120, 10, 1000}}),
            (std::vector<std::uint64_t>{60 + 30, 120 + 10}));
}

}  // namespace
}  // namespace aquilon::apps
