// Readers of LoRA adapters: what they take and what they refuse.
#include "formats/adapter_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>

#include "formats/folder_builder_for_test.h"
#include "formats/gguf_builder_for_test.h"

namespace aquilon::formats {
namespace {

constexpr const char* kModule = "base_model.model.model.layers.0.self_attn.q_proj";

// One pair of rank 2 for a matrix of [6, 4].
std::string one_pair(const std::string& module = kModule) {
  return SafetensorsBuilder()
      .f32(module + ".lora_A.weight", {2, 4})
      .f32(module + ".lora_B.weight", {6, 2})
      .build();
}

Result<AdapterFile> open_folder(const FolderForTest& files) {
  static std::deque<FolderForTest> kept;  // the views outlive the call
  kept.push_back(files);
  std::map<std::string, std::span<const std::byte>> views;
  for (const auto& [name, text] : kept.back()) views[name] = std::as_bytes(std::span(text));
  return AdapterFile::parse_folder("folder", views);
}

Result<AdapterFile> open_peft(const std::string& config, const std::string& weights = one_pair()) {
  return open_folder({{"adapter_config.json", config}, {"adapter_model.safetensors", weights}});
}

std::string refusal(const Result<AdapterFile>& file) {
  return file.ok() ? "accepted" : file.error().message;
}

void expect_refused(const Result<AdapterFile>& file, const std::string& part) {
  EXPECT_NE(refusal(file).find(part), std::string::npos) << refusal(file) << "\n wanted: " << part;
}

TEST(PeftAdapter, ReadsPairsAndScales) {
  const auto plain = open_peft(R"({"peft_type":"LORA","r":2,"lora_alpha":3})").value();
  ASSERT_EQ(plain.pairs().size(), 1u);
  const AdapterPair& pair = plain.pairs()[0];
  EXPECT_EQ(pair.target, "blk.0.attn_q.weight");
  EXPECT_EQ(pair.label, "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(pair.a.rows, 2u);
  EXPECT_EQ(pair.a.columns, 4u);
  EXPECT_EQ(pair.b.rows, 6u);
  EXPECT_EQ(pair.scale, 1.5f);
  EXPECT_TRUE(plain.hf_rows());

  const struct {
    const char* config;
    float scale;
  } cases[] = {
      {R"({"peft_type":"LORA","r":2,"lora_alpha":3,"use_rslora":true})", 3 / std::sqrt(2.0f)},
      {R"({"peft_type":"LORA","r":8,"lora_alpha":3,"rank_pattern":{"q_proj":2}})", 1.5f},
      {R"({"peft_type":"LORA","r":2,"alpha_pattern":{"proj":9,"self_attn.q_proj":5,"q_proj":7}})",
       2.5f},
      {R"({"peft_type":"LORA","r":2,"alpha_pattern":{"^self_attn.q_proj":5,"layers.0.self_attn.q_proj":7}})",
       3.5f},
      {R"({"peft_type":"LORA","r":2,"alpha_pattern":{"^model.layers.0.self_attn.q_proj":5}})",
       2.5f},
      {R"({"peft_type":"LORA","r":2,"lora_alpha":0.5,"lora_dropout":0.1,"init_lora_weights":"gaussian",
           "modules_to_save":null,"use_dora":false,"layer_replication":[],"bias":"none","megatron_core":"megatron.core"})",
       0.25f},
  };
  for (const auto& c : cases) {
    const auto file = open_peft(c.config);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_FLOAT_EQ(file->pairs()[0].scale, c.scale) << c.config;
  }
}

TEST(PeftAdapter, TakesOtherNamesOfTheModel) {
  const char* config = R"({"peft_type":"LORA","r":2})";
  for (const char* module : {"model.layers.0.self_attn.q_proj",
                             "base_model.model.model.language_model.layers.0.self_attn.q_proj",
                             "base_model.model.language_model.model.layers.0.self_attn.q_proj"}) {
    const auto file = open_peft(config, one_pair(module));
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->pairs()[0].target, "blk.0.attn_q.weight");
  }
}

