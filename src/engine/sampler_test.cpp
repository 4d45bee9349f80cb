#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace aquilon::engine {
namespace {

using text::TokenId;

// Probabilities 0.4, 0.3, 0.2, 0.1 for ids 0..3.
std::vector<float> four_logits() {
  return {std::log(0.4f), std::log(0.3f), std::log(0.2f), std::log(0.1f)};
}

std::map<TokenId, int> draw_counts(const SamplingParams& params, int draws,
                                   const std::vector<float>& logits = four_logits()) {
  std::map<TokenId, int> counts;
  for (int i = 0; i < draws; ++i) {
    Sampler sampler(params, static_cast<std::uint64_t>(i), 0, {});
    std::vector<float> copy = logits;
    ++counts[sampler.sample(copy)];
  }
  return counts;
}

std::set<TokenId> support(const SamplingParams& params) {
  std::set<TokenId> ids;
  for (const auto& [id, count] : draw_counts(params, 1000)) ids.insert(id);
  return ids;
}

TEST(Sampler, DrawsFromTheDistribution) {
  const auto counts = draw_counts({}, 20000);
  const double want[] = {0.4, 0.3, 0.2, 0.1};
  // Four standard deviations of a count of 20,000 draws are below 0.014.
  for (TokenId id = 0; id < 4; ++id) EXPECT_NEAR(counts.at(id) / 20000.0, want[id], 0.014) << id;
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  SamplingParams sharp;
  sharp.temperature = 0.5;  // squares: 16 9 4 1 of 30
  EXPECT_NEAR(draw_counts(sharp, 20000).at(0) / 20000.0, 16.0 / 30, 0.015);
  SamplingParams greedy;
  greedy.temperature = 0;
  EXPECT_EQ(support(greedy), (std::set<TokenId>{0}));
}

TEST(Sampler, CutsKeepWhatTheyPromise) {
  struct {
    const char* name;
    SamplingParams params;
    std::set<TokenId> want;
  } const cases[] = {
      {"top_k 1", {.top_k = 1}, {0}},
      {"top_k 3", {.top_k = 3}, {0, 1, 2}},
      {"top_k beyond", {.top_k = 9}, {0, 1, 2, 3}},
      {"top_p tiny keeps one", {.top_p = 1e-9}, {0}},
      {"top_p 0.4", {.top_p = 0.39}, {0}},
      {"top_p 0.6", {.top_p = 0.6}, {0, 1}},
      {"top_p after top_k renormalises", {.top_k = 2, .top_p = 0.57}, {0}},
      {"min_p 1", {.min_p = 1.0}, {0}},
      {"min_p 0.4", {.min_p = 0.4}, {0, 1, 2}},
      // Entropy 1.28: surprises 0.92, 1.20, 1.61, 2.30; nearest first: 1, 2 (0.33), 0 (0.36), 3.
      {"typical 0.2", {.typical_p = 0.2}, {1}},
      {"typical 0.45", {.typical_p = 0.45}, {1, 2}},
      {"typical 0.8", {.typical_p = 0.8}, {0, 1, 2}},
  };
  for (const auto& c : cases) EXPECT_EQ(support(c.params), c.want) << c.name;
}

// The partial sort of a large vocabulary keeps what a full sort would.
TEST(Sampler, TopPOverALargeVocabulary) {
  std::vector<float> logits(50000);
  for (std::size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>(std::sin(static_cast<double>(i)) * 0.01);
  SamplingParams params;
  params.top_p = 0.5;
  std::vector<float> sorted = logits;
  std::sort(sorted.rbegin(), sorted.rend());
  const float lowest_kept = sorted[26000];  // nearly flat: half of the mass is about half the ids
  for (const auto& [id, count] : draw_counts(params, 40, logits))
    EXPECT_GE(logits[static_cast<std::size_t>(id)], lowest_kept);
}

TEST(Sampler, PenaltiesCountWhatTheyShould) {
  // Repetition: prompt and answer; positive logits divide, negative multiply.
  SamplingParams repeat;
  repeat.temperature = 0;
  repeat.repetition_penalty = 2;
  const std::vector<TokenId> prompt = {0, 2, 0};
  Sampler a(repeat, 1, 0, prompt);
  std::vector<float> logits = {3.0f, 2.0f, -1.0f, -1.5f};
  EXPECT_EQ(a.sample(logits), 1);  // 1.5, 2, -2, -1.5
  EXPECT_EQ(logits, (std::vector<float>{1.5f, 2.0f, -2.0f, -1.5f}));
  logits = {3.0f, 2.0f, -1.0f, -1.5f};
  EXPECT_EQ(a.sample(logits), 0);  // the answer's 1 counts now
  EXPECT_EQ(logits, (std::vector<float>{1.5f, 1.0f, -2.0f, -1.5f}));

  // Presence and frequency: the answer alone, frequency by count.
  SamplingParams presence;
  presence.temperature = 0;
  presence.presence_penalty = 0.5;
  presence.frequency_penalty = 0.25;
  Sampler b(presence, 1, 0, prompt);
  for (int i = 0; i < 2; ++i) {
    logits = {9.0f, 0.0f, 0.0f, 0.0f};
    EXPECT_EQ(b.sample(logits), 0);
  }
  logits = {9.0f, 1.0f, 0.0f, 0.0f};
  b.sample(logits);
  EXPECT_EQ(logits, (std::vector<float>{8.0f, 1.0f, 0.0f, 0.0f}));  // 0.5 + 2 * 0.25
}

TEST(Sampler, LogitBiasMovesTheChoice) {
  SamplingParams params;
  params.temperature = 0;
  params.logit_bias = {{3, 100.0f}, {0, -100.0f}};
  EXPECT_EQ(support(params), (std::set<TokenId>{3}));
}

TEST(Sampler, SeedChoiceAndStepDecideAlone) {
  const std::vector<float> logits(1000, 0.0f);
  const auto answer = [&](std::uint64_t seed, int choice) {
    Sampler sampler({}, seed, choice, {});
    std::vector<TokenId> ids;
    for (int i = 0; i < 20; ++i) {
      std::vector<float> copy = logits;
      ids.push_back(sampler.sample(copy));
    }
    return ids;
  };
  EXPECT_EQ(answer(5, 0), answer(5, 0));
  EXPECT_NE(answer(5, 0), answer(6, 0));
  EXPECT_NE(answer(5, 0), answer(5, 1));
}

TEST(SamplingParams, RangesAreHeld) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  struct {
    SamplingParams params;
    const char* field;  // null: valid
  } const cases[] = {
      {{}, nullptr},
      {{.temperature = 0, .top_k = 0, .top_p = 1}, nullptr},
      {{.temperature = -0.1}, "temperature"},
      {{.temperature = kNan}, "temperature"},
      {{.temperature = kInf}, "temperature"},
      {{.top_k = -1}, "top_k"},
      {{.top_p = 0}, "top_p"},
      {{.top_p = 1.01}, "top_p"},
      {{.top_p = kNan}, "top_p"},
      {{.min_p = -0.1}, "min_p"},
      {{.typical_p = 0}, "typical_p"},
      {{.repetition_penalty = 0}, "repetition_penalty"},
      {{.presence_penalty = 2.5}, "presence_penalty"},
      {{.frequency_penalty = -kInf}, "frequency_penalty"},
      {{.logit_bias = {{9, 1.0f}}}, nullptr},
      {{.logit_bias = {{10, 1.0f}}}, "logit_bias"},
      {{.logit_bias = {{-1, 1.0f}}}, "logit_bias"},
      {{.logit_bias = {{1, std::nanf("")}}}, "logit_bias"},
  };
  for (const auto& c : cases) {
    const Status status = validate(c.params, 10);
    EXPECT_EQ(status.ok(), c.field == nullptr);
    EXPECT_EQ(status.ok() ? "" : status.error().param, c.field == nullptr ? "" : c.field);
  }
}

}  // namespace
}  // namespace aquilon::engine
