#include "convert/target.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aquilon::convert {
namespace {

using tensor::DType;

DType type_of(std::string_view target, std::string_view name, std::vector<std::uint64_t> dims,
              const ModelTraits& model) {
  return dtype_of(**find_target(target), model, name, dims);
}

TEST(Target, NamesAreFoundInAnyCaseAndListed) {
  EXPECT_EQ((*find_target("q4_k_m"))->file_type, 15u);
  EXPECT_EQ((*find_target("BF16"))->dtype, DType::kBF16);
  const auto wrong = find_target("Q3_K");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, Code::kInvalidArgument);
  EXPECT_NE(wrong.error().message.find("'Q3_K' to write: F16, BF16, Q8_0"), std::string::npos);
  EXPECT_FALSE(find_target("Q4_K_MM").ok());
  EXPECT_FALSE(find_target("").ok());
}

// As llama-quantize writes a model of 24 layers with rows of whole blocks.
TEST(Target, LayersThatErrorsHurtMostGetMoreBits) {
  const ModelTraits model{.layers = 24, .experts = 0, .has_output = true};
  const std::vector<std::uint64_t> dims = {1024, 256};
  for (const char* target : {"Q4_K_M", "Q5_K_M"}) {
    const DType most = (*find_target(target))->dtype;
    for (int layer = 0; layer < 24; ++layer) {
      const bool more = layer < 3 || layer >= 21 || (layer - 3) % 3 == 2;
      const std::string blk = "blk." + std::to_string(layer) + ".";
      EXPECT_EQ(type_of(target, blk + "attn_v.weight", dims, model), more ? DType::kQ6_K : most);
      EXPECT_EQ(type_of(target, blk + "ffn_down.weight", dims, model), more ? DType::kQ6_K : most);
      EXPECT_EQ(type_of(target, blk + "attn_k.weight", dims, model), most);
      EXPECT_EQ(type_of(target, blk + "ffn_up.weight", dims, model), most);
    }
  }
}

TEST(Target, OutputAndEmbeddings) {
  ModelTraits model{.layers = 24, .experts = 0, .has_output = true};
  const std::vector<std::uint64_t> dims = {1024, 256}, odd = {896, 256};
  EXPECT_EQ(type_of("Q4_0", "output.weight", dims, model), DType::kQ6_K);
  EXPECT_EQ(type_of("Q4_0", "token_embd.weight", dims, model), DType::kQ4_0);
  EXPECT_EQ(type_of("Q8_0", "output.weight", dims, model), DType::kQ8_0);
  EXPECT_EQ(type_of("F16", "output.weight", dims, model), DType::kF16);
  EXPECT_EQ(type_of("Q4_K_M", "output.weight", odd, model), DType::kQ8_0);
  EXPECT_EQ(type_of("Q4_K_M", "token_embd.weight", odd, model), DType::kQ5_0);
  model.has_output = false;
  EXPECT_EQ(type_of("Q4_K_M", "token_embd.weight", dims, model), DType::kQ6_K);
}

TEST(Target, RowsThatAreNoWholeBlocks) {
  const ModelTraits model{.layers = 24, .experts = 0, .has_output = true};
  const char* name = "blk.4.ffn_up.weight";
  EXPECT_EQ(type_of("Q4_K_M", name, {576, 8}, model), DType::kQ5_0);
  EXPECT_EQ(type_of("Q5_K_M", name, {576, 8}, model), DType::kQ5_1);
  EXPECT_EQ(type_of("Q6_K", name, {576, 8}, model), DType::kQ8_0);
  EXPECT_EQ(type_of("Q4_0", name, {576, 8}, model), DType::kQ4_0);
  for (const char* target : {"Q4_K_M", "Q6_K", "Q8_0", "Q4_1"})
    EXPECT_EQ(type_of(target, name, {50, 8}, model), DType::kF16) << target;
  EXPECT_EQ(type_of("BF16", name, {50, 8}, model), DType::kBF16);
}

TEST(Target, VectorsRoutersAndNormsStayExact) {
  const ModelTraits model{.layers = 24, .experts = 4, .has_output = true};
  for (const char* target : {"F16", "BF16", "Q8_0", "Q4_K_M", "Q4_0"}) {
    EXPECT_EQ(type_of(target, "blk.0.attn_norm.weight", {1024}, model), DType::kF32);
    EXPECT_EQ(type_of(target, "blk.0.attn_q.bias", {1024}, model), DType::kF32);
    EXPECT_EQ(type_of(target, "blk.0.ffn_gate_inp.weight", {1024, 4}, model), DType::kF32);
    EXPECT_EQ(type_of(target, "rope_freqs.weight", {64}, model), DType::kF32);
  }
}

TEST(Target, ModelsWithEightExpertsAndWithEightyLayers) {
  const ModelTraits mixtral{.layers = 32, .experts = 8, .has_output = true};
  const std::vector<std::uint64_t> dims = {4096, 1024}, stack = {14336, 4096, 8};
  EXPECT_EQ(type_of("Q4_K_M", "blk.9.attn_v.weight", dims, mixtral), DType::kQ8_0);
  EXPECT_EQ(type_of("Q4_0", "blk.9.attn_k.weight", dims, mixtral), DType::kQ8_0);
  EXPECT_EQ(type_of("Q4_K_M", "blk.9.attn_output.weight", dims, mixtral), DType::kQ5_K);
  EXPECT_EQ(type_of("Q5_K_M", "blk.9.attn_output.weight", dims, mixtral), DType::kQ5_K);
  EXPECT_EQ(type_of("Q4_K_M", "blk.0.ffn_down_exps.weight", stack, mixtral), DType::kQ6_K);
  EXPECT_EQ(type_of("Q4_K_M", "blk.4.ffn_down_exps.weight", stack, mixtral), DType::kQ4_K);
  const ModelTraits large{.layers = 80, .experts = 0, .has_output = true};
  EXPECT_EQ(type_of("Q4_K_M", "blk.10.attn_v.weight", dims, large), DType::kQ5_K);
  EXPECT_EQ(type_of("Q4_K_M", "blk.0.attn_v.weight", dims, large), DType::kQ6_K);
}

TEST(Target, FirstLayersOfQ4_0WithImportances) {
  ModelTraits model{.layers = 24, .experts = 0, .has_output = true};
  const std::vector<std::uint64_t> dims = {1024, 256};
  EXPECT_EQ(type_of("Q4_0", "blk.2.ffn_down.weight", dims, model), DType::kQ4_0);
  model.has_importance = true;
  EXPECT_EQ(type_of("Q4_0", "blk.2.ffn_down.weight", dims, model), DType::kQ4_1);
  EXPECT_EQ(type_of("Q4_0", "blk.3.ffn_down.weight", dims, model), DType::kQ4_0);
}

}  // namespace
}  // namespace aquilon::convert
