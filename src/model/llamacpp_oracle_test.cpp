// The real models against what llama.cpp gives on the same files. Its kernels round activations to
// 8 bits, so it is a neighbour of the truth, not the truth: the bounds are its own spread between
// its own kernels (the table of SOURCES.md in that folder). Needs the models and the recorded
// answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numeric>

#include "model/model.h"
#include "model/oracle_for_test.h"

namespace aquilon::model {
namespace {

using boost::json::value_to;
using text::TokenId;

struct RealModel {
  std::string name;
  double spread;  // mean difference of a log-probability between llama.cpp's own kernels
};

const RealModel kModels[] = {
    {"smollm2-135m-instruct-q4_1", 0.075},
    {"qwen2.5-coder-0.5b-instruct-q4_k_m", 0.042},
    {"qwen2.5-coder-1.5b-instruct-q4_k_m", 0.058},
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
    auto model = Model::load(path, {.threads = 2});
    ASSERT_TRUE(model.ok()) << model.error().message;
    model_ = std::move(*model);
  }

  // Logits of every position, [T, V].
  std::vector<float> run(std::span<const TokenId> ids) {
    KvCache kv = KvCache::create(model_->config(), ids.size(), KvType::kBf16).value();
    Slice slice{&kv, ids, WantLogits::kAll};
    std::vector<float> logits;
    model_->forward().run({&slice, 1}, logits);
    return logits;
  }

  std::string folder_;
  std::unique_ptr<Model> model_;
};

// Every recorded greedy token, teacher-forced: llama.cpp's choice is ours or within 0.5 of it.
TEST_P(LlamaCppOracle, GreedyTokensTeacherForced) {
  const std::size_t vocab = model_->config().vocab_size;
  std::ifstream lines(folder_ + "/greedy.jsonl");
  double sum = 0;
  std::size_t count = 0;
  std::size_t agree = 0;
  for (std::string line; std::getline(lines, line);) {
    const boost::json::value record = boost::json::parse(line);
    auto ids = value_to<std::vector<TokenId>>(record.at("prompt_ids"));
    const auto tokens = value_to<std::vector<TokenId>>(record.at("tokens"));
    const std::size_t prompt = ids.size();
    ids.insert(ids.end(), tokens.begin(), tokens.end() - 1);
    const std::vector<float> logits = run(ids);
    for (std::size_t step = 0; step < tokens.size(); ++step) {
      const std::span row(logits.data() + (prompt - 1 + step) * vocab, vocab);
      const float best = *std::max_element(row.begin(), row.end());
      const float chosen = row[static_cast<std::size_t>(tokens[step])];
      EXPECT_LE(best - chosen, 0.5f) << value_to<std::string>(record.at("name")) << " " << step;
      agree += best == chosen;
      const double lse = log_sum_exp(row);
      for (const auto& entry : record.at("steps").at(step).at("top").as_array()) {
        const auto id = value_to<std::size_t>(entry.at(0));
        sum += std::abs(row[id] - lse - value_to<double>(entry.at(1)));
        ++count;
      }
    }
  }
  ASSERT_GT(count, 4000u);
  const double mean = sum / static_cast<double>(count);
  std::printf("%s: mean |d log p| %.4f over %zu ids, same best token %.1f %%\n",
              GetParam().name.c_str(), mean, count,
              500.0 * static_cast<double>(agree) / static_cast<double>(count));
  EXPECT_LE(mean, 1.5 * GetParam().spread);
}

// Whole distributions at every position of the prompts: llama.cpp's 64 best ids, the rest one
// class.
TEST_P(LlamaCppOracle, DistributionsOfPrompts) {
  const std::size_t vocab = model_->config().vocab_size;
  const std::string command = "gzip -dc '" + folder_ + "/prompt-logits.jsonl.gz'";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string all;
  char block[65536];
  for (std::size_t n; (n = std::fread(block, 1, sizeof block, pipe.get())) > 0;)
    all.append(block, n);
  double divergence = 0;
  double difference = 0;
  std::size_t positions = 0;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    const boost::json::value record =
        boost::json::parse(std::string_view(all).substr(at, end - at));
    at = end + 1;
    const auto ids = value_to<std::vector<TokenId>>(record.at("ids"));
    const std::vector<float> logits = run(ids);
    for (std::size_t p = 0; p + 1 < ids.size(); ++p, ++positions) {
      const std::span row(logits.data() + p * vocab, vocab);
      const double ours_lse = log_sum_exp(row);
      const auto theirs_lse = value_to<double>(record.at("lse").at(p));
      const auto best = value_to<std::vector<std::size_t>>(record.at("top_ids").at(p));
      const auto theirs = value_to<std::vector<double>>(record.at("top_logits").at(p));
      double ours_rest = 1;
      double theirs_rest = 1;
      for (std::size_t k = 0; k < best.size(); ++k) {
        const double a = row[best[k]] - ours_lse;
        const double b = theirs[k] - theirs_lse;
        divergence += std::exp(a) * (a - b);
        ours_rest -= std::exp(a);
        theirs_rest -= std::exp(b);
      }
      if (ours_rest > 1e-9 && theirs_rest > 1e-9)
        divergence += ours_rest * std::log(ours_rest / theirs_rest);
      const double next = row[static_cast<std::size_t>(ids[p + 1])] - ours_lse;
      difference += std::abs(next - value_to<double>(record.at("next_logprob").at(p)));
    }
  }
  ASSERT_GT(positions, 1000u);
  divergence /= static_cast<double>(positions);
  difference /= static_cast<double>(positions);
  std::printf("%s: KL(exact || llama.cpp) %.5f, mean |d log p(next)| %.4f over %zu positions\n",
              GetParam().name.c_str(), divergence, difference, positions);
  EXPECT_LE(difference, 1.5 * GetParam().spread);
  EXPECT_LE(divergence, GetParam().spread);
}

INSTANTIATE_TEST_SUITE_P(Real, LlamaCppOracle, testing::ValuesIn(kModels), [](const auto& info) {
  std::string name = info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

}  // namespace
}  // namespace aquilon::model
