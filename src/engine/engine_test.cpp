// The engine on a real (tiny) model: tests/data/oracle/llama-gqa.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <climits>
#include <cmath>
#include <condition_variable>
#include <future>
#include <map>
#include <random>

#include "model/oracle_for_test.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

// Collects a request's events by choice.
struct Collected {
  std::map<int, std::vector<TokenId>> ids;
  std::map<int, std::string> text;
  std::map<int, FinishReason> finish;
  std::map<int, std::string> stop;
  std::map<int, std::vector<TokenLogprobs>> logprobs;
  std::vector<TokenLogprobs> prompt_logprobs;
  std::vector<float> embedding;
  std::optional<Usage> usage;
  std::optional<Error> error;
  int events_after_usage = 0;
};

class Collector {
 public:
  EventSink sink() {
    return [this](Event event) {
      if (collected_.usage) ++collected_.events_after_usage;
      auto& ids = collected_.ids[event.choice];
      ids.insert(ids.end(), event.ids.begin(), event.ids.end());
      collected_.text[event.choice] += event.text;
      collected_.stop[event.choice] += event.stop;
      for (auto& entry : event.logprobs) collected_.logprobs[event.choice].push_back(entry);
      if (!event.embedding.empty()) collected_.embedding = event.embedding;
      for (auto& entry : event.prompt_logprobs) collected_.prompt_logprobs.push_back(entry);
      if (event.finish) collected_.finish[event.choice] = *event.finish;
      if (on_event) on_event();
      if (!event.usage) return;
      collected_.usage = event.usage;
      collected_.error = event.error;
      done_.set_value();
    };
  }
  Collected wait() {
    done_.get_future().wait();
    return collected_;
  }
  std::function<void()> on_event;

 private:
  Collected collected_;
  std::promise<void> done_;
};

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = model::oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
    auto model = model::Model::load(path, {.threads = 2});
    ASSERT_TRUE(model.ok()) << model.error().message;
    model_ = std::move(*model);
    start({256, 3, 4});
  }
  // An engine whose pool holds `sequences` of the longest.
  void start(const EngineOptions& options, std::size_t sequences = 3) {
    engine_.reset();
    const std::size_t pages = sequences * pages_for_context(options.context);
    pool_ = model::KvPool::create(model_->config(), model::KvType::kF32, pages).value();
    engine_ = std::make_unique<Engine>(*model_, pool_, options);
  }

  static Request request(std::vector<TokenId> prompt, int max_tokens) {
    Request r;
    r.prompt = std::move(prompt);
    r.sampling.temperature = 0;
    r.max_tokens = max_tokens;
    r.ignore_eos = true;
    return r;
  }
  Collected run(Request r) {
    Collector collector;
    auto ticket = engine_->submit(std::move(r), collector.sink());
    EXPECT_TRUE(ticket.ok()) << ticket.error().message;
    return collector.wait();
  }

  std::unique_ptr<model::Model> model_;
  std::shared_ptr<model::KvPool> pool_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, GreedyTokensAreThePublishedOnes) {
  const std::string folder = model::oracle_folder_for_test("llama-gqa");
  const auto manifest = model::read_manifest_for_test(folder);
  const boost::json::value& greedy = manifest.at("greedy");
  const auto want = boost::json::value_to<std::vector<TokenId>>(greedy.at("tokens"));
  const auto got =
      run(request(boost::json::value_to<std::vector<TokenId>>(greedy.at("prompt")), 32));
  EXPECT_EQ(got.ids.at(0), want);
  EXPECT_EQ(got.finish.at(0), FinishReason::kLength);
  EXPECT_EQ(got.usage->prompt_tokens, 7);
  EXPECT_EQ(got.usage->completion_tokens, 32);
  EXPECT_FALSE(got.error);
}