TEST(PeftAdapter, RefusesWhatIsNotRunByName) {
  for (const char* setting :
       {R"("use_dora":true)", R"("modules_to_save":["lm_head"])", R"("bias":"all")",
        R"("lora_bias":true)", R"("fan_in_fan_out":true)", R"("trainable_token_indices":[1])",
        R"("target_parameters":["experts"])", R"("layer_replication":[[0,1]])",
        R"("alora_invocation_tokens":[5])", R"("arrow_config":{"top_k":1})", R"("use_qalora":true)",
        R"("use_bdlora":{"nblocks":2})", R"("a_new_kind_of_lora":true)",
        R"("init_lora_weights":"pissa_niter_4")", R"("init_lora_weights":"olora")"}) {
    const std::string text = setting;
    const auto file = open_peft("{\"peft_type\":\"LORA\",\"r\":2," + text + "}");
    expect_refused(file,
                   "folder/adapter_config.json: '" + text.substr(1, text.find('"', 1) - 1) + "'");
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().code, Code::kUnsupported);
  }
  expect_refused(open_peft(R"({"peft_type":"IA3"})"), "'peft_type'");
  expect_refused(open_peft(R"({"r":2})"), "'peft_type'");
}

TEST(PeftAdapter, RefusesDamagedSettings) {
  for (const char* config :
       {R"({"peft_type":"LORA","r":0})", R"({"peft_type":"LORA","r":"2"})",
        R"({"peft_type":"LORA","r":-1})", R"({"peft_type":"LORA","r":2,"lora_alpha":0})",
        R"({"peft_type":"LORA","r":2,"lora_alpha":1e999})", R"({"peft_type":"LORA","r":3})",
        R"({"peft_type":"LORA","r":2,"lora_alpha":1e300})",
        R"({"peft_type":"LORA","r":2,"rank_pattern":{"q_proj":4}})",
        R"({"peft_type":"LORA","r":2,"rank_pattern":[1]})",
        R"({"peft_type":"LORA","r":2,"rank_pattern":{"q_.*":2}})",
        R"({"peft_type":"LORA","r":2,"alpha_pattern":{"q_proj":"x"}})",
        R"({"peft_type":"LORA","r":2,"r":2})", "[]", ""})
    EXPECT_FALSE(open_peft(config).ok()) << config;
}

TEST(PeftAdapter, RefusesTensorsByName) {
  const char* config = R"({"peft_type":"LORA","r":2})";
  const auto with = [&](const std::string& name, const std::vector<std::uint64_t>& shape) {
    const std::string module = kModule;
    return open_peft(config, SafetensorsBuilder()
                                 .f32(module + ".lora_A.weight", {2, 4})
                                 .f32(module + ".lora_B.weight", {6, 2})
                                 .f32(name, shape)
                                 .build());
  };
  const std::string module = kModule;
  const struct {
    std::string name;
    const char* what;
  } cases[] = {
      {module + ".lora_magnitude_vector", "DoRA"},
      {module + ".lora_B.bias", "biases"},
      {"base_model.model.model.embed_tokens.lora_embedding_A", "embeddings"},
      {"base_model.model.model.embed_tokens.lora_A.weight", "embeddings"},
      {"base_model.model.lm_head.weight", "saved whole"},
      {"base_model.model.model.layers.0.self_attn.rotary.lora_A.weight", "our models do not have"},
      {"base_model.model.vision_tower.layers.0.q_proj.lora_A.weight", "vision tower"},
      {"model.layers.0.self_attn.q_proj.lora_A.weight", "twice"},
      {"base_model.model.lm_head.lora_A.weight", "matrix B of 'lm_head' is missing"},
  };
  for (const auto& c : cases) expect_refused(with(c.name, {2, 4}), c.what);
  expect_refused(with("base_model.model.lm_head.lora_A.weight", {8}), "a matrix");
  const auto pair = [&](const std::vector<std::uint64_t>& b) {
    return open_peft(config, SafetensorsBuilder()
                                 .f32(module + ".lora_A.weight", {2, 4})
                                 .f32(module + ".lora_B.weight", b)
                                 .build());
  };
  expect_refused(pair({6, 3}), "A has 2 rows, B 3 columns");
  EXPECT_FALSE(open_peft(config, safetensors_of("{}", 0)).ok());
  expect_refused(
      open_peft(config, SafetensorsBuilder()
                            .add(module + ".lora_A.weight", "I32", {2, 4}, std::string(32, 'x'))
                            .f32(module + ".lora_B.weight", {6, 2})
                            .build()),
      "I32 is not read");
}

