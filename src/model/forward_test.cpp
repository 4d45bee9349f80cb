// The forward pass against published implementations on the same weights.
#include "model/forward.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include "model/bare_model_for_test.h"
#include "model/hf_folder_for_test.h"
#include "model/model.h"
#include "model/oracle_for_test.h"

namespace aquilon::model {
namespace {

using text::TokenId;

struct OracleCase {
  std::string name;
  std::string file;
  bool always;  // its files are in the repository
};

const OracleCase kCases[] = {
    {"llama-gqa", "model-f32.gguf", true},      {"llama-yarn", "model-f32.gguf", true},
    {"qwen2", "model-f32.gguf", true},          {"llama-tied", "model-f32.gguf", false},
    {"llama-linear", "model-f32.gguf", false},  {"mistral-full", "model-f16.gguf", false},
    {"mistral-full", "model-bf16.gguf", false}, {"mistral-swa", "model-f32.gguf", false},
    {"ministral3", "model-f32.gguf", true},     {"qwen3", "model-f32.gguf", false},
    {"mixtral", "model-f32.gguf", true},        {"qwen3-moe", "model-f32.gguf", true},
    {"gemma3-text", "model-f32.gguf", true},    {"gemma3-pattern6", "model-f32.gguf", false},
    {"seed-oss", "model-bf16.gguf", true},      {"ernie4_5", "model-bf16.gguf", true},
    {"smollm3", "model-bf16.gguf", true},
};

class ForwardOracle : public testing::TestWithParam<OracleCase> {
 protected:
  void SetUp() override {
    folder_ = oracle_folder_for_test(GetParam().name);
    if (folder_.empty()) {
      ASSERT_FALSE(GetParam().always)
          << "the repository lost tests/data/oracle/" << GetParam().name;
      GTEST_SKIP() << "no " << GetParam().name << " here: set AQUILON_SHARED to test it";
    }
    auto model = BareModel::load(folder_ + "/" + GetParam().file);
    ASSERT_TRUE(model.ok()) << model.error().message;
    model_ = std::move(*model);
    manifest_ = read_manifest_for_test(folder_);
  }

