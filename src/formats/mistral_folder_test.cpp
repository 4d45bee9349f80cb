// Mistral's own folders, made for the test.
#include <gtest/gtest.h>

#include "formats/folder_builder_for_test.h"

namespace aquilon::formats {
namespace {

SafetensorsBuilder tiny_weights() {
  SafetensorsBuilder file;
  file.f32("tok_embeddings.weight", {10, 8}).f32("norm.weight", {8}).f32("output.weight", {10, 8});
  return file;
}

std::string params(std::string_view more) {
  return fmt::format(
      R"({{"dim":8,"n_layers":8,"head_dim":4,"hidden_dim":16,"n_heads":2,"n_kv_heads":1,)"
      R"("norm_eps":1e-5,"vocab_size":10{}}})",
      more);
}

FolderForTest folder_of(std::string_view more) {
  return {{"params.json", params(more)}, {"consolidated.safetensors", tiny_weights().build()}};
}

GgufFile described(const FolderForTest& folder) {
  auto file = describe_for_test(folder);
  EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message);
  return std::move(file).value();
}

TEST(MistralFolder, TheBaseOfFilesThatDoNotSay) {
  struct {
    const char* more;
    double theta;
  } const cases[] = {
      {R"(,"sliding_window":4096)", 1e4},  // 7B v0.1
      {"", 1e6},
      {R"(,"moe":{"num_experts":8,"num_experts_per_tok":2})", 1e6},
      {R"(,"sliding_window":4096,"rope_theta":5e5)", 5e5},
      {R"(,"sliding_window":null)", 1e6},
  };
  for (const auto& c : cases) {
    const FolderForTest folder = folder_of(c.more);
    const GgufFile file = described(folder);
    EXPECT_EQ(*file.get_float("llama.rope.freq_base"), c.theta) << c.more;
    EXPECT_FALSE(*file.get_bool("aquilon.hf_rows"));
    EXPECT_EQ(*file.get_uint("llama.context_length", 1 << 20), 32768u);
  }
}

TEST(MistralFolder, ListsOfWindowsRepeat) {
  for (const std::string key : {"sliding_window", "_sliding_window"}) {
    const FolderForTest folder = folder_of(",\"" + key + "\":[null,5,5,5],\"rope_theta\":1e8");
    const GgufFile file = described(folder);
    EXPECT_EQ(*file.get_uint("llama.attention.sliding_window", 99), 5u);
    const GgufArray* local =
        *file.get_array("llama.attention.sliding_window_pattern", GgufType::kBool);
    ASSERT_EQ(local->count, 8u);
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(local->raw[i], std::byte{i % 4 != 0}) << i;
  }
  const FolderForTest uniform = folder_of(R"(,"sliding_window":[5])");
  EXPECT_EQ(described(uniform).find("llama.attention.sliding_window_pattern"), nullptr);
}

TEST(MistralFolder, YarnExpertsAndTemperature) {
  const FolderForTest folder =
      folder_of(R"(,"yarn":{"original_max_position_embeddings":32,"factor":16,"apply_scale":true},)"
                R"("llama_4_scaling":{"original_max_position_embeddings":64,"beta":0.25},)"
                R"("moe":{"num_experts":8,"num_experts_per_tok":2})");
  const GgufFile file = described(folder);
  EXPECT_EQ(*file.get_string("general.architecture"), "mistral3");
  EXPECT_EQ(*file.get_uint("mistral3.context_length", 1000), 512u);
  EXPECT_EQ(*file.get_float("mistral3.rope.scaling.yarn_beta_fast"), 32);
  EXPECT_EQ(file.find("aquilon.rope_attention_factor"), nullptr);
  EXPECT_EQ(*file.get_float("mistral3.attention.temperature_scale"), 0.25);
  EXPECT_EQ(*file.get_uint("mistral3.attention.temperature_length", 1000), 64u);
  EXPECT_EQ(*file.get_uint("mistral3.expert_count", 1000), 8u);
}

TEST(MistralFolder, Fp8AsPublished) {
  SafetensorsBuilder weights = tiny_weights();
  weights.add("layers.0.attention.wk.weight", "F8_E4M3", {1, 4},
              std::string("\x38\x40\xB8\x01", 4));
  weights.add("layers.0.attention.wk.qscale_weight", "BF16", {},
              std::string("\x00\x3F", 2));  // 0.5
  weights.add("layers.0.attention.wk.qscale_act", "BF16", {}, std::string("\x80\x3F", 2));
  FolderForTest folder =
      folder_of(R"(,"quantization":{"qformat_weight":"fp8_e4m3","qscheme_act":"TENSOR"})");
  folder["consolidated.safetensors"] = weights.build();
  const GgufFile file = described(folder);
  const tensor::MatrixView wk = file.matrix(*file.find_tensor("blk.0.attn_k.weight"));
  float values[4];
  std::memcpy(values, wk.data, sizeof values);
  EXPECT_EQ(values[0], 0.5f);
  EXPECT_EQ(values[1], 1.0f);
  EXPECT_EQ(values[2], -0.5f);
  EXPECT_EQ(values[3], 0.5f / 512);
}

TEST(MistralFolder, VisionTowersAreLeftOutAndPartsCounted) {
  SafetensorsBuilder weights = tiny_weights();
  weights.f32("vision_encoder.patch_conv.weight", {2, 2})
      .f32("patch_merger.merging_layer.weight", {2, 2});
  FolderForTest folder = folder_of("");
  folder.erase("consolidated.safetensors");
  folder["consolidated-00001-of-00001.safetensors"] = weights.build();
  EXPECT_EQ(described(folder).tensors().size(), 3u);
}

TEST(MistralFolder, TokenizersOfBothKindsAreFound) {
  FolderForTest folder = folder_of("");
  folder["tekken.json"] = "{}";
  folder["tokenizer.model.v1"] = folder["tokenizer.model.v3"] = "x";
  const GgufFile file = described(folder);
  EXPECT_EQ(file.companions().tekken_json, "folder/tekken.json");
  EXPECT_EQ(file.companions().tokenizer_model, "folder/tokenizer.model.v3");
}

TEST(MistralFolder, KeysWithoutEffectPass) {
  const auto file = describe_for_test(
      folder_of(R"(,"lora":{"enable":false,"rank":64},"causal":true,"kv_lora_rank":null,)"
                R"("vision_encoder":{"hidden_size":4},"max_batch_size":0,"use_biases":false,)"
                R"("model_type":"transformer","rope_scaling":null,"something":null)"));
  EXPECT_TRUE(file.ok()) << file.error().message;
}

TEST(MistralFolder, RefusesByName) {
  struct {
    const char* more;
    Code code;
    const char* words;
  } const cases[] = {
      {R"(,"kv_lora_rank":512)", Code::kUnsupported,
       "'kv_lora_rank' is 512, which is not supported"},
      {R"(,"use_biases":true)", Code::kUnsupported, "'use_biases'"},
      {R"(,"lora":{"enable":true,"rank":64})", Code::kUnsupported, "'lora' says"},
      {R"(,"lora":{"rank":64})", Code::kUnsupported, "'lora' says"},
      {R"(,"causal":false)", Code::kUnsupported, "'causal' is false"},
      {R"(,"rope_scaling":{"factor":8})", Code::kUnsupported,
       "'rope_scaling' is an object, which is not supported; 'yarn' is"},
      {R"(,"model_type":"mamba")", Code::kUnsupported, "'model_type' is \"mamba\""},
      {R"(,"use_scaled_rope":true)", Code::kUnsupported,
       "'use_scaled_rope' is true, which is not supported; the key is unknown here"},
      {R"(,"multimodal":{"whisper_model_args":{}})", Code::kUnsupported, "'multimodal'"},
      {R"(,"moe":{"num_experts":8,"num_experts_per_tok":2,"num_shared_experts":1})",
       Code::kUnsupported, "'moe.num_shared_experts' is 1"},
      {R"(,"moe":{"num_experts":8,"num_experts_per_tok":2,"expert_hidden_dim":4})",
       Code::kUnsupported, "'moe.expert_hidden_dim' is 4"},
      {R"(,"yarn":{"factor":16,"original_max_position_embeddings":32,"mscale":2})",
       Code::kUnsupported, "'yarn.mscale' is 2"},
      {R"(,"dim":9)", Code::kCorrupt, "params.json: the key 'dim' is given twice"},
      {R"(,"quantization":{"qformat_weight":"nvfp4"})", Code::kUnsupported,
       "'quantization.qformat_weight' is \"nvfp4\""},
      {R"(,"sliding_window":[4,8])", Code::kUnsupported, "all layers with a window have the same"},
      {R"(,"sliding_window":[null,4,4])", Code::kCorrupt,
       "a list whose length divides the 8 layers"},
      {R"(,"sliding_window":[])", Code::kCorrupt, "a list whose length divides"},
      {R"(,"sliding_window":["4"])", Code::kCorrupt, "a list of windows and nulls"},
      {R"(,"moe":{"num_experts":2,"num_experts_per_tok":3})", Code::kCorrupt,
       "'moe.num_experts_per_tok' is 3, a whole number from 1 to 2 is needed"},
      {R"(,"yarn":{"factor":16})", Code::kCorrupt,
       "'yarn.original_max_position_embeddings' is missing"},
  };
  for (const auto& c : cases) {
    const FolderForTest folder = folder_of(c.more);
    const auto file = describe_for_test(folder);
    ASSERT_FALSE(file.ok()) << c.words;
    EXPECT_EQ(file.error().code, c.code) << file.error().message;
    EXPECT_NE(file.error().message.find(c.words), std::string::npos) << file.error().message;
  }
  FolderForTest pickled = folder_of("");
  pickled.erase("consolidated.safetensors");
  pickled["consolidated.00.pth"] = "PK";
  const auto file = describe_for_test(pickled);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("the weights are pickled (consolidated.00.pth)"),
            std::string::npos);
}

}  // namespace
}  // namespace aquilon::formats
