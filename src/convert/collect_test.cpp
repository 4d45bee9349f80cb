#include "convert/collect.h"

#include <gtest/gtest.h>

#include <numeric>

namespace aquilon::convert {
namespace {

using text::TokenId;

constexpr std::size_t kContext = 48;

std::unique_ptr<model::Model> load(const std::string& name) {
  auto model = model::Model::load(
      std::string(AQUILON_SOURCE_DIR) + "/tests/data/oracle/" + name + "/model-f32.gguf",
      {.threads = 2, .arithmetic = model::Arithmetic::kReference});
  EXPECT_TRUE(model.ok()) << model.error().message;
  return std::move(*model);
}

// Two chunks and a rest that is not used.
std::vector<TokenId> tokens_for(const model::Model& model) {
  std::vector<TokenId> tokens(2 * kContext + 7);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<TokenId>((i * i + 31 * i + 5) % model.config().vocab_size);
  return tokens;
}

Result<Importance> collect(model::Model& model) {
  return collect_importance(model, tokens_for(model), kContext,
                            [](std::size_t, std::size_t) { return true; });
}

// What meets queries is a norm's output: without the norm's weights, its squares are 1 on average.
TEST(Collect, SumsAreThoseOfTheNormedActivations) {
  const auto model = load("llama-gqa");
  const auto all = collect(*model);
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(all->chunks, 2u);
  EXPECT_EQ(all->chunk_tokens, kContext);
  const std::size_t layers = model->config().n_layers;
  EXPECT_EQ(all->tensors.size(), 7 * layers);
  for (std::size_t layer = 0; layer < layers; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    const auto expect_normed = [&](const char* name, const std::vector<float>& norm) {
      const ColumnSums& sums = all->tensors.at(blk + name);
      ASSERT_EQ(sums.counts, std::vector<float>{2 * kContext}) << name;
      double squares = 0;
      for (std::size_t i = 0; i < norm.size(); ++i)
        squares += static_cast<double>(sums.squares[i]) / norm[i] / norm[i];
      EXPECT_NEAR(squares / static_cast<double>(2 * kContext * norm.size()), 1, 1e-3) << name;
    };
    const model::LayerWeights& w = model->weights().layers[layer];
    expect_normed("attn_q.weight", w.attention_norm);
    expect_normed("attn_v.weight", w.attention_norm);
    expect_normed("ffn_up.weight", w.ffn_norm);
    EXPECT_EQ(all->tensors.at(blk + "ffn_gate.weight").squares,
              all->tensors.at(blk + "ffn_up.weight").squares);
    EXPECT_EQ(all->tensors.at(blk + "ffn_down.weight").columns, model->config().hidden_dim);
  }
}

// Each token counts for the experts that it chose, and those see together what the dense block
// would.
TEST(Collect, ExpertsCountTheirOwnTokens) {
  const auto model = load("mixtral");
  const auto all = collect(*model);
  ASSERT_TRUE(all.ok()) << all.error().message;
  const model::ExpertsConfig& experts = model->config().experts;
  for (std::size_t layer = 0; layer < model->config().n_layers; ++layer) {
    const std::string name = "blk." + std::to_string(layer) + ".ffn_";
    const ColumnSums& up = all->tensors.at(name + "up_exps.weight");
    ASSERT_EQ(up.counts.size(), experts.count);
    EXPECT_EQ(std::accumulate(up.counts.begin(), up.counts.end(), 0.0f),
              static_cast<float>(2 * kContext * experts.used));
    EXPECT_EQ(all->tensors.at(name + "down_exps.weight").counts, up.counts);
    const std::vector<float>& norm = model->weights().layers[layer].ffn_norm;
    double squares = 0;
    for (std::size_t i = 0; i < up.squares.size(); ++i)
      squares += static_cast<double>(up.squares[i]) / norm[i % up.columns] / norm[i % up.columns];
    EXPECT_NEAR(squares / static_cast<double>(2 * kContext * experts.used * norm.size()), 1, 1e-3);
  }
}

TEST(Collect, NothingIsObservedAfterwards) {
  const auto model = load("llama-gqa");
  ASSERT_TRUE(collect(*model).ok());
  const auto again = collect(*model);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->tensors.at("blk.0.attn_q.weight").counts, std::vector<float>{2 * kContext});
  EXPECT_EQ(again->tensors.at("blk.0.attn_q.weight").squares,
            collect(*model)->tensors.at("blk.0.attn_q.weight").squares);
}

TEST(Collect, ShortTextsAndInterrupts) {
  const auto model = load("llama-gqa");
  const std::vector<TokenId> tokens = tokens_for(*model);
  const auto none = collect_importance(*model, std::span(tokens).first(kContext - 1), kContext,
                                       [](std::size_t, std::size_t) { return true; });
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kInvalidArgument);
  const auto stopped =
      collect_importance(*model, tokens, kContext, [](std::size_t, std::size_t) { return false; });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
}

}  // namespace
}  // namespace aquilon::convert
