// Requests with LoRA adapters beside others.
#include <cmath>

#include "engine/draft_model.h"
#include "engine/engine_for_test.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

class AdapterEngineTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    const std::string folder = std::string(AQUILON_SOURCE_DIR) + "/tests/data/lora/";
    for (const char* name : {"llama-all", "llama-small"}) {
      auto adapter = model_->load_adapter(folder + name);
      ASSERT_TRUE(adapter.ok()) << adapter.error().message;
      adapters_.push_back(std::move(*adapter));
    }
  }
  // The same prompt with no adapter, the first and the second in turn; 4 has half of the first, 8
  // the second at a scale of 0.
  std::vector<Request> mixed_requests() const {
    std::vector<TokenId> prompt(60);
    for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<TokenId>(i * 7 % 256);
    std::vector<Request> requests;
    for (std::size_t i = 0; i < 10; ++i) {
      requests.push_back(request(prompt, 12 + static_cast<int>(i)));
      requests.back().adapter = adapters_[i % 3];
      requests.back().adapter_scale = i == 4 ? 0.5f : i == 8 ? 0.0f : 1.0f;
      requests.back().top_logprobs = 1;
      requests.back().n = i == 5 ? 2 : 1;
    }
    return requests;
  }
  std::vector<Collected> answers_alone(const std::vector<Request>& requests) {
    std::vector<Collected> alone;
    for (const Request& r : requests) {
      start({256, 1, 4, 128, Speculation::kOff});
      alone.push_back(run(r));
      EXPECT_EQ(alone.back().usage->cached_tokens, 0);
    }
    return alone;
  }
  void expect_together(const std::vector<Request>& requests, const std::vector<Collected>& alone) {
    std::vector<Collector> collectors(requests.size());
    std::vector<std::unique_ptr<Ticket>> tickets;
    for (std::size_t i = 0; i < requests.size(); ++i)
      tickets.push_back(engine_->submit(requests[i], collectors[i].sink()).value());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Collected got = collectors[i].wait();
      EXPECT_FALSE(got.error);
      EXPECT_EQ(got.ids, alone[i].ids) << i;
      for (const auto& [choice, entries] : got.logprobs)
        for (std::size_t k = 0; k < entries.size(); ++k)
          ASSERT_EQ(entries[k].chosen.logprob, alone[i].logprobs.at(choice)[k].chosen.logprob) << i;
    }
  }
  static std::unique_ptr<GuessSource> bare_draft() {
    const std::string path = model::oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
    auto model = model::Model::load(path, {.threads = 1}).value();
    return DraftModel::create(
               std::move(model),
               {.vocab = 384, .pages = 64, .tokens = 5, .kv_type = model::KvType::kF32})
        .value();
  }

  std::vector<std::shared_ptr<const model::Adapter>> adapters_{nullptr};  // none first
};

// Each answers as it does alone, those without one as on an engine that knows none.
TEST_F(AdapterEngineTest, AdaptersAreChosenByRequest) {
  const std::vector<Request> requests = mixed_requests();
  const std::vector<Collected> alone = answers_alone(requests);
  const auto logprob = [](const Collected& c) { return c.logprobs.at(0)[0].chosen.logprob; };
  EXPECT_NE(logprob(alone[0]), logprob(alone[1]));
  EXPECT_NE(logprob(alone[1]), logprob(alone[2]));
  EXPECT_NE(logprob(alone[1]), logprob(alone[4]));  // another scale
  EXPECT_EQ(logprob(alone[0]), logprob(alone[8]));  // a scale of 0
  start({256, 4, 64, 128, Speculation::kAlways});
  expect_together(requests, alone);
}

// The draft model has no adapter and is checked by the model with one.
TEST_F(AdapterEngineTest, ADraftModelWithoutAdaptersChangesNothing) {
  const std::vector<Request> requests = mixed_requests();
  const std::vector<Collected> alone = answers_alone(requests);
  start({256, 4, 64, 128, Speculation::kAlways}, 3, bare_draft());
  expect_together(requests, alone);
}

// The same adapter shares; a scale of 0 shares with none; another scale does not.
TEST_F(AdapterEngineTest, PrefixesAreSharedBelowOneAdapter) {
  const std::vector<Request> requests = mixed_requests();
  start({256, 1, 4});
  EXPECT_EQ(run(requests[0]).usage->cached_tokens, 0);
  EXPECT_EQ(run(requests[1]).usage->cached_tokens, 0);
  EXPECT_EQ(run(requests[2]).usage->cached_tokens, 0);
  EXPECT_EQ(run(requests[4]).usage->cached_tokens, 0);
  EXPECT_EQ(run(requests[7]).usage->cached_tokens, 59);
  EXPECT_EQ(run(requests[8]).usage->cached_tokens, 59);
  Request salted = requests[7];
  salted.cache_salt = 1;
  EXPECT_EQ(run(salted).usage->cached_tokens, 0);
}

TEST_F(AdapterEngineTest, RefusesScalesThatAreNoNumbers) {
  Request wrong = mixed_requests()[1];
  wrong.adapter_scale = std::nanf("");
  EXPECT_FALSE(engine_->submit(wrong, [](Event) {}).ok());
}

}  // namespace
}  // namespace aquilon::engine