// Requests that overlap in every way get the tokens and log-probabilities of each alone.
TEST_F(EngineTest, OverlappingRequestsEqualTheSameAlone) {
  std::vector<Request> requests;
  for (int i = 0; i < 4; ++i) {
    std::vector<TokenId> prompt;
    for (int k = 0; k < 5 + 23 * i; ++k) prompt.push_back((k * 37 + i * 11) % 256);
    requests.push_back(request(std::move(prompt), 20 + i));
    requests.back().sampling.temperature = 0.8;
    requests.back().sampling.seed = 100 + static_cast<std::uint64_t>(i);
    requests.back().top_logprobs = 2;
    requests.back().n = i == 2 ? 5 : 1;
  }
  std::vector<Collected> alone;
  for (const Request& r : requests) alone.push_back(run(r));
  std::vector<Collector> collectors(requests.size());
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (std::size_t i = 0; i < requests.size(); ++i)
    tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Collected together = collectors[i].wait();
    EXPECT_EQ(together.ids, alone[i].ids) << i;
    EXPECT_EQ(together.text, alone[i].text) << i;
    EXPECT_EQ(together.ids.size(), static_cast<std::size_t>(requests[i].n));
    for (const auto& [choice, entries] : together.logprobs)
      for (std::size_t k = 0; k < entries.size(); ++k)
        ASSERT_EQ(entries[k].chosen.logprob, alone[i].logprobs.at(choice)[k].chosen.logprob);
  }
}

// A conversation's next turn computes what is new; a repeated prompt its last token.
TEST_F(EngineTest, PrefixesAreComputedOnce) {
  std::vector<TokenId> prompt(70);
  for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<TokenId>(i * 7 % 256);
  const Collected cold = run(request(prompt, 30));
  EXPECT_EQ(cold.usage->cached_tokens, 0);
  const Collected again = run(request(prompt, 30));
  EXPECT_EQ(again.usage->cached_tokens, 69);
  EXPECT_EQ(again.ids, cold.ids);

  std::vector<TokenId> turn = prompt;
  turn.insert(turn.end(), cold.ids.at(0).begin(), cold.ids.at(0).end());
  turn.insert(turn.end(), {5, 6, 7});
  EXPECT_EQ(run(request(turn, 3)).usage->cached_tokens, 96);  // 99 were computed: whole pages
  prompt[20] = 255;
  EXPECT_EQ(run(request(prompt, 1)).usage->cached_tokens, 20);
  Request other = request(turn, 1);
  other.cache_salt = 1;
  EXPECT_EQ(run(other).usage->cached_tokens, 0);
}

// A request that can never be refused later waits until the pool holds it to its end; each comes to
// its turn, on a pool that holds one context alone.
TEST_F(EngineTest, WaitsForPages) {
  start({256, 3, 64}, 1);
  std::vector<Collector> collectors(12);
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (std::size_t i = 0; i < collectors.size(); ++i) {
    std::vector<TokenId> prompt(1 + i * 21, static_cast<TokenId>(i % 3));
    const int max_tokens = i % 2 == 0 ? 10 : INT_MAX;
    Request r = request(std::move(prompt), max_tokens);
    r.n = i % 4 == 0 ? 3 : 1;
    tickets.push_back(engine_->submit(std::move(r), collectors[i].sink()).value());
  }
  for (Collector& collector : collectors) EXPECT_FALSE(collector.wait().error);
  engine_.reset();
  EXPECT_EQ(pool_->free_pages(), pool_->pages());
}

