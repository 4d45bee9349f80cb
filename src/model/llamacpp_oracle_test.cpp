// The real models, as they are served, against the f32 reference and against what llama.cpp gives
// on the same files. Its kernels round activations to 8 bits too, so it is a neighbour of the
// truth, not the truth: we must be as close to the reference as it is, and to it within the spread
// of its own kernels (the table of SOURCES.md in that folder). Needs the models and the recorded
// answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numeric>

#include "model/bare_model_for_test.h"
#include "model/oracle_for_test.h"

namespace aquilon::model {
namespace {

using boost::json::value_to;
using text::TokenId;

struct RealModel {
  std::string name;
  double spread;       // mean difference of a log-probability between llama.cpp's own kernels
  std::size_t enough;  // positions to compare with the slow reference, but in ./run soak all
  // Greedy steps where llama.cpp's choice may be further than 0.5 behind ours. On Gemma its own
  // kernels move log-probabilities by up to 1.2; at the one step the reference is between the two.
  std::size_t apart = 0;
};

const RealModel kModels[] = {
    {"smollm2-135m-instruct-q4_1", 0.075, 1000},
    {"qwen2.5-coder-0.5b-instruct-q4_k_m", 0.042, 400},
    {"qwen2.5-coder-1.5b-instruct-q4_k_m", 0.058, 150},
    {"gemma-3-270m-q4_k_m", 0.091, 640, 1},
};

std::string models_folder() {
  if (const char* set = std::getenv("AQUILON_TEST_MODELS")) return set;
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "") + "/.cache/aquilon/test-models";
}

double log_sum_exp(std::span<const float> logits) {
  const float highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit - highest));
  return highest + std::log(sum);
}

class LlamaCppOracle : public testing::TestWithParam<RealModel> {
 protected:
  void SetUp() override {
    folder_ = shared_folder_for_test() + "/data/oracle/llamacpp/" + GetParam().name;
    const std::string path = models_folder() + "/" + GetParam().name + ".gguf";
    if (!std::filesystem::exists(folder_) || !std::filesystem::exists(path))
      GTEST_SKIP() << "needs " << GetParam().name << ".gguf and its recorded answers "
                   << "(AQUILON_TEST_MODELS, AQUILON_SHARED)";
    auto model = BareModel::load(path, 2, WeightsForTest::kPackedFile);
    ASSERT_TRUE(model.ok()) << model.error().message;
    model_ = std::move(*model);
  }

  std::string folder_;
  std::unique_ptr<BareModel> model_;
};

// Every recorded greedy token, teacher-forced: llama.cpp's choice is ours or within 0.5 of it.
struct TeacherForced {
  std::size_t steps = 0;
  std::size_t agree = 0;
  std::size_t apart = 0;  // by more than 0.5
  double sum = 0;         // of |d log p| over the recorded ids
  std::size_t count = 0;
};

TeacherForced force(BareModel& model, const std::string& folder, KvType type) {
  const std::size_t vocab = model.config().vocab_size;
  std::ifstream lines(folder + "/greedy.jsonl");
  TeacherForced seen;
  for (std::string line; std::getline(lines, line);) {
    const boost::json::value record = boost::json::parse(line);
    auto ids = value_to<std::vector<TokenId>>(record.at("prompt_ids"));
    const auto tokens = value_to<std::vector<TokenId>>(record.at("tokens"));
    const std::size_t prompt = ids.size();
    ids.insert(ids.end(), tokens.begin(), tokens.end() - 1);
    const std::vector<float> logits = model.run(ids, {ids.size()}, 0, type);
    for (std::size_t step = 0; step < tokens.size(); ++step, ++seen.steps) {
      const std::span row(logits.data() + (prompt - 1 + step) * vocab, vocab);
      const float best = *std::max_element(row.begin(), row.end());
      const float chosen = row[static_cast<std::size_t>(tokens[step])];
      seen.agree += best == chosen;
      if (best - chosen > 0.5f) {
        ++seen.apart;
        std::printf("%s, step %zu: llama.cpp's choice is %.2f behind ours\n",
                    value_to<std::string>(record.at("name")).c_str(), step,
                    static_cast<double>(best - chosen));
      }
      const double lse = log_sum_exp(row);
      for (const auto& entry : record.at("steps").at(step).at("top").as_array()) {
        const auto id = value_to<std::size_t>(entry.at(0));
        seen.sum += std::abs(row[id] - lse - value_to<double>(entry.at(1)));
        ++seen.count;
      }
    }
  }
  return seen;
}

TEST_P(LlamaCppOracle, GreedyTokensTeacherForced) {
  const TeacherForced seen = force(*model_, folder_, KvType::kBf16);
  ASSERT_GT(seen.count, 4000u);
  const double mean = seen.sum / static_cast<double>(seen.count);
  std::printf("%s: mean |d log p| %.4f over %zu ids, same best token %.1f %%\n",
              GetParam().name.c_str(), mean, seen.count,
              100.0 * static_cast<double>(seen.agree) / static_cast<double>(seen.steps));
  EXPECT_LE(mean, 1.5 * GetParam().spread);
  EXPECT_LE(seen.apart, GetParam().apart);
}