TEST(PeftAdapter, NamesMissingFiles) {
  const std::string config = R"({"peft_type":"LORA","r":2})";
  expect_refused(open_folder({{"adapter_model.safetensors", one_pair()}}), "adapter_config.json");
  expect_refused(open_folder({{"adapter_config.json", config}}), "adapter_model.safetensors");
  expect_refused(open_folder({{"adapter_config.json", config}, {"adapter_model.bin", "x"}}),
                 "pickled");
  expect_refused(AdapterFile::open("/nowhere/adapter.gguf"), "/nowhere/adapter.gguf");
  expect_refused(AdapterFile::open("x/adapter_model.safetensors"), "name the folder");
}

GgufBuilder gguf_head(const char* type = "adapter", const char* kind = "lora", float alpha = 4) {
  GgufBuilder file;
  file.text("general.type", type).text("general.architecture", "llama").text("adapter.type", kind);
  file.number("adapter.lora.alpha", GgufType::kF32, alpha);
  return file;
}

void add_matrix(GgufBuilder& file, const std::string& name,
                const std::vector<std::uint64_t>& dims) {
  std::uint64_t count = 1;
  for (const std::uint64_t dim : dims) count *= dim;
  file.tensor(name, tensor::DType::kF32, dims, std::vector<std::byte>(count * 4));
}

Result<AdapterFile> parse(GgufBuilder& file) {
  static std::deque<GgufImage> kept;
  kept.push_back(file.build());
  return AdapterFile::parse_gguf(kept.back().bytes, "file.gguf");
}

TEST(GgufAdapter, ReadsPairsAndScales) {
  for (const float alpha : {4.0f, 0.0f}) {
    GgufBuilder file = gguf_head("adapter", "lora", alpha);
    add_matrix(file, "blk.3.ffn_up.weight.lora_b", {2, 6});
    add_matrix(file, "blk.3.ffn_up.weight.lora_a", {4, 2});
    const auto adapter = parse(file);
    ASSERT_TRUE(adapter.ok()) << adapter.error().message;
    ASSERT_EQ(adapter->pairs().size(), 1u);
    EXPECT_EQ(adapter->pairs()[0].target, "blk.3.ffn_up.weight");
    EXPECT_EQ(adapter->pairs()[0].a.rows, 2u);
    EXPECT_EQ(adapter->pairs()[0].b.rows, 6u);
    EXPECT_EQ(adapter->pairs()[0].scale, alpha == 0 ? 1.0f : 2.0f);
    EXPECT_EQ(adapter->architecture(), "llama");
    EXPECT_FALSE(adapter->hf_rows());
  }
}

TEST(GgufAdapter, RefusesByName) {
  GgufBuilder model = gguf_head("model");
  expect_refused(parse(model), "is no adapter");
  GgufBuilder control = gguf_head("adapter", "control_vector");
  expect_refused(parse(control), "control_vector");
  GgufBuilder invoked = gguf_head();
  invoked.array<std::uint32_t>("adapter.alora.invocation_tokens", GgufType::kU32, {1, 2});
  expect_refused(parse(invoked), "aLoRA");
  GgufBuilder empty = gguf_head();
  expect_refused(parse(empty), "no matrices");
  const struct {
    const char* name;
    std::vector<std::uint64_t> dims;
    const char* what;
  } cases[] = {
      {"blk.0.attn_norm.weight", {4}, "'blk.0.attn_norm.weight' is no half"},
      {"token_embd.weight.lora_a", {2, 4}, "embeddings"},
      {"blk.0.ffn_up_exps.weight.lora_a", {4, 2, 3}, "experts"},
      {"blk.0.ffn_up.weight.lora_a", {4, 2}, "matrix B of 'blk.0.ffn_up.weight' is missing"},
  };
  for (const auto& c : cases) {
    GgufBuilder file = gguf_head();
    add_matrix(file, c.name, c.dims);
    expect_refused(parse(file), c.what);
  }
}

}  // namespace
}  // namespace aquilon::formats