  std::string folder_;
  std::unique_ptr<BareModel> model_;
  boost::json::value manifest_;
};

TEST_P(ForwardOracle, LogitsAreThePublishedOnes) {
  const std::size_t vocab = model_->config().vocab_size;
  for (const boost::json::value& sequence : manifest_.at("sequences").as_array()) {
    const std::string file =
        folder_ + "/" + boost::json::value_to<std::string>(sequence.at("logits"));
    if (!std::filesystem::exists(file)) continue;  // the 9,000-token runs are not in the repository
    const auto tokens = sequence_tokens_for_test(sequence, folder_);
    const auto positions =
        boost::json::value_to<std::vector<std::size_t>>(sequence.at("positions"));
    const auto tolerance = boost::json::value_to<float>(sequence.at("tolerance"));
    const auto want = read_numbers_for_test<float>(file);
    ASSERT_EQ(want.size(), positions.size() * vocab);
    const auto got = model_->run(tokens, {64});
    float worst = 0;
    for (std::size_t row = 0; row < positions.size(); ++row)
      for (std::size_t i = 0; i < vocab; ++i)
        worst = std::max(worst, std::abs(got[positions[row] * vocab + i] - want[row * vocab + i]));
    EXPECT_LE(worst, tolerance) << tokens.size() << " tokens";
  }
}

TEST_P(ForwardOracle, HiddenStatesAreThePublishedOnes) {
  const auto want = read_numbers_for_test<float>(folder_ + "/len7.hidden.f32");
  const auto tokens =
      boost::json::value_to<std::vector<TokenId>>(manifest_.at("greedy").at("prompt"));
  std::vector<float> got;
  KvCache kv = KvCache::create(model_->config(), tokens.size()).value();
  Slice slice{&kv, tokens, WantLogits::kAll};
  std::vector<float> logits;
  model_->forward().run({&slice, 1}, logits, [&](std::size_t, std::span<const float> hidden) {
    got.insert(got.end(), hidden.begin(), hidden.end());
  });
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-4f) << i;
}

TEST_P(ForwardOracle, GreedyTokensAreThePublishedOnes) {
  const boost::json::value& greedy = manifest_.at("greedy");
  auto fed = boost::json::value_to<std::vector<TokenId>>(greedy.at("prompt"));
  const auto want = boost::json::value_to<std::vector<TokenId>>(greedy.at("tokens"));
  KvCache kv = KvCache::create(model_->config(), fed.size() + want.size()).value();
  std::vector<TokenId> got;
  std::vector<float> logits;
  while (got.size() < want.size()) {
    Slice slice{&kv, fed, WantLogits::kLast};
    logits.clear();
    model_->forward().run({&slice, 1}, logits);
    got.push_back(
        static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    fed = {got.back()};
  }
  EXPECT_EQ(got, want);
}

TEST_P(ForwardOracle, SlicingDoesNotChangeBits) {
  const auto tokens = sequence_tokens_for_test(manifest_.at("sequences").at(3), folder_);
  const auto whole = model_->run(tokens, {tokens.size()});
  for (const std::vector<std::size_t>& sizes :
       {std::vector<std::size_t>{1}, {7, 1, 30, 2, 64}, {99, 1}, {65, 3}})
    EXPECT_EQ(whole, model_->run(tokens, sizes));
}

INSTANTIATE_TEST_SUITE_P(Hf, ForwardOracle, testing::ValuesIn(kCases), [](const auto& info) {
  std::string name =
      info.param.name + "_" + info.param.file.substr(6, info.param.file.find('.') - 6);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// Random prompts of about 60 tokens in random mixed batches; returns each one's logits.
std::vector<std::vector<float>> run_mixed(BareModel& model,
                                          const std::vector<std::vector<TokenId>>& prompts,
                                          std::mt19937& rng) {
  const std::size_t vocab = model.config().vocab_size;
  std::vector<KvCache> caches;
  std::size_t left = 0;
  for (const auto& prompt : prompts) {
    caches.push_back(KvCache::create(model.config(), prompt.size()).value());
    left += prompt.size();
  }
  std::vector<std::vector<float>> got(prompts.size());
  std::vector<std::size_t> fed(prompts.size());
  while (left > 0) {
    std::vector<Slice> batch;
    std::vector<std::size_t> owner;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const std::size_t n = std::min<std::size_t>(rng() % 9, prompts[i].size() - fed[i]);
      if (n == 0) continue;
      batch.push_back({&caches[i], std::span(prompts[i]).subspan(fed[i], n), WantLogits::kAll});
      owner.push_back(i);
      fed[i] += n;
      left -= n;
    }
    if (batch.empty()) continue;
    std::vector<float> logits;
    model.forward().run(batch, logits);
    auto row = logits.begin();
    for (std::size_t b = 0; b < batch.size(); ++b) {
      const auto end = row + static_cast<std::ptrdiff_t>(batch[b].tokens.size() * vocab);
      got[owner[b]].insert(got[owner[b]].end(), row, end);
      row = end;
    }
  }
  return got;
}

// Sequences that run together give the bits of each alone, on any number of threads, in every kind
// of layer, with stored and with packed weights.
TEST(Forward, BatchAndThreadsDoNotChangeBits) {
  for (const char* name : {"llama-gqa", "ministral3", "mixtral", "qwen3-moe", "gemma3-text"})
    for (const auto form : {WeightsForTest::kStored, WeightsForTest::kPackedQ8_0}) {
      const std::string path = oracle_folder_for_test(name) + "/model-f32.gguf";
      const auto alone = BareModel::load(path, 1, form).value();
      const auto together = BareModel::load(path, 3, form).value();
      std::mt19937 rng(11);
      std::vector<std::vector<TokenId>> prompts(5);
      for (auto& prompt : prompts) {
        prompt.resize(40 + rng() % 40);
        for (TokenId& id : prompt) id = static_cast<TokenId>(rng() % alone->config().vocab_size);
      }
      const auto got = run_mixed(*together, prompts, rng);
      for (std::size_t i = 0; i < prompts.size(); ++i)
        EXPECT_EQ(got[i], alone->run(prompts[i], {64})) << name << ' ' << i;
    }
}

// Sequences that fork, go back and share pages give the bits of the same tokens alone, whatever the
// type of keys and values.
TEST(Forward, ForksAndTruncationsDoNotChangeBits) {
  const std::string path = oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
  auto model = Model::load(path, {.threads = 2}).value();
  const std::size_t vocab = model->config().vocab_size;
  struct Running {
    KvCache kv;
    std::vector<TokenId> tokens;
  };
  for (const KvType type : {KvType::kBf16, KvType::kF16, KvType::kF32}) {
    std::mt19937 rng(static_cast<unsigned>(type));
    const auto pool = KvPool::create(model->config(), type, 400).value();
    std::vector<Running> running;
    for (int i = 0; i < 3; ++i) running.push_back({KvCache(pool), {}});
    std::vector<float> logits;
    for (int step = 0; step < 60; ++step) {
      std::vector<std::vector<TokenId>> fed(running.size());
      std::vector<Slice> batch;
      for (std::size_t i = 0; i < running.size(); ++i) {
        fed[i].resize(1 + rng() % (rng() % 4 == 0 ? 90 : 3));
        for (TokenId& id : fed[i]) id = static_cast<TokenId>(rng() % vocab);
        ASSERT_TRUE(running[i].kv.reserve(fed[i].size()).ok());
        batch.push_back({&running[i].kv, fed[i], WantLogits::kLast});
      }
      logits.clear();
      model->forward().run(batch, logits);
      for (std::size_t i = 0; i < running.size(); ++i)
        running[i].tokens.insert(running[i].tokens.end(), fed[i].begin(), fed[i].end());
      const std::size_t checked = rng() % running.size();
      if (step % 6 == 5) {
        KvCache alone =
            KvCache::create(model->config(), running[checked].tokens.size(), type).value();
        Slice slice{&alone, running[checked].tokens, WantLogits::kLast};
        std::vector<float> want;
        model->forward().run({&slice, 1}, want);
        const std::span got = std::span(logits).subspan(checked * vocab, vocab);
        ASSERT_TRUE(std::equal(want.begin(), want.end(), got.begin())) << step;
      }
      Running& source = running[rng() % running.size()];
      const std::size_t keep = rng() % (source.tokens.size() + 1);
      if (rng() % 2 == 0 || source.tokens.size() > 500) {
        source.kv.truncate(keep);
        source.tokens.resize(keep);
      } else {
        Running forked{source.kv.fork(keep), source.tokens};
        forked.tokens.resize(keep);
        running[rng() % running.size()] = std::move(forked);
      }
    }
    running.clear();
    EXPECT_EQ(pool->free_pages(), pool->pages());
  }
}

struct FolderCase {
  const char* name;
  void (*scaling)(formats::GgufBuilder&);
};

// Models of Hugging Face folders without a GGUF, in their order of query and key rows.
class ForwardFolder : public testing::TestWithParam<FolderCase> {};

TEST_P(ForwardFolder, LogitsAreThePublishedOnes) {
  const std::string folder = oracle_folder_for_test(GetParam().name);
  if (folder.empty()) GTEST_SKIP() << "no " << GetParam().name << ": set AQUILON_SHARED to test it";
  formats::GgufBuilder builder = hf_folder_as_gguf_for_test(folder);
  GetParam().scaling(builder);
  const formats::GgufImage image = builder.build();
  const auto model =
      BareModel::load(formats::GgufFile::parse(image.bytes, GetParam().name).value()).value();
  const boost::json::value manifest = read_manifest_for_test(folder);
  for (const boost::json::value& sequence : manifest.at("sequences").as_array()) {
    const auto tokens = sequence_tokens_for_test(sequence, folder);
    const auto want = read_numbers_for_test<float>(
        folder + "/" + boost::json::value_to<std::string>(sequence.at("logits")));
    const auto positions =
        boost::json::value_to<std::vector<std::size_t>>(sequence.at("positions"));
    const std::size_t vocab = model->config().vocab_size;
    for (const std::size_t slice : {tokens.size(), std::size_t{7}}) {
      const auto got = model->run(tokens, {slice}, tokens.size());
      for (std::size_t row = 0; row < positions.size(); ++row)
        for (std::size_t i = 0; i < vocab; ++i)
          ASSERT_NEAR(got[positions[row] * vocab + i], want[row * vocab + i], 2e-4f)
              << tokens.size() << " tokens, position " << positions[row];
    }
    // Without the text's length it is each token's own past that counts.
    EXPECT_EQ(model->run(tokens, {tokens.size()}), model->run(tokens, {3, 1, 40}));
  }
}

const FolderCase kFolders[] = {
    {"llama-dynamic",
     [](formats::GgufBuilder& b) {
       b.text("llama.rope.scaling.type", "dynamic")
           .number("llama.rope.scaling.factor", formats::GgufType::kF32, 4.0f);
     }},
    {"llama-yarn-attnfactor",
     [](formats::GgufBuilder& b) {
       using formats::GgufType;
       b.text("llama.rope.scaling.type", "yarn")
           .number("llama.rope.scaling.factor", GgufType::kF32, 4.0f)
           .number("llama.rope.scaling.original_context_length", GgufType::kU32, 64u)
           .number("llama.rope.scaling.yarn_beta_fast", GgufType::kF32, 8.0f)
           .number("llama.rope.scaling.yarn_beta_slow", GgufType::kF32, 2.0f)
           .number("aquilon.rope_attention_factor", GgufType::kF64, 1.5);
     }},
};

INSTANTIATE_TEST_SUITE_P(Hf, ForwardFolder, testing::ValuesIn(kFolders), [](const auto& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace aquilon::model
