// LoRA adapters against what PyPI's peft computes on the same models (tests/data/lora).
#include "model/adapter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "formats/folder_builder_for_test.h"
#include "formats/gguf_builder_for_test.h"
#include "formats/model_folder.h"
#include "model/bare_model_for_test.h"
#include "model/oracle_for_test.h"

namespace aquilon::model {
namespace {

using text::TokenId;
using AdapterPtr = std::shared_ptr<const Adapter>;

std::string adapter_folder(const std::string& name) {
  return std::string(AQUILON_SOURCE_DIR) + "/tests/data/lora/" + name;
}

Result<AdapterPtr> load_adapter(const BareModel& model, const std::string& path) {
  return Adapter::bind(AQ_TRY(formats::AdapterFile::open(path)), model.config(), model.weights());
}

struct AdapterCase {
  std::string adapter;
  std::string file;   // of tests/data/lora/ADAPTER; empty: the folder
  std::string model;  // in the folder of the oracle's model; empty: that folder
};

// llama's rows of q and k in both orders, in the model and in the adapter.
const AdapterCase kCases[] = {
    {"llama-all", "", "model-f32.gguf"},
    {"llama-all", "", ""},
    {"llama-all", "", "consolidated"},
    {"llama-small", "", "model-f32.gguf"},
    {"llama-small", "", ""},
    {"llama-small", "adapter.gguf", "model-f32.gguf"},
    {"llama-small", "adapter.gguf", ""},
    {"qwen2-rs", "", "model-f32.gguf"},
    {"qwen2-rs", "", ""},
    {"gemma3-bf16", "", "model-f32.gguf"},
    {"gemma3-bf16", "", ""},
    {"ernie4_5", "", "model-bf16.gguf"},
    {"ernie4_5", "", ""},
};

class AdapterOracle : public testing::TestWithParam<AdapterCase> {};

TEST_P(AdapterOracle, LogitsAreThePublishedOnes) {
  const AdapterCase& c = GetParam();
  const std::string folder = adapter_folder(c.adapter);
  const boost::json::value manifest = read_manifest_for_test(folder);
  const auto name = boost::json::value_to<std::string>(manifest.at("model"));
  const std::string model_path = oracle_folder_for_test(name) + "/" + c.model;
  if (!c.model.ends_with(".gguf") && !std::filesystem::exists(model_path + "/config.json") &&
      !std::filesystem::exists(model_path + "/params.json"))
    GTEST_SKIP() << "no folder of " << name << " here: set AQUILON_SHARED to test it";
  const auto model = BareModel::load(formats::open_model(model_path).value()).value();
  const auto adapter = load_adapter(*model, folder + (c.file.empty() ? "" : "/" + c.file));
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  const std::size_t vocab = model->config().vocab_size;
  for (const boost::json::value& sequence : manifest.at("sequences").as_array()) {
    const auto tokens = sequence_tokens_for_test(sequence, folder);
    const auto want = read_numbers_for_test<float>(
        folder + "/" + boost::json::value_to<std::string>(sequence.at("logits")));
    ASSERT_EQ(want.size(), tokens.size() * vocab);
    const auto got = model->run(tokens, {64}, 0, KvType::kF32, {adapter->get(), 1});
    float worst = 0;
    for (std::size_t i = 0; i < want.size(); ++i)
      worst = std::max(worst, std::abs(got[i] - want[i]));
    EXPECT_LE(worst, boost::json::value_to<float>(manifest.at("tolerance")));
    // The adapter does something, and its scale is linear in what it adds first.
    EXPECT_GT(boost::json::value_to<float>(sequence.at("moved")), 0.1f);
    const auto without = model->run(tokens, {64});
    EXPECT_EQ(model->run(tokens, {64}, 0, KvType::kF32, {adapter->get(), 0}), without);
    EXPECT_EQ(model->run(tokens, {7, 1, 9}, 0, KvType::kF32, {adapter->get(), 1}), got);
  }
}

INSTANTIATE_TEST_SUITE_P(Peft, AdapterOracle, testing::ValuesIn(kCases), [](const auto& info) {
  const AdapterCase& c = info.param;
  std::string name = c.adapter + (c.file.empty() ? "" : "_gguf") + "_on_" +
                     (c.model.empty() ? "folder" : c.model.substr(0, c.model.find('-')));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// Adapters of random sequences in one batch, some with none, in random slices: each has the bits of
// itself alone, and those without one the bits of a model that has no adapters.
void expect_mixed_equals_alone(WeightsForTest form, int threads) {
  const std::string path = oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
  const auto alone = BareModel::load(path, 1, form).value();
  const auto together = BareModel::load(path, threads, form).value();
  std::mt19937 rng(static_cast<unsigned>(threads));
  std::vector<AdapterPtr> ours, theirs;
  for (const char* name : {"llama-all", "llama-small"}) {
    ours.push_back(load_adapter(*together, adapter_folder(name)).value());
    theirs.push_back(load_adapter(*alone, adapter_folder(name)).value());
  }
  struct Run {
    std::vector<TokenId> tokens;
    AdapterUse use, alone;
    KvCache kv;
    std::size_t fed = 0;
    std::vector<float> got = {};
  };
  const std::size_t vocab = alone->config().vocab_size;
  std::vector<Run> runs;
  for (std::size_t i = 0; i < 7; ++i) {
    std::vector<TokenId> tokens(20 + rng() % 30);
    for (TokenId& id : tokens) id = static_cast<TokenId>(rng() % vocab);
    Run run{tokens, {}, {}, KvCache::create(together->config(), tokens.size()).value()};
    if (i > 1) {
      const float scale = i == 6 ? 0.5f : 1.0f;
      run.use = {ours[i % 2].get(), scale};
      run.alone = {theirs[i % 2].get(), scale};
    }
    runs.push_back(std::move(run));
  }
  for (;;) {
    std::vector<Slice> batch;
    std::vector<Run*> owners;
    std::shuffle(runs.begin(), runs.end(), rng);
    for (Run& run : runs) {
      const std::size_t n = std::min<std::size_t>(rng() % 9, run.tokens.size() - run.fed);
      if (n == 0) continue;
      batch.push_back(
          {&run.kv, std::span(run.tokens).subspan(run.fed, n), WantLogits::kAll, 0, run.use});
      owners.push_back(&run);
      run.fed += n;
    }
    if (batch.empty()) {
      if (std::all_of(runs.begin(), runs.end(),
                      [](const Run& run) { return run.fed == run.tokens.size(); }))
        break;
      continue;
    }
    std::vector<float> logits;
    together->forward().run(batch, logits);
    auto row = logits.begin();
    for (std::size_t b = 0; b < batch.size(); ++b) {
      const auto end = row + static_cast<std::ptrdiff_t>(batch[b].tokens.size() * vocab);
      owners[b]->got.insert(owners[b]->got.end(), row, end);
      row = end;
    }
  }
  for (Run& run : runs)
    EXPECT_EQ(run.got, alone->run(run.tokens, {64}, 0, KvType::kF32, run.alone));
}

TEST(Adapter, MixedBatchesDoNotChangeBits) {
  expect_mixed_equals_alone(WeightsForTest::kStored, 3);
  expect_mixed_equals_alone(WeightsForTest::kPackedQ8_0, 2);
}

// Logits of the last rows alone are those of all rows, when the batch shrinks on the way.
TEST(Adapter, WantedRowsKeepTheirAdapter) {
  const std::string path = oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
  const auto model = BareModel::load(path).value();
  const AdapterPtr adapter = load_adapter(*model, adapter_folder("llama-all")).value();
  const std::vector<TokenId> tokens = {5, 6, 7, 8, 9};
  const std::size_t vocab = model->config().vocab_size;
  const auto plain = model->run(tokens, {64});
  const auto adapted = model->run(tokens, {64}, 0, KvType::kF32, {adapter.get(), 1});
  std::vector<KvCache> caches;
  for (int i = 0; i < 4; ++i) caches.push_back(KvCache::create(model->config(), 5).value());
  const AdapterUse use{adapter.get(), 1};
  Slice batch[] = {{&caches[0], tokens, WantLogits::kLast, 0, use},
                   {&caches[1], tokens, WantLogits::kNone, 0, use},
                   {&caches[2], tokens, WantLogits::kLast},
                   {&caches[3], tokens, WantLogits::kLast, 0, use}};
  std::vector<float> logits;
  model->forward().run(batch, logits);
  ASSERT_EQ(logits.size(), 3 * vocab);
  for (std::size_t row = 0; row < 3; ++row) {
    const auto& want = row == 1 ? plain : adapted;
    EXPECT_TRUE(std::equal(want.end() - static_cast<std::ptrdiff_t>(vocab), want.end(),
                           logits.begin() + static_cast<std::ptrdiff_t>(row * vocab)))
        << row;
  }
}

// What does not fit the model, each with the name of the matrix.
TEST(Adapter, RefusesWhatDoesNotFit) {
  const auto refusal = [](const std::string& model_name, const std::string& adapter) {
    const auto model =
        BareModel::load(oracle_folder_for_test(model_name) + "/model-f32.gguf").value();
    const auto bound = load_adapter(*model, adapter_folder(adapter));
    return bound.ok() ? std::string("accepted") : bound.error().message;
  };
  EXPECT_NE(refusal("gemma3-text", "llama-all").find("self_attn.k_proj"), std::string::npos);
  EXPECT_NE(refusal("qwen2", "llama-small/adapter.gguf").find("is for 'llama' models"),
            std::string::npos);
  // A mixture's experts have none of their own, and the dense block is not there.
  EXPECT_NE(refusal("mixtral", "llama-all").find("no such matrix"), std::string::npos);
}

std::string adapter_error(const BareModel& model, const std::string& target,
                          std::vector<float> values) {
  formats::GgufBuilder file;
  file.text("general.type", "adapter").text("general.architecture", "llama");
  file.text("adapter.type", "lora");
  file.number("adapter.lora.alpha", formats::GgufType::kF32, 1.0f);
  values.resize(64);
  std::vector<std::byte> bytes(64 * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  file.tensor(target + ".lora_a", tensor::DType::kF32, {64, 1}, bytes);
  file.tensor(target + ".lora_b", tensor::DType::kF32, {1, 64}, bytes);
  const formats::GgufImage image = file.build();
  auto parsed = formats::AdapterFile::parse_gguf(image.bytes, "x.gguf").value();
  const auto bound = Adapter::bind(std::move(parsed), model.config(), model.weights());
  return bound.ok() ? "" : bound.error().message;
}

TEST(Adapter, NamesWhatItCannotBind) {
  const auto model =
      BareModel::load(oracle_folder_for_test("llama-gqa") + "/model-f32.gguf").value();
  EXPECT_EQ(adapter_error(*model, "blk.0.attn_q.weight", {1}), "");
  for (const char* target :
       {"blk.99.attn_q.weight", "blk.0.attn_norm.weight", "blk.x.attn_q.weight",
        "blk.0attn_q.weight", "ffn_gate_exps.weight", "blk.-1.attn_q.weight"})
    EXPECT_NE(adapter_error(*model, target, {1}).find(target), std::string::npos) << target;
  EXPECT_NE(adapter_error(*model, "blk.0.attn_k.weight", {1}).find("[32, 64]"), std::string::npos);
  EXPECT_NE(adapter_error(*model, "blk.0.attn_q.weight", {std::nanf("")}).find("no numbers"),
            std::string::npos);
}

}  // namespace
}  // namespace aquilon::model
