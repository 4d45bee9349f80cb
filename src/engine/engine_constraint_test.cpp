// Constrained answers: what they must be, the same bits with guesses, forced tokens and company or
// without, and an end that says why.
#include <boost/json/parse.hpp>
#include <cmath>
#include <random>

#include "engine/engine_for_test.h"

namespace aquilon::engine {
namespace {

using constraint::Grammar;
using text::TokenId;

constexpr const char* kSchema = R"({"type":"object","required":["the name","size","tags"],
    "additionalProperties":false,"properties":{"the name":{"enum":["theodora","other","hebe"]},
    "size":{"type":"integer","minimum":0,"maximum":99},
    "tags":{"type":"array","items":{"enum":["the first","the last",true]},"maxItems":3}}})";

class ConstraintTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    vocabulary_ = *constraint::Vocabulary::of(model_->tokenizer(), model_->special().ends);
  }
  Request constrained(const Grammar& grammar, std::uint64_t seed, double temperature) const {
    Request r = request({1, 2, 3, 4, 5, 6, 7}, 120);
    r.constraint.emplace(grammar, vocabulary_);
    r.sampling.temperature = temperature;
    r.sampling.seed = seed;
    r.top_logprobs = 2;
    return r;
  }
  static Grammar schema() {
    return *Grammar::json_schema(boost::json::parse(kSchema),
                                 {.whitespace = constraint::WhitespacePolicy::compact()});
  }
  std::shared_ptr<const constraint::Vocabulary> vocabulary_;
};

// Whatever the model would say, with guesses and without, the answer is one of those that it may
// be.
TEST_F(ConstraintTest, AnswersAreWhatTheyMustBe) {
  const text::Tokenizer& tokenizer = model_->tokenizer();
  std::vector<std::string> words;
  for (std::size_t id = 0; id < tokenizer.vocab_size() && words.size() < 8; ++id)
    if (tokenizer.kind(static_cast<TokenId>(id)) == text::TokenKind::kNormal)
      words.emplace_back(tokenizer.token_bytes(static_cast<TokenId>(id)));
  ASSERT_EQ(words.size(), 8u);
  std::vector<std::string> choices;
  for (const std::string& first : words)
    for (const std::string& second : words) choices.push_back(first + second + words[0]);
  const auto vocabulary = *constraint::Vocabulary::of(tokenizer, model_->special().ends);
  const auto grammar = constraint::Grammar::choice(choices);
  ASSERT_TRUE(grammar.ok());
  std::map<std::uint64_t, std::string> without_guesses;
  for (const Speculation speculation : {Speculation::kOff, Speculation::kWherePays}) {
    start({.context = 256, .parallel = 3, .max_queue = 4, .speculation = speculation});
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      Request r = request({1, 2, 3, 4, 5, 6, 7}, 64);
      r.constraint.emplace(*grammar, vocabulary);
      r.sampling.temperature = 1;
      r.sampling.seed = seed;
      r.top_logprobs = 2;
      const Collected got = run(std::move(r));
      const std::string& text = got.text.at(0);
      EXPECT_NE(std::find(choices.begin(), choices.end(), text), choices.end()) << text;
      EXPECT_EQ(got.finish.at(0), FinishReason::kStop);
      for (const TokenLogprobs& entry : got.logprobs.at(0))
        EXPECT_TRUE(std::isfinite(entry.chosen.logprob));
      if (speculation == Speculation::kOff)
        without_guesses[seed] = text;
      else
        EXPECT_EQ(text, without_guesses[seed]);
    }
  }
}

