// What a file's keys mean, and what is refused.
#include "model/config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "formats/gguf_builder_for_test.h"

namespace aquilon::model {
namespace {

using formats::GgufBuilder;
using formats::GgufType;

// A file of keys alone; `more` adds to the plain ones.
Result<ModelConfig> read(const std::string& architecture,
                         const std::function<void(GgufBuilder&, const std::string&)>& more,
                         std::uint32_t layers = 12) {
  GgufBuilder b;
  const std::string prefix = architecture + ".";
  b.text("general.architecture", architecture);
  b.number(prefix + "embedding_length", GgufType::kU32, 64u);
  b.number(prefix + "block_count", GgufType::kU32, layers);
  b.number(prefix + "feed_forward_length", GgufType::kU32, 128u);
  b.number(prefix + "context_length", GgufType::kU32, 1000u);
  b.number(prefix + "attention.head_count", GgufType::kU32, 4u);
  b.number(prefix + "attention.layer_norm_rms_epsilon", GgufType::kF32, 1e-6f);
  more(b, prefix);
  const formats::GgufImage image = b.build();
  return read_config(formats::GgufFile::parse(image.bytes, "keys.gguf").value());
}

using Windows = std::vector<std::size_t>;

TEST(ReadConfig, Windows) {
  const auto window = [](GgufBuilder& b, const std::string& p) {
    b.number(p + "attention.sliding_window", GgufType::kU32, 16u);
  };
  EXPECT_EQ(read(
                "llama", [](auto&, auto&) {}, 3)
                ->windows,
            Windows(3, 0));
  EXPECT_EQ(read("llama", window, 3)->windows, Windows(3, 16));
  EXPECT_EQ(read("gemma3", window)->windows,
            Windows({16, 16, 16, 16, 16, 0, 16, 16, 16, 16, 16, 0}));
  const auto period = [&](GgufBuilder& b, const std::string& p) {
    window(b, p);
    b.number(p + "attention.sliding_window_pattern", GgufType::kU32, 4u);
  };
  EXPECT_EQ(read("llama", period, 5)->windows, Windows({16, 16, 16, 0, 16}));
  const auto list = [&](GgufBuilder& b, const std::string& p) {
    window(b, p);
    b.array("" + p + "attention.sliding_window_pattern", GgufType::kBool,
            std::vector<std::uint8_t>{0, 1, 1, 1});
  };
  EXPECT_EQ(read("llama", list, 4)->windows, Windows({0, 16, 16, 16}));
  EXPECT_EQ(read("llama", list, 5).error().code, Code::kCorrupt);
  const auto each = [](GgufBuilder& b, const std::string& p) {
    b.array(p + "attention.sliding_window", GgufType::kU32,
            std::vector<std::uint32_t>{0, 32768, 8});
  };
  EXPECT_EQ(read("llama", each, 3)->windows, Windows({0, 32768, 8}));
  EXPECT_EQ(read("llama", each, 4).error().code, Code::kCorrupt);
}

TEST(ReadConfig, Rope) {
  using Scaling = RopeConfig::Scaling;
  const auto yarn = [](GgufBuilder& b, const std::string& p) {
    b.text(p + "rope.scaling.type", "yarn");
    b.number(p + "rope.scaling.factor", GgufType::kF32, 16.0f);
    b.number(p + "rope.scaling.original_context_length", GgufType::kU32, 100u);
  };
  const auto plain = read("llama", yarn).value();
  EXPECT_EQ(plain.rope.scaling, Scaling::kYarn);
  EXPECT_NEAR(plain.rope.attention_factor, 0.1 * std::log(16) + 1, 1e-9);
  EXPECT_FALSE(plain.local_rope);
  const auto multiplied = read("mistral3", [&](GgufBuilder& b, const std::string& p) {
    yarn(b, p);
    b.number(p + "rope.scaling.yarn_log_multiplier", GgufType::kF32, 1.0f);
    b.number(p + "attention.temperature_scale", GgufType::kF32, 0.1f);
  });
  EXPECT_NEAR(multiplied->rope.attention_factor, 1, 1e-9);
  EXPECT_EQ(multiplied->temperature.length, 100u);
  const auto final_factor = read("llama", [&](GgufBuilder& b, const std::string& p) {
    yarn(b, p);
    b.number(p + "rope.scaling.attn_factor", GgufType::kF32, 7.0f);
    b.number("aquilon.rope_attention_factor", GgufType::kF64, 1.25);
    b.boolean("aquilon.hf_rows", true);
  });
  EXPECT_EQ(final_factor->rope.attention_factor, 1.25);
  EXPECT_EQ(final_factor->rope_layout, kernels::RopeLayout::kHalves);
  const auto gemma = read("gemma3", [](GgufBuilder& b, const std::string& p) {
    b.number(p + "rope.freq_base", GgufType::kF32, 1e6f);
    b.number(p + "rope.scaling.factor", GgufType::kF32, 8.0f);  // linear where no type is said
  });
  EXPECT_EQ(gemma->rope.scaling, Scaling::kLinear);
  EXPECT_EQ(gemma->rope.factor, 8);
  ASSERT_TRUE(gemma->local_rope);
  EXPECT_EQ(gemma->local_rope->theta, 10000);
  EXPECT_EQ(gemma->local_rope->scaling, Scaling::kNone);
  const auto dynamic = read("llama", [](GgufBuilder& b, const std::string& p) {
    b.text(p + "rope.scaling.type", "dynamic");
    b.number(p + "rope.scaling.factor", GgufType::kF32, 4.0f);
  });
  EXPECT_EQ(dynamic->rope.original_context, 1000u);
}

TEST(ReadConfig, LayersWithoutRope) {
  const auto none = [](GgufBuilder&, const std::string&) {};
  EXPECT_EQ(read("llama", none, 3)->rope_layers, std::vector<bool>(3, true));
  EXPECT_EQ(read("smollm3", none, 5)->rope_layers,
            (std::vector<bool>{true, true, true, false, true}));
  EXPECT_EQ(read("smollm3", none, 3)->rope_layers, std::vector<bool>(3, true));
  const auto list = [](GgufBuilder& b, const std::string&) {
    b.array("aquilon.rope_layers", GgufType::kBool, std::vector<std::uint8_t>{0, 1, 0});
  };
  EXPECT_EQ(read("smollm3", list, 3)->rope_layers, (std::vector<bool>{false, true, false}));
  const auto wrong = read("smollm3", list, 4);
  EXPECT_EQ(wrong.error().code, Code::kCorrupt);
  EXPECT_NE(wrong.error().message.find("rope_layers has 3 elements for 4 layers"),
            std::string::npos);
}

// Rows of q and k as the family's own GGUF files have them, and as Hugging Face's.
TEST(ReadConfig, RowsOfQueriesAndKeys) {
  using enum kernels::RopeLayout;
  struct {
    const char* architecture;
    kernels::RopeLayout gguf, folder;
  } const cases[] = {{"llama", kInterleaved, kHalves},
                     {"qwen2", kHalves, kHalves},
                     {"ernie4_5", kInterleaved, kInterleaved}};
  for (const auto& c : cases)
    for (const bool hf_rows : {false, true}) {
      const auto config = read(c.architecture, [&](GgufBuilder& b, const std::string&) {
        b.boolean("aquilon.hf_rows", hf_rows);
      });
      EXPECT_EQ(config->rope_layout, hf_rows ? c.folder : c.gguf) << c.architecture;
    }
}

TEST(ReadConfig, ExpertsAndScale) {
  const auto config = read("qwen3moe", [](GgufBuilder& b, const std::string& p) {
    b.number(p + "expert_count", GgufType::kU32, 8u);
    b.number(p + "expert_used_count", GgufType::kU32, 2u);
    b.number(p + "expert_feed_forward_length", GgufType::kU32, 32u);
    b.boolean(p + "expert_weights_norm", false);
  });
  EXPECT_EQ(config->experts.count, 8u);
  EXPECT_EQ(config->experts.hidden_dim, 32u);
  EXPECT_FALSE(config->experts.renormalised);
  EXPECT_EQ(config->attention_scale, 0);
  // Gemma 3 27B is known by its 62 layers, unless the file says the scale.
  EXPECT_EQ(read(
                "gemma3", [](auto&, auto&) {}, 62)
                ->attention_scale,
            0.25);
  EXPECT_EQ(read(
                "gemma3",
                [](GgufBuilder& b, const std::string& p) {
                  b.number(p + "attention.scale", GgufType::kF32, 0.5f);
                },
                62)
                ->attention_scale,
            0.5);
}

TEST(ReadConfig, RefusesByName) {
  struct {
    std::string architecture;
    std::function<void(GgufBuilder&, const std::string&)> more;
    Code code;
    const char* words;
  } const cases[] = {
      {"mamba", [](auto&, auto&) {}, Code::kUnsupported,
       "the architecture 'mamba' is not supported; supported: llama, mistral3, qwen2, qwen3, "
       "qwen3moe, gemma3"},
      {"mistral4", [](auto&, auto&) {}, Code::kUnsupported, "'mistral4' is not supported"},
      {"llama",
       [](GgufBuilder& b, const std::string& p) { b.text(p + "rope.scaling.type", "longrope"); },
       Code::kUnsupported, "RoPE scaling 'longrope' is not supported; supported: none, linear"},
      {"llama",
       [](GgufBuilder& b, const std::string& p) {
         b.number(p + "expert_count", GgufType::kU32, 4u);
         b.number(p + "expert_used_count", GgufType::kU32, 5u);
       },
       Code::kCorrupt, "expert_used_count"},
      {"qwen3moe",
       [](GgufBuilder& b, const std::string& p) {
         b.number(p + "expert_count", GgufType::kU32, 4u);
         b.number(p + "expert_used_count", GgufType::kU32, 2u);
         b.number(p + "expert_gating_func", GgufType::kU32, 2u);
       },
       Code::kUnsupported, "sigmoids"},
      {"gemma3",
       [](GgufBuilder& b, const std::string& p) {
         b.number(p + "final_logit_softcapping", GgufType::kF32, 30.0f);
       },
       Code::kUnsupported, "soft-capped logits (gemma3.final_logit_softcapping)"},
      {"llama",
       [](GgufBuilder& b, const std::string& p) {
         b.number(p + "attention.temperature_scale", GgufType::kF32, 0.1f);
       },
       Code::kCorrupt, "original_context_length"},
      {"llama",
       [](GgufBuilder& b, const std::string&) {
         b.number("aquilon.rope_attention_factor", GgufType::kF64, -1.0);
       },
       Code::kCorrupt, "aquilon.rope_attention_factor is -1"},
  };
  for (const auto& c : cases) {
    const auto config = read(c.architecture, c.more);
    ASSERT_FALSE(config.ok()) << c.words;
    EXPECT_EQ(config.error().code, c.code) << config.error().message;
    EXPECT_NE(config.error().message.find(c.words), std::string::npos) << config.error().message;
  }
  // What is present and off is no reason to refuse.
  EXPECT_TRUE(read("gemma3", [](GgufBuilder& b, const std::string& p) {
                b.number(p + "final_logit_softcapping", GgufType::kF32, 0.0f);
                b.number(p + "expert_count", GgufType::kU32, 0u);
              }).ok());
}

}  // namespace
}  // namespace aquilon::model
