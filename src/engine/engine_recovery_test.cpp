// Invariants of ours that break in work which requests share: who breaks them ends, the others go
// on as if nothing had been. What breaks them here is put in from outside, through what the engine
// is given: a source of guesses, a look at its products, its pool.
#include <atomic>
#include <thread>

#include "base/check.h"
#include "engine/engine_for_test.h"

namespace aquilon::engine {
namespace {

constexpr text::TokenId kPoison = 9;

// Guesses tokens that no vocabulary has where a prompt begins with the poison: the forward pass, or
// the source itself, finds that it cannot be.
class PoisonedSource final : public GuessSource {
 public:
  explicit PoisonedSource(bool itself) : itself_(itself) {}

  std::span<const double> priors() const override { return kPriors; }
  std::size_t offer(Task& task) override {
    return task.request.prompt.front() == kPoison ? std::min<std::size_t>(task.most, 1) : 0;
  }
  double seconds(const Task&, std::size_t, std::size_t) const override { return 0; }
  void guess(std::span<Task> tasks, double) override {
    AQ_CHECK(!itself_);
    for (Task& task : tasks) task.guesses.push_back(1 << 30);
  }
  void clear() override { ++cleared; }

  static inline std::atomic<int> cleared = 0;

 private:
  static constexpr double kPriors[] = {0.9};
  const bool itself_;
};

class EngineRecoveryTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    options_ = {.context = 256,
                .parallel = 6,
                .max_queue = 16,
                .speculation = Speculation::kAlways,
                .metrics = metrics_};
    start(options_, 6);
    Request embedding = request({21, 22, 23}, 0);
    embedding.pooling = Pooling::kMean;
    Request choices = request({31, 32}, 12);
    choices.n = 2;
    choices.sampling.temperature = 1;
    choices.sampling.seed = 5;
    Request told = request({41, 42, 43, 44}, 20);
    told.top_logprobs = 2;
    requests_ = {request(std::vector<text::TokenId>(40, 3), 24), told, choices, embedding};
    for (const Request& r : requests_) alone_.push_back(run(r));
    const Collected again = run(requests_.front());
    EXPECT_EQ(again.ids, alone_.front().ids);
  }

  // All at once, `more` in between; each answers as it did alone.
  void expect_whole(const std::vector<Request>& more) {
    std::vector<Collector> whole(requests_.size()), broken(more.size());
    std::vector<std::unique_ptr<Ticket>> tickets;
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (i < more.size()) tickets.push_back(engine_->submit(more[i], broken[i].sink()).value());
      tickets.push_back(engine_->submit(requests_[i], whole[i].sink()).value());
    }
    for (Collector& one : broken) {
      const Collected got = one.wait();
      ASSERT_TRUE(got.error);
      EXPECT_EQ(got.error->code, Code::kInternal);
      EXPECT_EQ(got.error->message.find("invariant"), std::string::npos);
      EXPECT_EQ(got.events_after_usage, 0);
    }
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      SCOPED_TRACE(i);
      const Collected got = whole[i].wait();
      expect_same(got, alone_[i]);
      EXPECT_EQ(got.embedding, alone_[i].embedding);
      EXPECT_EQ(got.events_after_usage, 0);
    }
    EXPECT_TRUE(engine_->ready());
  }

  std::shared_ptr<EngineMetrics> metrics_ = std::make_shared<EngineMetrics>();
  EngineOptions options_;
  std::vector<Request> requests_;
  std::vector<Collected> alone_;
};

TEST_F(EngineRecoveryTest, WhoBreaksAStepEndsAndTheOthersGoOn) {
  for (const bool itself : {false, true}) {
    start(options_, 6, std::make_unique<PoisonedSource>(itself));
    const std::uint64_t before = metrics_->broken_steps.value();
    PoisonedSource::cleared = 0;
    expect_whole({request({kPoison, 1}, 24), request({kPoison, 2, 3}, 24)});
    EXPECT_GE(metrics_->broken_steps.value(), before + 2);
    EXPECT_GE(PoisonedSource::cleared, 2);
    expect_whole({});
  }
}

TEST_F(EngineRecoveryTest, AStepThatFailsOnceFailsNobody) {
  std::atomic<int> left = 0;
  for (const int after : {0, 3, 40, 200}) {
    engine_.reset();
    left = after;
    model_->forward().observe_products([&](auto&&...) { AQ_CHECK(left-- != 0); });
    start(options_, 6);
    const std::uint64_t before = metrics_->broken_steps.value();
    expect_whole({});
    EXPECT_EQ(metrics_->broken_steps.value(), before + 1) << after;
  }
  engine_.reset();
  model_->forward().observe_products({});
}

// A request's first events come while others run beside it: pages of theirs are then free and in
// use at once.
TEST_F(EngineRecoveryTest, PagesWhoseUseIsNotKnownAnyMoreAreForgotten) {
  Collector victim;
  int events = 0;
  victim.on_event = [&] {
    if (++events != 3) return;
    for (model::PageId page = 0; page < pool_->pages(); ++page) pool_->release(page);
  };
  auto ticket = engine_->submit(request({51, 52, 53}, 24), victim.sink());
  expect_whole({});
  victim.wait();
  EXPECT_GE(metrics_->broken_steps.value(), 1u);
  ticket->reset();
  expect_whole({});
  engine_.reset();
  EXPECT_FALSE(pool_->damaged());
  EXPECT_EQ(pool_->free_pages(), pool_->pages());
}

TEST_F(EngineRecoveryTest, WaitingAndCancelledRequestsOutliveIt) {
  options_.parallel = 2;
  start(options_, 6, std::make_unique<PoisonedSource>(false));
  Collector poison, cancelled;
  auto first = engine_->submit(request({kPoison, 7}, 24), poison.sink());
  auto second = engine_->submit(request({61, 62}, 200), cancelled.sink());
  ASSERT_TRUE(first.ok() && second.ok());
  poison.wait();
  (*second)->cancel();
  expect_whole({request({kPoison, 8}, 24)});
  EXPECT_EQ(cancelled.wait().finish.at(0), FinishReason::kError);
}

// The model itself fails, whoever asks: then a new process is needed.
TEST_F(EngineRecoveryTest, AModelThatFailsAloneEndsTheProcessDeathTest) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        engine_.reset();
        model_->forward().observe_products([](auto&&...) { AQ_CHECK(false); });
        start(options_, 6);
        run(request({1, 2, 3}, 8));
        engine_.reset();  // waits for its thread
      },
      "broken invariant");
}

}  // namespace
}  // namespace aquilon::engine