TEST_P(LlamaCppOracle, ReferenceGreedyTokensTeacherForced) {
  if (std::getenv("AQUILON_SOAK") == nullptr) GTEST_SKIP() << "slow: only in ./run soak";
  model_.reset();
  const auto reference = BareModel::load(models_folder() + "/" + GetParam().name + ".gguf").value();
  const TeacherForced seen = force(*reference, folder_, KvType::kF32);
  EXPECT_LE(seen.sum / static_cast<double>(seen.count), 1.5 * GetParam().spread);
  EXPECT_EQ(seen.apart, 0u);
}

// The prompts' distributions as llama.cpp gave them, one JSON object a line.
std::string read_compressed(const std::string& path) {
  const std::string command = "gzip -dc '" + path + "'";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string all;
  char block[65536];
  for (std::size_t n; (n = std::fread(block, 1, sizeof block, pipe.get())) > 0;)
    all.append(block, n);
  return all;
}

// How far a computation is from the reference: sums over positions.
struct Distance {
  double divergence = 0;  // KL(reference || other)
  double next = 0;        // |difference of the next token's log-probability|
};

// The ids that llama.cpp recorded for a position; all others count as one class.
struct Recorded {
  Recorded(const boost::json::value& record, std::size_t position)
      : ids(value_to<std::vector<std::size_t>>(record.at("top_ids").at(position))),
        logits(value_to<std::vector<double>>(record.at("top_logits").at(position))),
        lse(value_to<double>(record.at("lse").at(position))),
        next(value_to<double>(record.at("next_logprob").at(position))) {}

  std::vector<std::size_t> ids;
  std::vector<double> logits;
  double lse;
  double next;
};

// `log_p(k)`: the other's log-probability of the k-th recorded id
template <class F>
double divergence(std::span<const float> exact, const Recorded& recorded, const F& log_p) {
  const double lse = log_sum_exp(exact);
  double sum = 0;
  double exact_rest = 1;
  double other_rest = 1;
  for (std::size_t k = 0; k < recorded.ids.size(); ++k) {
    const double a = exact[recorded.ids[k]] - lse;
    const double b = log_p(k);
    sum += std::exp(a) * (a - b);
    exact_rest -= std::exp(a);
    other_rest -= std::exp(b);
  }
  const bool rest = exact_rest > 1e-9 && other_rest > 1e-9;
  return rest ? sum + exact_rest * std::log(exact_rest / other_rest) : sum;
}

void add_ours(Distance& d, std::span<const float> exact, std::span<const float> fast,
              const Recorded& recorded, std::size_t next) {
  const double lse = log_sum_exp(fast);
  d.divergence +=
      divergence(exact, recorded, [&](std::size_t k) { return fast[recorded.ids[k]] - lse; });
  d.next += std::abs((exact[next] - log_sum_exp(exact)) - (fast[next] - lse));
}

void add_theirs(Distance& d, std::span<const float> exact, const Recorded& recorded,
                std::size_t next) {
  d.divergence +=
      divergence(exact, recorded, [&](std::size_t k) { return recorded.logits[k] - recorded.lse; });
  d.next += std::abs(exact[next] - log_sum_exp(exact) - recorded.next);
}

TEST_P(LlamaCppOracle, NoFurtherFromTheReferenceThanLlamaCpp) {
  const std::size_t vocab = model_->config().vocab_size;
  const std::string path = models_folder() + "/" + GetParam().name + ".gguf";
  const auto reference = BareModel::load(path).value();
  const std::string all = read_compressed(folder_ + "/prompt-logits.jsonl.gz");
  Distance ours, theirs;
  std::size_t positions = 0;
  const std::size_t enough = std::getenv("AQUILON_SOAK") != nullptr ? 1u << 20 : GetParam().enough;
  for (std::size_t at = 0; at < all.size() && positions < enough;) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    const boost::json::value record =
        boost::json::parse(std::string_view(all).substr(at, end - at));
    at = end + 1;
    auto ids = value_to<std::vector<TokenId>>(record.at("ids"));
    ids.resize(std::min(ids.size(), enough - positions + 1));
    const std::vector<float> exact = reference->run(ids, {ids.size()});
    const std::vector<float> fast = model_->run(ids, {ids.size()}, 0, KvType::kBf16);
    for (std::size_t p = 0; p + 1 < ids.size(); ++p, ++positions) {
      const std::span row(exact.data() + p * vocab, vocab);
      const auto next = static_cast<std::size_t>(ids[p + 1]);
      const Recorded recorded(record, p);
      add_ours(ours, row, {fast.data() + p * vocab, vocab}, recorded, next);
      add_theirs(theirs, row, recorded, next);
    }
  }
  ASSERT_GE(positions, std::min<std::size_t>(enough, 1000));
  const auto n = static_cast<double>(positions);
  std::printf(
      "%s, %zu positions: KL to the reference %.5f (llama.cpp %.5f), "
      "mean |d log p| of the next token %.4f (llama.cpp %.4f)\n",
      GetParam().name.c_str(), positions, ours.divergence / n, theirs.divergence / n, ours.next / n,
      theirs.next / n);
  EXPECT_LE(ours.divergence, theirs.divergence);
  EXPECT_LE(ours.next, theirs.next);
}

INSTANTIATE_TEST_SUITE_P(Real, LlamaCppOracle, testing::ValuesIn(kModels), [](const auto& info) {
  std::string name = info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

}  // namespace
}  // namespace aquilon::model