// Random mixes: prompts that share beginnings, several answers, clients that leave, little memory,
// one to four threads. Every answer has the bits of the same request alone on a fresh engine.
TEST_F(EngineTest, RandomMixesEqualTheSameAlone) {
  const std::string path = model::oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 rng(seed);
    engine_ = nullptr;
    std::vector<Request> requests;
    for (int i = 0; i < 10; ++i) {
      std::vector<TokenId> prompt(1 + rng() % 120, static_cast<TokenId>(rng() % 2));
      for (std::size_t k = rng() % prompt.size(); k < prompt.size(); ++k)
        prompt[k] = static_cast<TokenId>(rng() % 3);
      requests.push_back(request(std::move(prompt), 1 + static_cast<int>(rng() % 40)));
      requests.back().sampling.temperature = rng() % 2 == 0 ? 0.0 : 0.9;
      requests.back().sampling.seed = rng();
      requests.back().top_logprobs = 1;
      requests.back().n = rng() % 3 == 0 ? 1 + static_cast<int>(rng() % 5) : 1;
    }
    model_ = model::Model::load(path, {.threads = 1}).value();
    std::vector<Collected> alone;
    for (const Request& r : requests) {
      start({200, 1, 64, 128, Speculation::kOff}, 1);
      alone.push_back(run(r));
      EXPECT_EQ(alone.back().usage->cached_tokens, 0);
    }
    engine_ = nullptr;
    model_ = model::Model::load(path, {.threads = 1 + static_cast<int>(seed % 4)}).value();
    start({200, 1 + rng() % 5, 64, rng() % 2 == 0 ? 0 : 128u,
           seed % 2 == 0 ? Speculation::kAlways : Speculation::kWherePays},
          1 + rng() % 3);
    std::vector<Collector> collectors(requests.size());
    std::vector<std::unique_ptr<Ticket>> tickets;
    std::vector<bool> cancelled;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
      cancelled.push_back(rng() % 5 == 0);
      if (rng() % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(rng() % 5));
      if (cancelled.back()) tickets.back()->cancel();
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Collected got = collectors[i].wait();
      if (cancelled[i]) continue;
      EXPECT_FALSE(got.error);
      EXPECT_EQ(got.ids, alone[i].ids) << seed << " " << i;
      for (const auto& [choice, entries] : got.logprobs)
        for (std::size_t k = 0; k < entries.size(); ++k)
          ASSERT_EQ(entries[k].chosen.logprob, alone[i].logprobs.at(choice)[k].chosen.logprob);
    }
    engine_ = nullptr;
    EXPECT_EQ(pool_->free_pages(), pool_->pages());
  }
}

// Sequences that start with no room for their answers: the younger ones pause in the middle, and
// end with the bits of an undisturbed run.
TEST_F(EngineTest, PausesAndGoesOnWhereMemoryIsShort) {
  std::vector<Request> requests;
  for (int i = 0; i < 6; ++i) {
    std::vector<TokenId> prompt;
    for (int k = 0; k < 30 + 9 * i; ++k) prompt.push_back((k * 31 + i * 7) % 256);
    requests.push_back(request(std::move(prompt), INT_MAX));
    requests.back().sampling.temperature = 0.9;
    requests.back().sampling.seed = 40 + static_cast<std::uint64_t>(i);
    requests.back().n = i == 3 ? 2 : 1;
    requests.back().prompt_logprobs = i == 2 ? 1 : -1;
  }
  std::vector<Collected> alone;
  for (const Request& r : requests) alone.push_back(run(r));
  start({256, 4, 64, 0}, 1);  // memory for one to its end, four begin
  std::vector<Collector> collectors(requests.size());
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (std::size_t i = 0; i < requests.size(); ++i)
    tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Collected got = collectors[i].wait();
    EXPECT_FALSE(got.error);
    EXPECT_EQ(got.ids, alone[i].ids) << i;
    EXPECT_EQ(got.usage->completion_tokens, alone[i].usage->completion_tokens);
    EXPECT_EQ(got.prompt_logprobs.size(), i == 2 ? requests[i].prompt.size() : 0);
  }
  EXPECT_GT(engine_->preemptions(), 0u);
  engine_.reset();
  EXPECT_EQ(pool_->free_pages(), pool_->pages());
}

TEST_F(EngineTest, ALeastLengthIsKept) {
  const TokenId end = model_->special().ends.front();
  Request r = request({1, 2, 3}, 12);
  r.ignore_eos = false;
  r.sampling.logit_bias = {{end, 100.0f}};
  r.min_tokens = 5;
  const Collected got = run(r);
  EXPECT_EQ(got.ids.at(0).size(), 6u);
  EXPECT_EQ(got.ids.at(0).back(), end);
  EXPECT_EQ(std::count(got.ids.at(0).begin(), got.ids.at(0).end(), end), 1);

  // The same goes for stop tokens and stop strings.
  const Collected free = run(request({1, 2, 3}, 12));
  r = request({1, 2, 3}, 12);
  r.stop_tokens = {free.ids.at(0)[0]};
  r.min_tokens = 4;
  EXPECT_GE(run(r).ids.at(0).size(), 5u);
  r = request({1, 2, 3}, 12);
  r.stop = {free.text.at(0).substr(0, 1)};
  EXPECT_EQ(run(r).text.at(0), "");
  r.min_tokens = 4;
  EXPECT_GE(run(r).ids.at(0).size(), 4u);
  EXPECT_EQ(run(r).text.at(0).substr(0, 1), r.stop[0]);
}

