// Where answers with calls end of themselves.
#include "chat/tools/call_watch.h"

#include <gtest/gtest.h>

namespace aquilon::chat {
namespace {

constexpr std::string_view kGet =
    "<tool_call>\n{\"name\": \"get\", \"arguments\": {}}\n</tool_call>";

std::unique_ptr<engine::AnswerWatch> watch_of(const Dialect& dialect) {
  return watch_calls(dialect, {"get", "set"});
}

TEST(CallWatch, EndsAtARepeatedCall) {
  const auto watch = watch_of(*find_dialect("hermes"));
  EXPECT_FALSE(watch->ends_with(kGet));
  EXPECT_FALSE(watch->ends_with("\n<tool_call>\n{\"name\": \"set\", \"arguments\": {}}\n"));
  EXPECT_FALSE(watch->ends_with("</tool_call>\n<tool_call>{\"arguments\":{ },"));
  EXPECT_TRUE(watch->ends_with("\"name\": \"get\"}"));
}

TEST(CallWatch, EndsWithTheThirtySecondCall) {
  const auto watch = watch_of(*find_dialect("json"));
  for (int i = 1; i <= 32; ++i) {
    const auto call = fmt::format("{{\"name\": \"get\", \"arguments\": {{\"a\": {}}}}}\n", i);
    EXPECT_EQ(watch->ends_with(call), i == 32) << i;
  }
}

TEST(CallWatch, EndsAstrayBehindCallsAlone) {
  const auto watch = watch_of(*find_dialect("hermes"));
  const std::size_t call_end = kGet.rfind('}') + 1;
  for (std::size_t i = 0; i < call_end; ++i) {
    ASSERT_FALSE(watch->ends_astray()) << i;
    ASSERT_FALSE(watch->ends_with(kGet.substr(i, 1))) << i;
  }
  EXPECT_TRUE(watch->ends_astray());
  watch->ends_with(kGet.substr(call_end));
  EXPECT_TRUE(watch->ends_astray());
  watch->ends_with("\n\n");
  EXPECT_TRUE(watch->ends_astray());
  watch->ends_with("<tool_call>\n{\"na");
  EXPECT_FALSE(watch->ends_astray());
}

TEST(CallWatch, LeavesModelsAloneThatNeedNoHelp) {
  EXPECT_EQ(watch_of(*find_dialect("mistral-v13")), nullptr);
  EXPECT_EQ(watch_of(without_help(*find_dialect("hermes"))), nullptr);
  EXPECT_EQ(without_help(*find_dialect("hermes")).name, "hermes");
}

}  // namespace
}  // namespace aquilon::chat
