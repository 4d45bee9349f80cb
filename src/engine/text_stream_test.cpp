#include "engine/text_stream.h"

#include <gtest/gtest.h>

namespace aquilon::engine {
namespace {

// A vocabulary of written pieces: id i is pieces[i]; the last one is a control token.
class Pieces final : public text::Tokenizer {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  std::size_t vocab_size() const override { return pieces_.size(); }
  text::TokenKind kind(text::TokenId id) const override {
    const bool last = static_cast<std::size_t>(id) + 1 == pieces_.size();
    return last ? text::TokenKind::kControl : text::TokenKind::kNormal;
  }
  std::string_view token_bytes(text::TokenId id) const override {
    return pieces_[static_cast<std::size_t>(id)];
  }
  text::TokenId find_token(std::string_view) const override { return -1; }
  std::vector<text::TokenId> encode(std::string_view,
                                    std::span<const text::ByteRange>) const override {
    return {};
  }

 private:
  std::vector<std::string> pieces_;
};

// What a reader sees of an answer cut into single bytes, and into whole pieces: the same.
std::string read_all(const std::string& answer, const std::vector<std::string>& stop,
                     std::size_t piece, std::string* met = nullptr) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < answer.size(); at += piece)
    pieces.push_back(answer.substr(at, piece));
  pieces.push_back("<|control|>");
  const Pieces tokenizer(pieces);
  TextStream stream(tokenizer, stop);
  std::string text;
  for (std::size_t id = 0; id + 1 < pieces.size() && !stream.stopped(); ++id)
    text += stream.push(static_cast<text::TokenId>(id));
  if (!stream.stopped()) text += stream.finish();
  if (met != nullptr) *met = stream.stop();
  return text;
}

TEST(TextStream, StopsHoweverTheAnswerIsCut) {
  struct {
    std::string answer;
    std::vector<std::string> stop;
    std::string want;
    std::string met;
  } const cases[] = {
      {"Hello world", {}, "Hello world", ""},
      {"Hello STOP world", {"STOP"}, "Hello ", "STOP"},
      {"Hello STO", {"STOP"}, "Hello STO", ""},  // the held-back tail is flushed
      {"STOP", {"STOP"}, "", "STOP"},
      {"aaab", {"aab"}, "a", "aab"},  // overlapping beginnings
      {"one\n\ntwo", {"\n\n", "two"}, "one", "\n\n"},
      {"x</s>y", {"</s>", "</"}, "x", "</"},  // complete first
      {"xabcd", {"abcd", "bc"}, "xa", "bc"},  // though it begins later
      {"xabc", {"bc", "abc"}, "x", "abc"},    // complete at once: the longest
      {"caf\xc3\xa9 \xf0\x9f\x98\x80!", {"!"}, "caf\xc3\xa9 \xf0\x9f\x98\x80", "!"},
      {"\xf0\x9f\x98\x80", {"\xf0\x9f\x98\x80"}, "", "\xf0\x9f\x98\x80"},
      {"end \xf0\x9f", {}, "end \xef\xbf\xbd", ""},  // cut UTF-8 becomes U+FFFD
  };
  for (const auto& c : cases)
    for (const std::size_t piece : {1u, 2u, 3u, 5u, 64u}) {
      std::string met;
      EXPECT_EQ(read_all(c.answer, c.stop, piece, &met), c.want) << piece;
      EXPECT_EQ(met, c.met) << c.answer << " by " << piece;
    }
}

TEST(TextStream, HoldsBackOnlyWhatMayBeginAStop) {
  const Pieces tokenizer({"ab", "S", "x", "<|control|>"});
  TextStream stream(tokenizer, {"STOP"});
  EXPECT_EQ(stream.push(0), "ab");
  EXPECT_EQ(stream.push(1), "");
  EXPECT_EQ(stream.push(2), "Sx");
  EXPECT_EQ(stream.push(3), "");  // control tokens have no text
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, DropsTheFirstSpaceOnRequest) {
  const Pieces tokenizer({" ", "a", " b", "<|control|>"});
  const auto read = [&](const std::vector<text::TokenId>& ids, bool drop) {
    TextStream stream(tokenizer, {}, drop);
    std::string text;
    for (const text::TokenId id : ids) text += stream.push(id);
    return text + stream.finish();
  };
  EXPECT_EQ(read({2, 2}, true), "b b");
  EXPECT_EQ(read({3, 0, 2}, true), " b");
  EXPECT_EQ(read({1, 2}, true), "a b");
  EXPECT_EQ(read({2}, false), " b");
}

}  // namespace
}  // namespace aquilon::engine
