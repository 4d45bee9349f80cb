#include "engine/step_cost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace aquilon::engine {
namespace {

// A machine whose steps cost what this says, give or take some percent, and now and then ten times
// as much.
struct Machine {
  double fixed, decoding, prompt, position;
  std::mt19937 rng{7};

  double truth(const StepWork& w) const {
    return fixed + decoding * static_cast<double>(w.decoding) +
           prompt * static_cast<double>(w.prompt) + position * w.positions;
  }
  double run(const StepWork& w) {
    const double noise = std::normal_distribution(1.0, 0.05)(rng);
    return truth(w) * noise * (rng() % 50 == 0 ? 10 : 1);
  }
};

StepWork random_work(std::mt19937& rng) {
  StepWork work;
  for (unsigned i = rng() % 6; i > 0; --i) work.add_decoding(1, rng() % 4000);
  if (rng() % 2 == 0) work.add_prompt(1 + rng() % 120, rng() % 4000);
  if (work.decoding + work.prompt == 0) work.add_decoding(1, 10);
  return work;
}

TEST(StepCost, LearnsMachinesAndFollowsTheirChanges) {
  Machine machines[] = {
      {0.008, 0.0005, 0.0006, 1e-9}, {0.150, 0.02, 0.012, 4e-8}, {0.0005, 0.0001, 0.00002, 1e-10}};
  StepCost cost;
  std::mt19937 rng(1);
  for (Machine& machine : machines) {
    for (int i = 0; i < 400; ++i) {
      const StepWork work = random_work(rng);
      cost.observe(work, machine.run(work));
    }
    for (int i = 0; i < 20; ++i) {
      const StepWork work = random_work(rng);
      EXPECT_NEAR(cost.seconds(work) / machine.truth(work), 1, 0.35);
    }
  }
}

TEST(StepCost, FindsWhatFits) {
  Machine machine{0.02, 0.001, 0.0005, 2e-9};
  StepCost cost;
  std::mt19937 rng(2);
  for (int i = 0; i < 300; ++i) {
    const StepWork work = random_work(rng);
    cost.observe(work, machine.truth(work));
  }
  StepWork base;
  base.add_decoding(3, 500);
  const double limit = 2 * cost.seconds(base);
  const std::size_t fits = cost.prompt_within(base, 1000, 512, limit);
  EXPECT_GT(fits, 20u);
  EXPECT_LT(fits, 60u);
  StepWork just = base, over = base;
  just.add_prompt(fits, 1000);
  over.add_prompt(fits + 1, 1000);
  EXPECT_LE(cost.seconds(just), limit);
  EXPECT_GT(cost.seconds(over), limit);
  EXPECT_EQ(cost.prompt_within(base, 1000, 7, limit), 7u);
  EXPECT_EQ(cost.prompt_within(base, 1000, 0, limit), 0u);
  EXPECT_EQ(cost.prompt_within(base, 1000, 512, 0), 0u);
}

TEST(StepCost, IsNeverNegativeOrUnbounded) {
  StepCost cost;
  StepWork work;
  work.add_decoding(1, 1);
  for (const double odd : {0.0, -1.0, 1e300, std::nan(""), 1e-300, 5.0}) {
    cost.observe(work, odd);
    EXPECT_GE(cost.seconds(work), 0);
    EXPECT_TRUE(std::isfinite(cost.seconds(work)));
    EXPECT_GE(cost.seconds({0, 100, 0}), 0);
  }
}

}  // namespace
}  // namespace aquilon::engine