TEST_F(EngineTest, TellsWhichStopStringEndedAnAnswer) {
  Request r = request({1, 2, 3}, 12);
  const Collected free = run(r);
  EXPECT_EQ(free.stop.at(0), "");
  r.stop = {"no such text", free.text.at(0).substr(2, 1)};
  EXPECT_EQ(run(r).stop.at(0), r.stop[1]);
}

// What the model thinks of a prompt: the same as of an answer that it writes.
TEST_F(EngineTest, PromptsHaveLogprobs) {
  Request written = request({1, 2, 3}, 60);
  written.top_logprobs = 2;
  const Collected answer = run(written);
  std::vector<TokenId> all = {1, 2, 3};
  all.insert(all.end(), answer.ids.at(0).begin(), answer.ids.at(0).end());
  for (const int max_tokens : {0, 1}) {
    Request read = request(all, max_tokens);
    read.prompt_logprobs = 2;
    const Collected got = run(read);
    EXPECT_EQ(got.usage->cached_tokens, 0);
    EXPECT_EQ(got.usage->completion_tokens, max_tokens);
    EXPECT_EQ(got.finish.at(0), FinishReason::kLength);
    ASSERT_EQ(got.prompt_logprobs.size(), all.size());
    EXPECT_TRUE(std::isnan(got.prompt_logprobs[0].chosen.logprob));
    for (std::size_t i = 0; i < answer.ids.at(0).size(); ++i) {
      const TokenLogprobs& theirs = answer.logprobs.at(0)[i];
      const TokenLogprobs& ours = got.prompt_logprobs[3 + i];
      EXPECT_EQ(ours.chosen.id, theirs.chosen.id);
      ASSERT_EQ(ours.chosen.logprob, theirs.chosen.logprob) << i;
      ASSERT_EQ(ours.top.size(), 2u);
      EXPECT_EQ(ours.top[1].logprob, theirs.top[1].logprob);
      EXPECT_EQ(ours.rank, theirs.rank);
      EXPECT_EQ(ours.rank == 1, ours.chosen.logprob == ours.top[0].logprob);
    }
  }
}

// Guesses change nothing but the number of steps: greedy or drawn, wherever the answer ends.
TEST_F(EngineTest, GuessesChangeNothing) {
  for (const double temperature : {0.0, 0.7}) {
    Request r = request({1, 2, 3, 4}, 120);
    r.sampling.temperature = temperature;
    r.sampling.seed = 3;
    r.sampling.repetition_penalty = 1.05;
    r.top_logprobs = 1;
    r.n = 2;
    start({256, 2, 4, 128, Speculation::kOff});
    const std::vector<TokenId> known = run(r).ids.at(0);
    r.prediction = known;
    for (const int stop : {0, 1, 2}) {
      r.max_tokens = stop == 2 ? INT_MAX : 120;
      if (stop == 1) r.stop_tokens = {known[100]};
      start({256, 2, 4, 128, Speculation::kOff});
      const Collected plain = run(r);
      EXPECT_EQ(plain.usage->guessed_tokens, 0);
      start({256, 2, 4, 128, Speculation::kAlways});
      const Collected guessed = run(r);
      EXPECT_GT(guessed.usage->accepted_tokens, 10);
      EXPECT_LE(guessed.usage->accepted_tokens, guessed.usage->guessed_tokens);
      EXPECT_EQ(guessed.ids, plain.ids);
      EXPECT_EQ(guessed.text, plain.text);
      EXPECT_EQ(guessed.finish, plain.finish);
      EXPECT_EQ(guessed.usage->completion_tokens, plain.usage->completion_tokens);
      for (const auto& [choice, entries] : guessed.logprobs)
        for (std::size_t k = 0; k < entries.size(); ++k)
          ASSERT_EQ(entries[k].chosen.logprob, plain.logprobs.at(choice)[k].chosen.logprob);
    }
  }
}

