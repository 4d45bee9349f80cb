// Which models are loaded when: generators that count, loads that wait to be let go.
#include "chat/model_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace aquilon::chat {
namespace {

// A model that is there, and no more.
class Presence final : public Generator {
 public:
  Presence(std::string id, std::atomic<int>& loaded) : loaded_(loaded) {
    card_.id = std::move(id);
    ++loaded_;
  }
  ~Presence() override { --loaded_; }

  const ModelCard& card() const override { return card_; }
  bool ready() const override { return true; }
  Result<std::unique_ptr<Generation>> start(GenerationRequest, EventSink) override {
    return nothing();
  }
  Result<std::vector<text::TokenId>> prompt_ids(const Prompt&) const override { return nothing(); }
  Result<std::string> prompt_text(const ChatPrompt&) const override { return nothing(); }
  Result<std::vector<text::TokenId>> encode(std::string_view, const EncodeOptions&) const override {
    return nothing();
  }
  Result<std::string> decode(std::span<const text::TokenId>, bool) const override {
    return nothing();
  }
  TokenizerInfo tokenizer_info() const override { return {}; }
  std::string token_bytes(text::TokenId) const override { return {}; }

 private:
  static Error nothing() { return {Code::kUnsupported, "it is there, and no more"}; }

  ModelCard card_;
  std::atomic<int>& loaded_;
};

// Holds loads back until it is opened.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void wait_for_arrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

// A pool with models of one byte each unless said otherwise.
class ModelPoolTest : public testing::Test {
 protected:
  ModelPool& make(const ModelPoolOptions& options) {
    pool_ = std::make_unique<ModelPool>(options);
    return *pool_;
  }
  ModelPool::Index add(const std::string& id, std::uint64_t bytes = 1, Gate* gate = nullptr) {
    const auto load = [this, id, gate]() -> Result<ModelLease> {
      if (gate) gate->pass();
      ++loads_;
      if (++loading_ > 1) ADD_FAILURE() << "two loads at once";
      const bool broken = broken_;
      --loading_;
      if (broken) return Error{Code::kCorrupt, "a byte is missing"};
      return ModelLease(std::make_shared<Presence>(id, loaded_));
    };
    ModelCard card;
    card.id = id;
    return pool_->add({.card = card, .bytes = bytes, .load = load}).value();
  }
  using Got = Result<ModelLease>;
  std::future<Got> ask(ModelPool::Index model, std::uint64_t tenant = 0,
                       std::uint64_t* ticket = nullptr) {
    auto promise = std::make_shared<std::promise<Got>>();
    const std::uint64_t place =
        pool_->wait(model, tenant, [promise](Got got) { promise->set_value(std::move(got)); });
    if (ticket) *ticket = place;
    return promise->get_future();
  }
  ModelLease get(ModelPool::Index model) { return ask(model).get().value(); }
  ModelState state(ModelPool::Index model) { return pool_->status(model).state; }
  template <class Condition>
  static bool eventually(const Condition& condition) {
    for (int i = 0; i < 1000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  static bool waits(std::future<Got>& future) {
    return future.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout;
  }

  std::atomic<int> loaded_ = 0;  // generators alive
  std::atomic<int> loads_ = 0;
  std::atomic<int> loading_ = 0;
  std::atomic<bool> broken_ = false;
  std::unique_ptr<ModelPool> pool_;
};

TEST_F(ModelPoolTest, LoadsWhatIsAskedForOnce) {
  make({});
  const auto a = add("a");
  EXPECT_EQ(pool_->lease(a), nullptr);
  EXPECT_EQ(state(a), ModelState::kUnloaded);
  auto first = ask(a);
  auto second = ask(a);
  EXPECT_EQ(first.get().value()->card().id, "a");
  EXPECT_EQ(second.get().value()->card().id, "a");
  EXPECT_EQ(state(a), ModelState::kLoaded);
  EXPECT_NE(pool_->lease(a), nullptr);
  EXPECT_EQ(loads_, 1);
}

TEST_F(ModelPoolTest, FindsModelsByEveryNameAndRefusesNamesGivenTwice) {
  make({});
  ModelCard card;
  card.id = "a";
  const auto load = [this]() -> Result<ModelLease> {
    return ModelLease(std::make_shared<Presence>("a", loaded_));
  };
  ASSERT_TRUE(pool_->add({.card = card, .aliases = {"first", "org/a"}, .load = load}).ok());
  EXPECT_EQ(pool_->find("org/a"), 0u);
  EXPECT_FALSE(pool_->find("b").has_value());
  card.id = "first";
  const auto again = pool_->add({.card = card, .load = load});
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message.find("'first'"), std::string::npos);
}

TEST_F(ModelPoolTest, TheLongestUnusedModelIsUnloaded) {
  make({.memory = 2});
  const auto a = add("a");
  const auto b = add("b");
  const auto c = add("c");
  get(a);
  get(b);
  get(a);
  get(c);
  EXPECT_EQ(state(a), ModelState::kLoaded);
  EXPECT_EQ(state(b), ModelState::kUnloaded);
  EXPECT_EQ(loaded_, 2);
}

TEST_F(ModelPoolTest, AsManyAreUnloadedAsTheNewOneNeeds) {
  make({.memory = 4});
  const auto a = add("a");
  const auto b = add("b");
  const auto large = add("large", 4);
  get(a);
  get(b);
  get(large);
  EXPECT_EQ(state(a), ModelState::kUnloaded);
  EXPECT_EQ(state(b), ModelState::kUnloaded);
  EXPECT_EQ(loaded_, 1);
}

TEST_F(ModelPoolTest, WhatAnswersStaysAndIsNotJoinedByOthersMeanwhile) {
  make({.memory = 1});
  const auto a = add("a");
  const auto b = add("b");
  ModelLease busy = get(a);
  auto other = ask(b);
  EXPECT_TRUE(waits(other));
  EXPECT_EQ(state(a), ModelState::kLoaded);
  // It drains: who comes now is behind b.
  ASSERT_TRUE(eventually([&] { return pool_->lease(a) == nullptr; }));
  auto later = ask(a);
  EXPECT_TRUE(waits(later));
  busy.reset();
  ModelLease second = other.get().value();
  EXPECT_EQ(second->card().id, "b");
  EXPECT_TRUE(waits(later));
  second.reset();
  EXPECT_EQ(later.get().value()->card().id, "a");
  EXPECT_EQ(loaded_, 1);
}

TEST_F(ModelPoolTest, AModelDrainsNoMoreWhenNobodyWaitsForItsMemory) {
  make({.memory = 1});
  const auto a = add("a");
  const auto b = add("b");
  const ModelLease busy = get(a);
  std::uint64_t ticket = 0;
  auto other = ask(b, 0, &ticket);
  ASSERT_TRUE(eventually([&] { return pool_->lease(a) == nullptr; }));
  auto later = ask(a);
  EXPECT_TRUE(waits(later));
  pool_->forget(ticket);
  EXPECT_EQ(later.get().value()->card().id, "a");
  EXPECT_EQ(loads_, 1);
}

TEST_F(ModelPoolTest, OthersAnswerWhileOneLoads) {
  make({});
  Gate gate;
  const auto a = add("a");
  const auto slow = add("slow", 1, &gate);
  get(a);
  auto waiting = ask(slow);
  gate.wait_for_arrival();
  EXPECT_EQ(state(slow), ModelState::kLoading);
  EXPECT_NE(pool_->lease(a), nullptr);
  EXPECT_TRUE(pool_->ready());
  gate.open();
  EXPECT_TRUE(waiting.get().ok());
}

TEST_F(ModelPoolTest, AFailedLoadIsToldToWhoAskedAndTriedAgain) {
  make({});
  const auto a = add("a");
  const auto b = add("b");
  get(b);
  broken_ = true;
  const auto failed = ask(a).get();
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, Code::kCorrupt);
  EXPECT_EQ(failed.error().message, "loading model 'a': a byte is missing");
  EXPECT_EQ(failed.error().detail, kLoadFailed);
  EXPECT_TRUE(pool_->status(a).failed);
  EXPECT_NE(pool_->lease(b), nullptr);
  broken_ = false;
  EXPECT_TRUE(ask(a).get().ok());
  EXPECT_FALSE(pool_->status(a).failed);
}

TEST_F(ModelPoolTest, WhatNeverFitsIsRefused) {
  make({.memory = 2});
  const auto a = add("a");
  const auto large = add("large", 3);
  get(a);
  const auto refused = ask(large).get();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kOutOfMemory);
  EXPECT_EQ(state(a), ModelState::kLoaded);
}

