// Masks made on other threads are those of the matcher, whatever was expected before; who is slow
// holds nobody up.
#include "engine/token_masks.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <condition_variable>
#include <mutex>
#include <random>

#include "base/check.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

constexpr auto kLong = std::chrono::minutes(5);  // only a failing test waits for it

MaskTrack::TimePoint in(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// Every byte is a token, and so are some pairs; 300 ends an answer.
class Tokens : public text::Tokenizer {
 public:
  Tokens() {
    for (int byte = 0; byte < 256; ++byte) bytes_.emplace_back(1, static_cast<char>(byte));
    for (const char* pair : {"na", "me", "\":", "{\"", "ab", "ba", "aa", "\"}"})
      bytes_.emplace_back(pair);
    bytes_.resize(301);
  }
  std::size_t vocab_size() const override { return bytes_.size(); }
  text::TokenKind kind(TokenId id) const override {
    return bytes_[static_cast<std::size_t>(id)].empty() ? text::TokenKind::kControl
                                                        : text::TokenKind::kNormal;
  }
  std::string_view token_bytes(TokenId id) const override {
    return bytes_[static_cast<std::size_t>(id)];
  }
  TokenId find_token(std::string_view) const override { return -1; }
  std::vector<TokenId> encode(std::string_view text,
                              std::span<const text::ByteRange>) const override {
    std::vector<TokenId> ids;
    for (std::size_t i = 0; i < text.size();) {
      TokenId best = static_cast<unsigned char>(text[i]);
      for (std::size_t id = 256; id < bytes_.size(); ++id)
        if (!bytes_[id].empty() && text.substr(i).starts_with(bytes_[id]))
          best = static_cast<TokenId>(id);
      ids.push_back(best);
      i += token_bytes(best).size();
    }
    return ids;
  }

  std::shared_ptr<const constraint::Vocabulary> vocabulary() const {
    return *constraint::Vocabulary::make(bytes_, {300});
  }

 private:
  std::vector<std::string> bytes_;
};

// A text that must come is cut into tokens only once the test says so.
class HeldTokens final : public Tokens {
 public:
  std::vector<TokenId> encode(std::string_view text,
                              std::span<const text::ByteRange> trusted) const override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !held_; });
    return Tokens::encode(text, trusted);
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool held_ = true;
};

// Cutting a text breaks an invariant.
class BrokenTokens final : public Tokens {
 public:
  std::vector<TokenId> encode(std::string_view text,
                              std::span<const text::ByteRange>) const override {
    AQ_CHECK(text.empty());
    return {};
  }
};

std::vector<TokenId> tokens_in(const TokenMask& mask) {
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < mask.words.size() * 64; ++i)
    if ((mask.words[i / 64] >> (i % 64) & 1) != 0) tokens.push_back(static_cast<TokenId>(i));
  return tokens;
}

TEST(TokenMasks, ABrokenInvariantEndsItsAnswerAlone) {
  const BrokenTokens tokens;
  const auto vocabulary = tokens.vocabulary();
  const auto grammar_of = [](const char* expression) {
    return constraint::Grammar::regex(expression).value();
  };
  MaskWorkers workers(tokens, 1, true);
  const auto broken = workers.follow(constraint::Matcher(grammar_of("name:.*"), vocabulary));
  const auto mask = broken->mask(in(kLong));
  ASSERT_TRUE(mask && mask->error);
  EXPECT_EQ(mask->error->code, Code::kInternal);
  const auto whole = workers.follow(constraint::Matcher(grammar_of("[ab]*"), vocabulary));
  const auto next = whole->mask(in(kLong));  // of the same worker
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->error);
}

