// The engine on a real (tiny) model, tests/data/oracle/llama-gqa, and what its requests answer.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "model/oracle_for_test.h"

namespace aquilon::engine {

// Collects a request's events by choice.
struct Collected {
  std::map<int, std::vector<text::TokenId>> ids;
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
  void start(const EngineOptions& options, std::size_t sequences = 3,
             std::unique_ptr<GuessSource> draft = nullptr) {
    engine_.reset();
    const std::size_t pages = sequences * pages_for_context(options.context);
    pool_ = model::KvPool::create(model_->config(), model::KvType::kF32, pages).value();
    engine_ = std::make_unique<Engine>(*model_, pool_, options, std::move(draft));
  }

  static Request request(std::vector<text::TokenId> prompt, int max_tokens) {
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

  // Two answers are the same in every bit.
  static void expect_same(const Collected& got, const Collected& want) {
    EXPECT_FALSE(got.error);
    EXPECT_EQ(got.ids, want.ids);
    EXPECT_EQ(got.text, want.text);
    EXPECT_EQ(got.finish, want.finish);
    EXPECT_EQ(got.usage->completion_tokens, want.usage->completion_tokens);
    ASSERT_EQ(got.logprobs.size(), want.logprobs.size());
    for (const auto& [choice, entries] : got.logprobs)
      for (std::size_t k = 0; k < entries.size(); ++k) {
        const TokenLogprobs& other = want.logprobs.at(choice)[k];
        ASSERT_EQ(entries[k].chosen.logprob, other.chosen.logprob);
        ASSERT_EQ(entries[k].rank, other.rank);
        ASSERT_EQ(entries[k].hidden, other.hidden);
        ASSERT_EQ(entries[k].top.size(), other.top.size());
        for (std::size_t i = 0; i < other.top.size(); ++i) {
          ASSERT_EQ(entries[k].top[i].id, other.top[i].id);
          ASSERT_EQ(entries[k].top[i].logprob, other.top[i].logprob);
        }
      }
  }

  std::unique_ptr<model::Model> model_;
  std::shared_ptr<model::KvPool> pool_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace aquilon::engine
