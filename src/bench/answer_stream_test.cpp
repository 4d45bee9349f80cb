#include "bench/answer_stream.h"

#include <gtest/gtest.h>

namespace aquilon::bench {
namespace {

// As servers send it: pings, every sort of line end, a usage of its own.
constexpr std::string_view kText =
    ": keep-alive\n\n"
    "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":null}]}\n\n"
    "data: {\"choices\":[{\"text\":\"\xF0\x9F\x8C\xAC\",\"finish_reason\":null}]}\r\n\r\n"
    "event: ping\n\n"
    "data:{\"choices\":[{\"text\":\"data: b\",\"finish_reason\":null}]}\r\r"
    "data: {\"choices\":[{\"text\":\"\",\n"
    "data: \"finish_reason\":\"length\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,"
    "\"prompt_tokens_details\":{\"cached_tokens\":5}}}\n\n"
    "data: [DONE]\n\n";

TEST(AnswerStream, ReadsTextWhereverItIsSplit) {
  const std::size_t first = kText.find("\r\n\r\n") + 2;
  const std::size_t second = kText.find("\r\r") + 1;
  for (std::size_t split = 0; split < kText.size(); ++split) {
    AnswerStream answer;
    answer.take(kText.substr(0, split), 1);
    answer.take(kText.substr(split), 2);
    ASSERT_EQ(answer.pieces.size(), 2u) << split;
    EXPECT_EQ(answer.pieces[0], split > first ? 1 : 2) << split;
    EXPECT_EQ(answer.pieces[1], split > second ? 1 : 2) << split;
    EXPECT_EQ(answer.finish_reason, "length") << split;
    EXPECT_EQ(answer.prompt_tokens, 7u);
    EXPECT_EQ(answer.completion_tokens, 3u);
    EXPECT_EQ(answer.cached_tokens, 5u);
    EXPECT_TRUE(answer.done);
  }
}

TEST(AnswerStream, ReadsChats) {
  AnswerStream answer;
  answer.take("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n", 1);
  EXPECT_TRUE(answer.pieces.empty());  // who speaks is no text
  answer.take("data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"so\"}}]}\n\n", 2);
  answer.take("data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\"}]}}]}\n\n", 3);
  answer.take("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", 4);
  answer.take("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", 5);
  EXPECT_EQ(answer.pieces, (std::vector<double>{2, 3, 4}));
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_FALSE(answer.done);
}

TEST(AnswerStream, TheLastEventNeedsNoEmptyLine) {
  AnswerStream answer;
  answer.take("data: {\"choices\":[{\"text\":\"a\"}]}\n\ndata: [DONE]", 1);
  EXPECT_FALSE(answer.done);
  answer.end(2);
  EXPECT_TRUE(answer.done);
}

TEST(AnswerStream, TellsErrors) {
  AnswerStream answer;
  answer.take("data: {\"error\":{\"message\":\"the engine broke\",\"code\":500}}\n\n", 1);
  EXPECT_EQ(answer.error, "the engine broke");
  answer.take("data: {\"error\":\"in short\"}\n\n", 1);
  EXPECT_EQ(answer.error, "in short");
  answer.take("data: {\"error\":{\"code\":7}}\n\n", 1);
  EXPECT_EQ(answer.error, R"({"code":7})");
}

TEST(AnswerStream, PassesOverWhatIsNoEvent) {
  AnswerStream answer;
  for (const char* data : {"{", "7", "{\"choices\":7}", "{\"choices\":[7]}", "{\"choices\":[]}",
                           "{\"choices\":[{\"text\":7,\"finish_reason\":8,\"delta\":9}]}",
                           "{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":\"x\"}}"})
    answer.take(std::string("data: ") + data + "\n\n", 1);
  answer.take("data: \"" + std::string(3u << 20, 'x') + "\"\n\nnothing\n\n", 1);
  for (int i = 0; i < 4; ++i) answer.take("data: " + std::string(1u << 20, 'x') + "\n", 1);
  answer.take("\n", 1);
  EXPECT_TRUE(answer.pieces.empty());
  EXPECT_EQ(answer.finish_reason, "");
  EXPECT_EQ(answer.prompt_tokens + answer.completion_tokens, 0u);
  answer.take("data: {\"choices\":[{\"text\":\"a\"}]}\n\n", 2);
  EXPECT_EQ(answer.pieces.size(), 1u);
}

}  // namespace
}  // namespace aquilon::bench
