// What goes wrong beneath the engine, and what it counts of what goes right.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/check.h"
#include "engine/engine_for_test.h"

namespace aquilon::engine {
namespace {

class EngineTroubleTest : public EngineTest {};

// A sink runs where the engine works on its request: what fails in it is that request's own.
TEST_F(EngineTroubleTest, ABrokenInvariantEndsItsOwnRequestAlone) {
  const Collected alone = run(request({5, 6, 7}, 24));
  Collector healthy;
  std::atomic<int> events = 0;
  auto broken = engine_->submit(request({1, 2, 3}, 24), [&](Event) { AQ_CHECK(++events < 3); });
  auto beside = engine_->submit(request({5, 6, 7}, 24), healthy.sink());
  ASSERT_TRUE(broken.ok() && beside.ok());
  EXPECT_EQ(healthy.wait().ids.at(0), alone.ids.at(0));
  EXPECT_EQ(run(request({5, 6, 7}, 24)).ids.at(0), alone.ids.at(0));
  EXPECT_EQ(events, 3);
  EXPECT_TRUE(engine_->ready());
}

TEST_F(EngineTroubleTest, AFileThatIsCutOffWhileItIsUsedEndsRequestsNotTheProcess) {
  const std::string path = testing::TempDir() + "cut_off_" + std::to_string(getpid()) + ".gguf";
  std::filesystem::copy_file(model::oracle_folder_for_test("llama-gqa") + "/model-f32.gguf", path,
                             std::filesystem::copy_options::overwrite_existing);
  engine_.reset();
  model_ = model::Model::load(path, {.threads = 2}).value();
  start({256, 3, 4});
  EXPECT_FALSE(run(request({1, 2, 3}, 8)).error);
  ASSERT_EQ(truncate(path.c_str(), 4096), 0);
  const Collected ended = run(request({4, 5, 6}, 8));
  ASSERT_TRUE(ended.error);
  EXPECT_EQ(ended.error->code, Code::kUnavailable);
  EXPECT_TRUE(ended.ids.at(0).empty());
  EXPECT_FALSE(engine_->ready());
  EXPECT_EQ(engine_->submit(request({1}, 1), [](Event) {}).error().code, Code::kUnavailable);
  std::filesystem::remove(path);
}

TEST_F(EngineTroubleTest, AnIdleEngineProvesThatItWakesUp) {
  EXPECT_TRUE(engine_->ready());
  EXPECT_TRUE(engine_->ready());
}

// A sink that does not return holds the step up.
TEST_F(EngineTroubleTest, AStuckStepShowsInTheMetrics) {
  std::promise<void> entered;
  std::promise<void> leave;
  std::atomic<bool> first = true;
  auto ticket = engine_->submit(request({1, 2, 3}, 8), [&](Event) {
    if (!first.exchange(false)) return;
    entered.set_value();
    leave.get_future().wait();
  });
  ASSERT_TRUE(ticket.ok());
  entered.get_future().wait();
  const double before = engine_->metrics().step_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_GT(engine_->metrics().step_seconds(), before);
  leave.set_value();
}

TEST_F(EngineTroubleTest, MetricsAddUp) {
  auto metrics = std::make_shared<EngineMetrics>();
  start({.context = 256, .parallel = 3, .max_queue = 4, .metrics = metrics});
  const std::vector<text::TokenId> prompt(40, 3);
  run(request(prompt, 16));
  run(request(prompt, 16));
  engine_.reset();
  EXPECT_EQ(metrics->prompt_tokens.value(), 80u);
  EXPECT_GE(metrics->cached_tokens.value(), 32u);
  EXPECT_EQ(metrics->generation_tokens.value(), 32u);
  EXPECT_EQ(metrics->endings[static_cast<std::size_t>(Ending::kLength)].value(), 2u);
  EXPECT_EQ(metrics->first_token.cumulative().back(), 2u);
  EXPECT_EQ(metrics->whole.cumulative().back(), 2u);
  EXPECT_EQ(metrics->request_prompt.sum(), 80);
  EXPECT_EQ(metrics->running.value(), 0);
  EXPECT_EQ(metrics->waiting.value(), 0);
  EXPECT_EQ(metrics->step_seconds(), 0);
}

}  // namespace
}  // namespace aquilon::engine