// Tokens that are the only ones possible, and text that must come, cost less and change nothing.
TEST_F(ConstraintTest, ForcedTokensChangeNothing) {
  const Grammar grammar = schema();
  int forced = 0, guessed = 0, right = 0;
  for (const double temperature : {0.0, 1.0})
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      Request r = constrained(grammar, seed, temperature);
      r.n = seed == 2 ? 3 : 1;
      r.min_tokens = seed == 3 ? 100 : 0;
      r.sampling.frequency_penalty = seed == 4 ? 0.5 : 0;
      start(
          {.context = 256, .parallel = 3, .speculation = Speculation::kOff, .take_forced = false});
      const Collected plain = run(r);
      EXPECT_EQ(plain.usage->forced_tokens, 0);
      for (const Speculation speculation : {Speculation::kOff, Speculation::kAlways}) {
        start({.context = 256, .parallel = 3, .speculation = speculation});
        for (int again = 0; again < 2; ++again) {  // then with the prompt computed before
          SCOPED_TRACE(testing::Message() << temperature << " " << seed << " " << again);
          const Collected quick = run(r);
          expect_same(quick, plain);
          forced += quick.usage->forced_tokens;
          guessed += quick.usage->guessed_tokens;
          right += quick.usage->accepted_tokens;
        }
      }
    }
  EXPECT_GT(forced, 100);
  EXPECT_GT(guessed, 20);
  EXPECT_GT(right, 10);
}

// Ends with the third letter, and behind a letter that is not the model's own choice.
class LetterWatch final : public AnswerWatch {
 public:
  LetterWatch(std::size_t most, bool astray) : most_(most), astray_(astray) {}
  bool ends_with(std::string_view text) override {
    seen_ += text.size();
    return seen_ >= most_;
  }
  bool ends_astray() const override { return astray_ && seen_ > 0; }

 private:
  const std::size_t most_;
  const bool astray_;
  std::size_t seen_ = 0;
};

TEST_F(ConstraintTest, AWatchEndsAnswers) {
  const auto with_watch = [&](std::size_t most, bool astray, int n) {
    Request r = constrained(*Grammar::regex("[a-z]{1,40}"), 1, 0);
    r.n = n;
    r.watch = [=] { return std::make_unique<LetterWatch>(most, astray); };
    return run(r);
  };
  const Collected free = with_watch(~std::size_t{0}, false, 1);
  ASSERT_GT(free.text.at(0).size(), 8u);
  for (const Speculation speculation : {Speculation::kOff, Speculation::kAlways}) {
    start({.context = 256, .parallel = 3, .speculation = speculation});
    const Collected three = with_watch(3, false, 2);
    for (const int choice : {0, 1}) {
      const std::string& text = three.text.at(choice);
      EXPECT_GE(text.size(), 3u);
      EXPECT_LT(text.size(), free.text.at(0).size());
      EXPECT_EQ(text, free.text.at(0).substr(0, text.size()));
      EXPECT_EQ(three.finish.at(choice), FinishReason::kStop);
    }
    const Collected astray = with_watch(~std::size_t{0}, true, 1);
    EXPECT_GE(astray.text.at(0).size(), 1u);
    EXPECT_LT(astray.text.at(0).size(), free.text.at(0).size());
    EXPECT_TRUE(free.text.at(0).starts_with(astray.text.at(0)));
    EXPECT_EQ(astray.finish.at(0), FinishReason::kStop);
  }
}

// What is weighed leaves nothing behind: the answer is that of a request held to what was taken.
TEST_F(ConstraintTest, ABranchDecidesWhatAnswersAreHeldTo) {
  const Grammar letters = *Grammar::regex("[a-z]{1,40}");
  const Grammar digits = *Grammar::regex("[0-9]{3,20}");
  const Grammar any = *Grammar::regex("(.|\n){1,80}");
  struct Case {
    const Grammar& behind;
    double least;
    bool taken;
  };
  const Case cases[] = {{any, 1e-6, true}, {any, 1.1, false}, {digits, 0.999, false}};
  for (const Speculation speculation : {Speculation::kOff, Speculation::kAlways})
    for (const double temperature : {0.0, 1.0})
      for (const Case& c : cases) {
        SCOPED_TRACE(testing::Message() << temperature << " " << c.least);
        start({.context = 256, .parallel = 3, .speculation = speculation});
        Request r = constrained(letters, 3, temperature);
        r.n = 2;
        Request plain = r;
        if (c.taken) plain.constraint.emplace(digits, vocabulary_);
        r.branch = Branch{{9, 10, 11},
                          constraint::Matcher(c.behind, vocabulary_),
                          constraint::Matcher(digits, vocabulary_),
                          c.least};
        const Collected weighed = run(r);
        expect_same(weighed, run(plain));
        expect_same(run(r), weighed);
        r.max_tokens = plain.max_tokens = 3;  // no room for the branch
        plain.constraint.emplace(letters, vocabulary_);
        expect_same(run(r), run(plain));
      }
}