TEST_F(ModelPoolTest, FewMayWaitAndFewerOfOneTenant) {
  make({.max_waiting = 3, .max_tenant_waiting = 2});
  Gate gate;
  const auto a = add("a", 1, &gate);
  auto first = ask(a, 1);
  auto second = ask(a, 1);
  const auto third = ask(a, 1).get();
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().code, Code::kExhausted);
  EXPECT_NE(third.error().message.find("of this key"), std::string::npos);
  auto other = ask(a, 2);
  const auto full = ask(a, 3).get();
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Code::kExhausted);
  gate.open();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_TRUE(other.get().ok());
}

TEST_F(ModelPoolTest, UnloadingWaitsForAnswersAndIsUndoneByTheNextRequest) {
  make({});
  const auto a = add("a");
  ModelLease busy = get(a);
  std::promise<Status> done;
  pool_->unload(a, [&](const Status& status) { done.set_value(status); });
  auto later = ask(a);
  EXPECT_TRUE(waits(later));
  EXPECT_EQ(loaded_, 1);
  busy.reset();
  EXPECT_TRUE(done.get_future().get().ok());
  EXPECT_TRUE(later.get().ok());
  EXPECT_EQ(loads_, 2);
}

TEST_F(ModelPoolTest, UnloadingWhatIsNotLoadedIsDoneAtOnce) {
  make({});
  const auto a = add("a");
  std::promise<Status> done;
  pool_->unload(a, [&](const Status& status) { done.set_value(status); });
  EXPECT_TRUE(done.get_future().get().ok());
  EXPECT_EQ(loads_, 0);
}