// Embeddings of texts: the same whatever else runs, of length 1, the last state's or the mean.
TEST_F(EngineTest, EmbedsTexts) {
  std::vector<TokenId> text(150);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<TokenId>(i * 13 % 256);
  engine_.reset();
  std::vector<float> logits, states;
  {
    model::KvCache kv(pool_);
    ASSERT_TRUE(kv.reserve(text.size()).ok());
    std::vector<model::Slice> slice = {{&kv, text, model::WantLogits::kAll}};
    model_->forward().run(slice, logits, [&](std::size_t stage, std::span<const float> hidden) {
      if (stage == model_->config().n_layers + 1) states.assign(hidden.begin(), hidden.end());
    });
  }
  start({256, 3, 4});
  const std::size_t dim = model_->config().dim;
  ASSERT_EQ(states.size(), text.size() * dim);
  Collector other;
  const auto ticket = engine_->submit(request({1, 2, 3}, 200), other.sink()).value();
  for (const Pooling pooling : {Pooling::kMean, Pooling::kLast}) {
    std::vector<double> want(dim);
    for (std::size_t t = pooling == Pooling::kMean ? 0 : text.size() - 1; t < text.size(); ++t)
      for (std::size_t i = 0; i < dim; ++i) want[i] += states[t * dim + i];
    double squares = 0;
    for (const double x : want) squares += x * x;
    Request r = request(text, 0);
    r.pooling = pooling;
    const Collected got = run(r);
    EXPECT_EQ(got.usage->prompt_tokens, 150);
    EXPECT_EQ(got.usage->completion_tokens, 0);
    ASSERT_EQ(got.embedding.size(), dim);
    for (std::size_t i = 0; i < dim; ++i)
      EXPECT_FLOAT_EQ(got.embedding[i], static_cast<float>(want[i] / std::sqrt(squares)));
  }
  other.wait();
}

TEST_F(EngineTest, RequestsEndWhenTheirTimeIsOver) {
  EngineOptions options{8192, 1, 4};
  options.max_seconds = 0.2;
  start(options);
  std::vector<Collector> collectors(2);  // one runs, one waits
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (Collector& collector : collectors)
    tickets.push_back(engine_->submit(request({1}, INT_MAX), collector.sink()).value());
  for (Collector& collector : collectors) {
    const Collected got = collector.wait();
    EXPECT_EQ(got.finish.at(0), FinishReason::kError);
    EXPECT_EQ(got.error->code, Code::kDeadline);
    EXPECT_NE(got.error->message.find("0.2 s"), std::string::npos) << got.error->message;
  }
  EXPECT_EQ(run(request({1}, 1)).finish.at(0), FinishReason::kLength);
}

// One tenant asks for much, another for little: the little one does not wait for all of the much.
TEST_F(EngineTest, TenantsShare) {
  start({256, 1, 64});
  std::vector<Collector> many(12);
  Collector one;
  std::vector<std::unique_ptr<Ticket>> tickets;
  std::atomic<int> done{0};
  int before = -1;
  for (Collector& collector : many) {
    collector.on_event = [&] { ++done; };
    Request r = request({1, 2, 3}, 40);
    r.tenant = 1;
    tickets.push_back(engine_->submit(std::move(r), collector.sink()).value());
  }
  one.on_event = [&] {
    if (before < 0) before = done;
  };
  Request r = request({4, 5, 6}, 40);
  r.tenant = 2;
  tickets.push_back(engine_->submit(std::move(r), one.sink()).value());
  EXPECT_FALSE(one.wait().error);
  for (Collector& collector : many) collector.wait();
  EXPECT_EQ(done, 12 * 40);
  EXPECT_LE(before, 3 * 40);  // of what ran when it came, and of what came first
}

TEST_F(EngineTest, OneTenantCannotFillTheQueue) {
  start({.context = 256, .parallel = 1, .max_queue = 6, .max_tenant_queue = 3});
  std::vector<std::unique_ptr<Ticket>> tickets;
  const auto submit = [&](std::uint64_t tenant) -> std::string {
    Request r = request({1}, INT_MAX);
    r.tenant = tenant;
    auto ticket = engine_->submit(std::move(r), [](Event) {});
    if (!ticket.ok()) return ticket.error().message;
    tickets.push_back(std::move(*ticket));
    return {};
  };
  std::string refused;
  for (int i = 0; i < 5 && refused.empty(); ++i) refused = submit(1);  // one runs, three wait
  EXPECT_NE(refused.find("3 requests of this key"), std::string::npos) << refused;
  EXPECT_EQ(submit(2), "");
  EXPECT_EQ(submit(3), "");
}