// Several at once, with little memory, some with constraints, some of which leave in the middle.
TEST_F(ConstraintTest, MixesEqualTheSameAlone) {
  const Grammar grammars[] = {schema(), *Grammar::regex("(the |he)*[a-z]{3,40}!"),
                              *Grammar::json_object(),
                              *Grammar::gbnf("root ::= \"he\" root | [0-9]+")};
  for (unsigned seed = 0; seed < 4; ++seed) {
    std::mt19937 rng(seed);
    std::vector<Request> requests;
    for (int i = 0; i < 10; ++i) {
      Request r = i % 5 == 4 ? request({1, 2, 3}, 60)
                             : constrained(grammars[i % 5], rng(), rng() % 2 == 0 ? 0.0 : 1.0);
      r.prompt.resize(1 + rng() % 60, 9);
      r.max_tokens = 30 + static_cast<int>(rng() % 90);
      r.n = rng() % 4 == 0 ? 2 : 1;
      requests.push_back(std::move(r));
    }
    start({.context = 256,
           .parallel = 1,
           .max_queue = 64,
           .speculation = Speculation::kOff,
           .take_forced = false});
    std::vector<Collected> alone;
    for (const Request& r : requests) alone.push_back(run(r));
    start({.context = 256,
           .parallel = 1 + rng() % 5,
           .max_queue = 64,
           .headroom = rng() % 2 == 0 ? 0u : 128u,
           .speculation = Speculation::kAlways,
           .mask_threads = 1 + rng() % 2},
          1);
    std::vector<Collector> collectors(requests.size());
    std::vector<std::unique_ptr<Ticket>> tickets;
    for (std::size_t i = 0; i < requests.size(); ++i)
      tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
    const std::size_t leaves = rng() % requests.size();
    tickets[leaves]->cancel();
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Collected got = collectors[i].wait();
      SCOPED_TRACE(testing::Message() << seed << " " << i);
      if (i != leaves) expect_same(got, alone[i]);
    }
    tickets.clear();
    engine_ = nullptr;
    EXPECT_EQ(pool_->free_pages(), pool_->pages());
  }
}

// An answer that goes on after a beginning of its text.
TEST_F(ConstraintTest, GoesOnWithinWhatHasBegun) {
  constraint::Matcher matcher(schema(), vocabulary_);
  ASSERT_TRUE(matcher.accept_bytes("{\"the name\":\"other\",\"size\":1"));
  Request r = constrained(schema(), 1, 1);
  r.constraint = matcher;
  const Collected got = run(r);
  EXPECT_EQ(got.finish.at(0), FinishReason::kStop);
  constraint::Matcher whole = matcher;
  EXPECT_TRUE(whole.accept_bytes(got.text.at(0)));
  EXPECT_TRUE(whole.is_accepting());
}

// A pattern that gets dearer with every token, until it is given up: others answer meanwhile, and
// its own answer ends with an error that says so.
TEST_F(ConstraintTest, AHostilePatternEndsAloneAndSaysWhy) {
  const auto hostile = Grammar::regex("[a-h]*[ab][a-h]{700}!", {.memory_bytes = 1 << 20});
  ASSERT_TRUE(hostile.ok()) << hostile.error().message;
  start({.context = 4096, .parallel = 4, .max_queue = 64});
  Request bad = constrained(*hostile, 3, 1);
  bad.max_tokens = 4000;
  Collector bad_collector;
  const auto ticket = engine_->submit(bad, bad_collector.sink()).value();
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Request r = constrained(schema(), seed, 1);
    if (seed % 2 == 0) r.constraint.reset();
    const Collected got = run(r);
    EXPECT_FALSE(got.error);
    EXPECT_NE(got.finish.at(0), FinishReason::kError);
  }
  const Collected got = bad_collector.wait();
  EXPECT_EQ(got.finish.at(0), FinishReason::kError);
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->detail, "constraint_failed");
  EXPECT_FALSE(got.text.at(0).empty());
}

}  // namespace
}  // namespace aquilon::engine