TEST(TokenMasks, AreTheMatchers) {
  const Tokens tokens;
  const auto vocabulary = tokens.vocabulary();
  const auto grammar = constraint::Grammar::json_schema(
      boost::json::parse(R"({"type":"object","properties":{"name":{"pattern":"^(ab|ba)*$"},
                            "named":{"type":"boolean"}},"required":["name"],
                            "additionalProperties":false})"),
      {.whitespace = constraint::WhitespacePolicy::compact()});
  ASSERT_TRUE(grammar.ok());
  MaskWorkers workers(tokens, 2, true);
  int texts = 0, onlys = 0, ends = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    constraint::Matcher matcher(*grammar, vocabulary);
    const auto track = workers.follow(matcher);
    for (int step = 0; step < 80; ++step) {
      if (random() % 3 == 0) {
        std::vector<TokenId> guesses(1 + random() % 5);
        for (TokenId& guess : guesses) guess = static_cast<TokenId>("{\"name:ab}"[random() % 10]);
        track->expect(guesses);
      }
      const auto mask = track->mask(in(kLong));
      ASSERT_NE(mask, nullptr);
      ASSERT_FALSE(mask->error);
      std::vector<constraint::MaskWord> wanted(matcher.mask_words());
      ASSERT_TRUE(matcher.fill_mask(wanted).ok());
      ASSERT_EQ(mask->words, wanted) << seed << " " << step;
      ASSERT_EQ(mask->may_end, matcher.is_accepting());
      const std::vector<TokenId> allowed = tokens_in(*mask);
      ASSERT_FALSE(allowed.empty());
      EXPECT_EQ(mask->only, allowed.size() == 1 ? allowed[0] : -1);
      onlys += mask->only >= 0;
      std::string text;
      for (const TokenId id : mask->text) text += tokens.token_bytes(id);
      EXPECT_TRUE(matcher.forced_bytes().starts_with(text));
      texts += !text.empty();
      const TokenId next = allowed[random() % allowed.size()];
      if (next == 300) {
        ++ends;
        break;
      }
      ASSERT_TRUE(matcher.accept(next));
      track->accept(next);
    }
    track->abandon();
  }
  EXPECT_GT(texts, 20);
  EXPECT_GT(onlys, 20);
  EXPECT_GT(ends, 20);
}

// The answer has begun before.
TEST(TokenMasks, BeginWhereTheMatcherStands) {
  const Tokens tokens;
  const auto grammar = constraint::Grammar::regex("abcd+");
  constraint::Matcher matcher(*grammar, tokens.vocabulary());
  ASSERT_TRUE(matcher.accept_bytes("ab"));
  MaskWorkers workers(tokens, 1, true);
  const auto track = workers.follow(matcher);
  EXPECT_EQ(track->mask(in(kLong))->only, 'c');
  track->expect(std::vector<TokenId>{'c', 'x'});
  track->accept('c');
  EXPECT_EQ(tokens_in(*track->mask(in(kLong))), (std::vector<TokenId>{'d'}));
  track->accept('d');
  EXPECT_EQ(tokens_in(*track->mask(in(kLong))), (std::vector<TokenId>{'d', 300}));
}

TEST(TokenMasks, TellOfATokenThatMayNotCome) {
  const Tokens tokens;
  const auto grammar = constraint::Grammar::regex("ab");
  MaskWorkers workers(tokens, 1, false);
  const auto track = workers.follow(constraint::Matcher(*grammar, tokens.vocabulary()));
  ASSERT_NE(track->mask(in(kLong)), nullptr);
  track->accept('x');
  ASSERT_TRUE(track->mask(in(kLong))->error);
  EXPECT_EQ(track->mask(in(kLong))->error->detail, "constraint_failed");
}

// One that takes for ever steps aside; the one thread that was asked for has others to make.
TEST(TokenMasks, OneThatIsSlowHoldsNobodyUp) {
  HeldTokens tokens;
  const auto vocabulary = tokens.vocabulary();
  const auto slow_grammar = constraint::Grammar::regex("(name|named) x");
  const auto quick_grammar = constraint::Grammar::regex("a*");
  {
    MaskWorkers workers(tokens, 1, true);
    const auto slow = workers.follow(constraint::Matcher(*slow_grammar, vocabulary));
    EXPECT_EQ(slow->mask(in(std::chrono::milliseconds(20))), nullptr);
    const auto quick = workers.follow(constraint::Matcher(*quick_grammar, vocabulary));
    for (int i = 0; i < 50; ++i) {
      auto mask = quick->mask(in(std::chrono::milliseconds(20)));
      for (; mask == nullptr; mask = quick->mask(in(std::chrono::milliseconds(20))))
        slow->step_aside();
      EXPECT_EQ(tokens_in(*mask).size(), 3u);  // a, aa, the end
      quick->accept('a');
    }
    EXPECT_EQ(slow->mask(in(std::chrono::milliseconds(1))), nullptr);
    const std::uint64_t made = workers.made();
    tokens.let_go();
    workers.wait(made, in(kLong));
    const auto mask = slow->mask(in(kLong));
    ASSERT_NE(mask, nullptr);
    EXPECT_EQ(tokens_in(*mask), (std::vector<TokenId>{'n', 256}));
    slow->step_aside();  // it is not late any more: nothing happens
  }
}

}  // namespace
}  // namespace aquilon::engine
