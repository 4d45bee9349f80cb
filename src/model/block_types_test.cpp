// Models of every block type: read from a file, packed, and near to what their blocks mean.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "formats/gguf_builder_for_test.h"
#include "model/model.h"
#include "quant/random_blocks.h"

namespace aquilon::model {
namespace {

using formats::GgufBuilder;
using formats::GgufType;
using tensor::DType;
using tensor::DTypeInfo;

constexpr std::uint64_t kDim = 256, kHidden = 512, kVocab = 96;

// One layer whose every matrix has the type.
std::vector<std::byte> tiny_model(DType type) {
  GgufBuilder file;
  file.text("general.architecture", "llama");
  const auto count = [&](const std::string& key, std::uint32_t value) {
    file.number("llama." + key, GgufType::kU32, value);
  };
  count("block_count", 1);
  count("context_length", 64);
  count("embedding_length", kDim);
  count("feed_forward_length", kHidden);
  count("attention.head_count", 4);
  count("attention.head_count_kv", 2);
  count("rope.dimension_count", kDim / 4);
  count("vocab_size", kVocab);
  file.number("llama.attention.layer_norm_rms_epsilon", GgufType::kF32, 1e-5f);
  std::vector<std::string> tokens;
  for (std::uint64_t i = 0; i + 1 < kVocab; ++i) tokens.emplace_back(1, static_cast<char>(32 + i));
  tokens.emplace_back("<|end|>");
  std::vector<std::int32_t> kinds(kVocab, 1);
  kinds.back() = 3;
  file.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2");
  file.texts("tokenizer.ggml.tokens", tokens).texts("tokenizer.ggml.merges", {});
  file.array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kI32, kinds);
  file.number("tokenizer.ggml.eos_token_id", GgufType::kU32, std::uint32_t{kVocab - 1});

  std::uint64_t seed = 1;
  const auto matrix = [&](const std::string& name, std::uint64_t columns, std::uint64_t rows) {
    file.tensor(name, type, {columns, rows}, quant::random_blocks(type, columns * rows, seed++));
  };
  const auto ones = [&](const std::string& name) {
    const std::vector<float> values(kDim, 1.0f);
    std::vector<std::byte> bytes(4 * kDim);
    std::memcpy(bytes.data(), values.data(), bytes.size());
    file.tensor(name, DType::kF32, {kDim}, bytes);
  };
  matrix("token_embd.weight", kDim, kVocab);
  ones("blk.0.attn_norm.weight");
  matrix("blk.0.attn_q.weight", kDim, kDim);
  matrix("blk.0.attn_k.weight", kDim, kDim / 2);
  matrix("blk.0.attn_v.weight", kDim, kDim / 2);
  matrix("blk.0.attn_output.weight", kDim, kDim);
  ones("blk.0.ffn_norm.weight");
  matrix("blk.0.ffn_gate.weight", kDim, kHidden);
  matrix("blk.0.ffn_up.weight", kDim, kHidden);
  matrix("blk.0.ffn_down.weight", kHidden, kDim);
  ones("output_norm.weight");
  matrix("output.weight", kDim, kVocab);
  return file.build().bytes;
}

std::vector<float> logits_of(const std::string& path, Arithmetic arithmetic) {
  auto model = Model::load(path, {.threads = 2, .arithmetic = arithmetic});
  EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().message);
  if (!model.ok()) return {};
  std::vector<float> all;
  // One position each: large random weights would let attention choose by a hair between two.
  for (text::TokenId token = 0; token < 20; ++token) {
    KvCache kv = KvCache::create((*model)->config(), 1).value();
    Slice slice{&kv, {&token, 1}, WantLogits::kAll};
    std::vector<float> logits;
    (*model)->forward().run({&slice, 1}, logits);
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

class BlockTypesTest : public testing::TestWithParam<DTypeInfo> {};

TEST_P(BlockTypesTest, RunPackedNearToTheirMeaning) {
  const std::string path =
      testing::TempDir() + "block_types_" + std::string(GetParam().name) + ".gguf";
  const std::vector<std::byte> bytes = tiny_model(GetParam().type);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  const std::vector<float> want = logits_of(path, Arithmetic::kReference);
  const std::vector<float> got = logits_of(path, Arithmetic::kPacked);
  std::remove(path.c_str());
  ASSERT_EQ(want.size(), 20 * kVocab);
  ASSERT_EQ(got.size(), want.size());
  double error = 0, size = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    ASSERT_TRUE(std::isfinite(got[i]));
    error += std::pow(static_cast<double>(got[i]) - want[i], 2);
    size += std::pow(static_cast<double>(want[i]), 2);
  }
  EXPECT_GT(size, 0);
  EXPECT_LT(std::sqrt(error / size), 0.03);  // four products of activations in 8 bits each
}

INSTANTIATE_TEST_SUITE_P(Types, BlockTypesTest, testing::ValuesIn(tensor::kDTypes),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace aquilon::model
