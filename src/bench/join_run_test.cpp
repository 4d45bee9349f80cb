#include "bench/join_run.h"

#include <gtest/gtest.h>

namespace aquilon::bench {
namespace {

TEST(JoinTest, GapsBelongToTheTimeInWhichTheyLie) {
  const std::vector<std::vector<double>> streams = {
      {0, 5, 6, 7, 8, 12, 13},  // the gap from 0 to 5: the other stream had not begun
      {3, 4, 5, 6.5, 7.5, 9, 16, 30}};
  const JoinResult result = join_result(streams, 8, 14);
  EXPECT_DOUBLE_EQ(result.normal, 1);   // 1 1 1, 1 1 1.5 1
  EXPECT_DOUBLE_EQ(result.largest, 7);  // of 4 1, 1.5 7; the one of 14 began after the first text
  EXPECT_DOUBLE_EQ(result.typical, 2.75);
  EXPECT_EQ(result.pieces, 4u);
  EXPECT_DOUBLE_EQ(result.first, 6);
}

TEST(JoinTest, PiecesThatComeTogetherAreOne) {
  const JoinResult result = join_result({{1, 1.0001, 2, 2.0005, 2.0006, 3, 3.0001}}, 4, 5);
  EXPECT_DOUBLE_EQ(result.normal, 1);
}

TEST(JoinTest, NothingThatRanIsZero) {
  const JoinResult result = join_result({{}, {5}}, 8, 14);
  EXPECT_EQ(result.normal, 0);
  EXPECT_EQ(result.largest, 0);
  EXPECT_EQ(result.pieces, 0u);
}

}  // namespace
}  // namespace aquilon::bench