TEST_F(EngineTest, EnginesThatTakeTurnsAnswerAsAlone) {
  const Collected alone = run(request({1, 2, 3}, 60));
  const std::string path = model::oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
  const auto other_model = model::Model::load(path, {.threads = 2}).value();
  EngineOptions options{.context = 256, .parallel = 2, .turns = std::make_shared<Turns>()};
  start(options);
  Engine other(
      *other_model,
      model::KvPool::create(other_model->config(), model::KvType::kF32, 2 * pages_for_context(256))
          .value(),
      options);
  std::vector<Collector> collectors(4);
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (std::size_t i = 0; i < collectors.size(); ++i)
    tickets.push_back((i % 2 == 0 ? *engine_ : other)
                          .submit(request({1, 2, 3}, 60), collectors[i].sink())
                          .value());
  for (Collector& collector : collectors) EXPECT_EQ(collector.wait().ids, alone.ids);
}

TEST_F(EngineTest, TimeSpentBeforeTheQueueCounts) {
  start({.context = 256, .parallel = 1, .max_seconds = 100});
  Request r = request({1, 2, 3}, 200);
  r.waited_seconds = 100;
  const Collected got = run(std::move(r));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code, Code::kDeadline);
}

TEST_F(EngineTest, ChoicesDifferAndAreCounted) {
  Request r = request({1, 2, 3}, 12);
  r.sampling.temperature = 1;
  r.sampling.seed = 7;
  r.n = 7;  // more than run together
  const Collected got = run(r);
  EXPECT_EQ(got.finish.size(), 7u);
  EXPECT_EQ(got.usage->prompt_tokens, 3);
  EXPECT_EQ(got.usage->completion_tokens, 7 * 12);
  EXPECT_NE(got.ids.at(0), got.ids.at(1));
  EXPECT_EQ(got.events_after_usage, 0);
}

TEST_F(EngineTest, EndsForEveryReason) {
  // The context of 256 ends the answer.
  std::vector<TokenId> prompt(250, 5);
  Collected got = run(request(prompt, INT_MAX));
  EXPECT_EQ(got.finish.at(0), FinishReason::kModelLength);
  EXPECT_EQ(got.ids.at(0).size(), 6u);

  // A stop token and an end-of-generation id are no part of the text.
  const std::vector<TokenId> free = run(request({1, 2, 3}, 8)).ids.at(0);
  Request r = request({1, 2, 3}, 8);
  r.stop_tokens = {free[4]};
  got = run(r);
  EXPECT_EQ(got.finish.at(0), FinishReason::kStop);
  EXPECT_LE(got.ids.at(0).size(), 5u);
  EXPECT_EQ(got.ids.at(0).back(), free[4]);

  const TokenId end = model_->special().ends.front();
  r = request({1, 2, 3}, 8);
  r.ignore_eos = false;
  r.sampling.logit_bias = {{end, 100.0f}};
  got = run(r);
  EXPECT_EQ(got.finish.at(0), FinishReason::kStop);
  EXPECT_EQ(got.ids.at(0), std::vector<TokenId>{end});
  EXPECT_EQ(got.text.at(0), "");
  EXPECT_EQ(got.usage->completion_tokens, 1);
}

TEST_F(EngineTest, LogprobsAreTheModelsOwn) {
  Request r = request({1, 2, 3}, 4);
  r.top_logprobs = 3;
  const Collected plain = run(r);
  r.sampling.temperature = 0.01;
  r.sampling.seed = 1;
  r.sampling.logit_bias = {{200, 0.5f}};
  const Collected bent = run(r);
  ASSERT_EQ(plain.logprobs.at(0).size(), 4u);
  const TokenLogprobs& first = plain.logprobs.at(0)[0];
  ASSERT_EQ(first.top.size(), 3u);
  EXPECT_EQ(first.chosen.id, first.top[0].id);
  EXPECT_GE(first.top[0].logprob, first.top[1].logprob);
  EXPECT_EQ(first.top[0].logprob, bent.logprobs.at(0)[0].top[0].logprob);
}