TEST_F(ModelPoolTest, WhatIsGivenLoadedStaysSo) {
  make({.memory = 1});
  ModelCard card;
  card.id = "fixed";
  const auto fixed = std::make_shared<Presence>("fixed", loaded_);
  const auto index = pool_->add({.card = card, .bytes = 1, .loaded = fixed}).value();
  const auto a = add("a");
  EXPECT_EQ(ask(a).get().error().code, Code::kOutOfMemory);
  std::promise<Status> done;
  pool_->unload(index, [&](const Status& status) { done.set_value(status); });
  EXPECT_EQ(done.get_future().get().error().code, Code::kUnsupported);
  EXPECT_NE(pool_->lease(index), nullptr);
}

TEST_F(ModelPoolTest, ItsEndIsToldToWhoWaits) {
  make({.memory = 1});
  const auto a = add("a");
  const auto b = add("b");
  const ModelLease busy = get(a);
  auto other = ask(b);
  EXPECT_TRUE(waits(other));
  pool_.reset();
  EXPECT_EQ(other.get().error().code, Code::kUnavailable);
  EXPECT_EQ(loaded_, 0);
}

// Two models, memory for one, askers in turn: nobody is forgotten, and there is never more than
// one.
TEST_F(ModelPoolTest, ManyAskersSwapWithoutLoss) {
  make({.memory = 1});
  const std::vector<ModelPool::Index> models = {add("a"), add("b"), add("c")};
  std::atomic<int> served = 0;
  std::vector<std::thread> askers;
  for (std::size_t t = 0; t < 6; ++t)
    askers.emplace_back([&, t] {
      for (std::size_t i = 0; i < 50; ++i) {
        const std::size_t which = (t + i) % models.size();
        ModelLease lease = pool_->lease(models[which]);
        if (!lease) lease = get(models[which]);
        EXPECT_LE(loaded_, 1);
        served += lease->card().id == std::string(1, static_cast<char>('a' + which));
      }
    });
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(served, 300);
}

}  // namespace
}  // namespace aquilon::chat
