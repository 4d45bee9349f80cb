#include "apps/step_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "api/fake_generator_for_test.h"

namespace aquilon::apps {
namespace {

using namespace std::chrono_literals;

class StepWatchTest : public testing::Test {
 protected:
  StepWatchTest() {
    auto fake = std::make_shared<api::FakeGenerator>();
    const auto added = models_.add({.card = fake->card(), .loaded = fake, .metrics = metrics_});
    EXPECT_TRUE(added.ok());
  }

  std::shared_ptr<engine::EngineMetrics> metrics_ = std::make_shared<engine::EngineMetrics>();
  chat::ModelPool models_;
};

TEST_F(StepWatchTest, AStuckStepEndsTheProcess) {
  std::promise<std::string> ended;
  std::atomic<bool> first = true;
  metrics_->begin_step();
  const StepWatch watch(models_, {.longest_step = 0.05,
                                  .interval = 10ms,
                                  .heartbeat = {},
                                  .end =
                                      [&](const std::string& reason) {
                                        if (first.exchange(false)) ended.set_value(reason);
                                      },
                                  .well = {}});
  EXPECT_NE(ended.get_future().get().find("model 'fake-model' has been in one step"),
            std::string::npos);
}

TEST_F(StepWatchTest, StepsThatEndAreLeftAlone) {
  std::atomic<int> well = 0;
  std::atomic<bool> ended = false;
  {
    const StepWatch watch(models_, {.longest_step = 30,
                                    .interval = 5ms,
                                    .heartbeat = {},
                                    .end = [&](const std::string&) { ended = true; },
                                    .well = [&] { ++well; }});
    while (well < 5) {
      metrics_->begin_step();
      std::this_thread::sleep_for(1ms);
      metrics_->end_step();
    }
  }
  EXPECT_FALSE(ended);
}

TEST_F(StepWatchTest, NothingIsWellWhileTheNetworkThreadStands) {
  std::atomic<std::uint64_t> beats = 1;
  std::atomic<bool> moves = true;
  std::atomic<int> looks = 0;
  std::atomic<int> well = 0;
  const StepWatch watch(models_, {.longest_step = 0,
                                  .interval = 5ms,
                                  .heartbeat =
                                      [&] {
                                        ++looks;
                                        return moves ? ++beats : beats.load();
                                      },
                                  .end = [](const std::string&) {},
                                  .well = [&] { ++well; }});
  while (well < 3) std::this_thread::sleep_for(1ms);
  moves = false;
  const int at = looks;
  while (looks < at + 2) std::this_thread::sleep_for(1ms);
  const int before = well;
  while (looks < at + 6) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(well, before);
}

TEST(StepWatchDeathTest, TheEndSaysWhy) {
  EXPECT_EXIT(end_process("a step stands still"), testing::ExitedWithCode(70),
              "aquilon: a step stands still; the process ends to be started again");
}

}  // namespace
}  // namespace aquilon::apps