TEST_F(EngineTest, RefusesBadRequests) {
  Request min_tokens = request({1}, 4);
  min_tokens.min_tokens = 5;
  struct {
    Request request;
    Code code;
    const char* words;
  } const cases[] = {
      {request({}, 1), Code::kInvalidArgument, "the prompt is empty"},
      {request({384}, 1), Code::kInvalidArgument, "384 is no token id"},
      {request({-1}, 1), Code::kInvalidArgument, "-1 is no token id"},
      {request(std::vector<TokenId>(256, 1), 1), Code::kInvalidArgument, "256 tokens"},
      {request({1}, 0), Code::kInvalidArgument, "max_tokens"},
      {min_tokens, Code::kInvalidArgument, "min_tokens must be from 0 to max_tokens, 4"},
  };
  for (const auto& c : cases) {
    const auto ticket = engine_->submit(c.request, [](Event) { FAIL(); });
    ASSERT_FALSE(ticket.ok());
    EXPECT_EQ(ticket.error().code, c.code);
    EXPECT_NE(ticket.error().message.find(c.words), std::string::npos) << ticket.error().message;
  }
  Request stop = request({1}, 1);
  stop.stop = {""};
  EXPECT_FALSE(engine_->submit(stop, [](Event) { FAIL(); }).ok());
}

TEST_F(EngineTest, QueueIsBoundedAndCancelFreesIt) {
  start({8192, 3, 4});  // none ends by itself
  std::vector<Collector> collectors(3);
  std::vector<std::unique_ptr<Ticket>> tickets;
  // Three run. The queue takes four more; wait until the first three have left it.
  for (std::size_t i = 0; i < 3; ++i) {
    std::promise<void> started;
    bool told = false;
    collectors[i].on_event = [&] {
      if (!std::exchange(told, true)) started.set_value();
    };
    tickets.push_back(engine_->submit(request({1}, INT_MAX), collectors[i].sink()).value());
    started.get_future().wait();
    collectors[i].on_event = nullptr;
    EXPECT_TRUE(engine_->ready());
  }
  bool full = false;
  for (std::size_t i = 0; i < 5 && !full; ++i) {
    auto ticket = engine_->submit(request({1}, INT_MAX), [](Event) {});
    if (ticket.ok()) {
      tickets.push_back(std::move(*ticket));
      continue;
    }
    full = true;
    EXPECT_EQ(ticket.error().code, Code::kExhausted);
  }
  EXPECT_TRUE(full);
  tickets[0]->cancel();
  const Collected got = collectors[0].wait();
  EXPECT_EQ(got.finish.at(0), FinishReason::kError);
  EXPECT_EQ(got.error->code, Code::kCancelled);
  EXPECT_EQ(got.usage->completion_tokens, static_cast<int>(got.ids.at(0).size()));
  tickets.clear();  // no event may come after this
}

TEST_F(EngineTest, TicketMayDieInItsOwnSink) {
  std::promise<void> gone;
  std::unique_ptr<Ticket> ticket;
  std::promise<void> submitted;
  auto ready = submitted.get_future().share();
  ticket = engine_
               ->submit(request({1, 2}, INT_MAX),
                        [&, ready, told = false](Event) mutable {
                          ready.wait();
                          if (std::exchange(told, true)) ADD_FAILURE() << "an event after the end";
                          ticket.reset();
                          gone.set_value();
                        })
               .value();
  submitted.set_value();
  gone.get_future().wait();
  EXPECT_EQ(run(request({1, 2, 3}, 4)).ids.at(0).size(), 4u);  // the engine goes on
}

TEST_F(EngineTest, StoppingEndsWhatRuns) {
  start({8192, 1, 1});
  Collector running;
  auto ticket = engine_->submit(request({1}, INT_MAX), running.sink()).value();
  engine_.reset();
  EXPECT_EQ(running.wait().error->code, Code::kUnavailable);
}

}  // namespace
}  // namespace aquilon::engine
