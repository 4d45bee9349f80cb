// Folders made for the test: what they may look like, and what is refused by name.
#include "formats/model_folder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/folder_builder_for_test.h"
#include "quant/decode.h"

namespace aquilon::formats {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), by);
}

void expect_error(const FolderForTest& folder, Code code, const std::string& words) {
  const auto described = describe_for_test(folder);
  ASSERT_FALSE(described.ok()) << words;
  EXPECT_EQ(described.error().code, code) << described.error().message;
  EXPECT_NE(described.error().message.find(words), std::string::npos) << described.error().message;
  EXPECT_TRUE(described.error().message.starts_with("folder")) << described.error().message;
}

TEST(ModelFolder, DescribesALlama) {
  const FolderForTest folder = tiny_llama_folder();
  const auto file = describe_for_test(folder);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(*file->get_string("general.architecture"), "llama");
  EXPECT_EQ(*file->get_uint("llama.vocab_size", 100), 10u);
  EXPECT_TRUE(*file->get_bool("aquilon.hf_rows"));
  EXPECT_EQ(*file->get_float("llama.attention.layer_norm_rms_epsilon"), 1e-5f);
  EXPECT_EQ(file->tensors().size(), 12u);
  const GgufTensor* k = file->find_tensor("blk.0.attn_k.weight");
  ASSERT_NE(k, nullptr);
  EXPECT_EQ(k->dims, (std::vector<std::uint64_t>{8, 4}));
}

TEST(ModelFolder, RefusesConfigurationsByName) {
  struct {
    std::string config;
    Code code;
    std::string words;
  } const cases[] = {
      {tiny_config("falcon"), Code::kUnsupported,
       "the model_type 'falcon' is not supported; supported: llama, mistral, "},
      {"[]", Code::kCorrupt, "config.json: is no JSON object"},
      {"{\"a\":1,\"a\":2}", Code::kCorrupt, "config.json: the key 'a' is given twice"},
      {"{", Code::kCorrupt, "config.json: not valid JSON at byte"},
      {replaced(tiny_config("llama"), "\"hidden_size\":8,", ""), Code::kCorrupt,
       "'hidden_size' is missing, a whole number from 1 to 1048576 is needed"},
      {replaced(tiny_config("llama"), "\"hidden_size\":8", "\"hidden_size\":-8"), Code::kCorrupt,
       "'hidden_size' is -8"},
      {replaced(tiny_config("llama"), "\"hidden_size\":8", "\"hidden_size\":18446744073709551615"),
       Code::kCorrupt, "'hidden_size' is 18446744073709551615"},
      {replaced(tiny_config("llama"), "1e-5", "1e-400"), Code::kCorrupt, "'rms_norm_eps' is 0"},
      {replaced(tiny_config("llama"), ":10,", ":11,"), Code::kCorrupt,
       "vocab_size is 11, the embeddings have 10 rows"},
      {tiny_config("llama", R"(,"hidden_act":"gelu")"), Code::kUnsupported,
       "'hidden_act' is \"gelu\""},
      {tiny_config("llama", R"(,"rope_scaling":{"rope_type":"longrope"})"), Code::kUnsupported,
       "'rope_scaling.rope_type' is \"longrope\", which is not supported; supported: default, "},
      {tiny_config("llama", R"(,"rope_scaling":{"type":"linear","factor":0})"), Code::kCorrupt,
       "'rope_scaling.factor' is 0, a number above 0 is needed"},
      {tiny_config("llama", R"(,"rope_scaling":{"rope_type":"llama3","factor":8})"), Code::kCorrupt,
       "'rope_scaling.low_freq_factor' is missing"},
      {tiny_config("llama", R"(,"partial_rotary_factor":0.5)"), Code::kUnsupported,
       "'partial_rotary_factor'"},
      {tiny_config("llama", R"(,"quantization_config":{"quant_method":"gptq"})"),
       Code::kUnsupported, "'quantization_config.quant_method' is \"gptq\""},
      {tiny_config("llama", R"(,"tie_word_embeddings":1)"), Code::kCorrupt,
       "'tie_word_embeddings' is 1, true or false is needed"},
      {tiny_config("llama", R"(,"eos_token_id":[2,-1])"), Code::kCorrupt,
       "'eos_token_id' is a list"},
      {tiny_config("ministral", R"(,"layer_types":["full_attention","full_attention"])"),
       Code::kCorrupt, "'layer_types' is a list, a list of 1 texts is needed"},
      {tiny_config("ministral", R"(,"layer_types":["linear_attention"])"), Code::kUnsupported,
       "a layer of type 'linear_attention' is not supported"},
      {tiny_config("mistral", R"(,"sliding_window":null,"layer_types":["sliding_attention"])"),
       Code::kCorrupt, "'sliding_window' is missing"},
      {tiny_config("gemma3"), Code::kCorrupt, "'text_config' is missing"},
      {tiny_config("gemma3_text", R"(,"attn_logit_softcapping":50.0)"), Code::kUnsupported,
       "'attn_logit_softcapping' is 50,"},
      {tiny_config("gemma3_text", R"(,"final_logit_softcapping":30)"), Code::kUnsupported,
       "'final_logit_softcapping' is 30, which is not supported; soft-capped logits"},
      {tiny_config("llama", R"(,"hidden_activation":"relu")"), Code::kUnsupported,
       "'hidden_activation' is \"relu\", which is not supported; 'silu' is"},
      {tiny_config("llama", R"(,"mlp_bias":true)"), Code::kUnsupported, "'mlp_bias' is true"},
      {tiny_config("llama", R"(,"attention_bias":true)"), Code::kUnsupported,
       "'attention_bias' is true"},
      {tiny_config("llama", R"(,"is_causal":false)"), Code::kUnsupported, "'is_causal' is false"},
      {tiny_config("llama", R"(,"num_local_experts":8)"), Code::kUnsupported,
       "'num_local_experts' is 8, which is not supported; this model_type has no experts"},
      {tiny_config("llama", R"(,"residual_multiplier":0.22)"), Code::kUnsupported,
       "'residual_multiplier' is 0.22"},
      {tiny_config("llama", R"(,"no_rope_layers":[1,0])"), Code::kUnsupported,
       "'no_rope_layers' is a list"},
      {tiny_config("smollm3", R"(,"no_rope_layers":[])"), Code::kCorrupt,
       "'no_rope_layers' is a list, a list of 1 zeros and ones is needed"},
      {tiny_config("smollm3", R"(,"no_rope_layers":[2])"), Code::kCorrupt,
       "'no_rope_layers' is a list, a list of zeros and ones is needed"},
      {tiny_config("smollm3", R"(,"no_rope_layer_interval":0)"), Code::kCorrupt,
       "'no_rope_layer_interval' is 0"},
      {tiny_config("seed_oss", R"(,"attention_out_bias":true)"), Code::kUnsupported,
       "'attention_out_bias' is true"},
      {tiny_config("ernie4_5", R"(,"use_bias":true)"), Code::kUnsupported, "'use_bias' is true"},
      {tiny_config("llama", R"(,"rope_scaling":{"rope_type":"default","mrope_section":[1,1]})"),
       Code::kUnsupported, "'rope_scaling.mrope_section'"},
      {tiny_config("llama", R"(,"quantization_config":{"quant_method":"compressed-tensors",)"
                            R"("format":"pack-quantized"})"),
       Code::kUnsupported, "'quantization_config.format' is \"pack-quantized\""},
      {tiny_config("llama", R"(,"quantization_config":{"quant_method":"compressed-tensors",)"
                            R"("sparsity_config":{"format":"sparse-24-bitmask"}})"),
       Code::kUnsupported, "'quantization_config.sparsity_config.format' is \"sparse-24-bitmask\""},
  };
  for (const auto& c : cases) {
    FolderForTest folder = tiny_llama_folder();
    folder["config.json"] = c.config;
    expect_error(folder, c.code, c.words);
  }
}

// The configuration of a tiny model with one key's value given.
std::string config_with(const std::string& key, const std::string& value) {
  std::string config = tiny_config("gemma3_text", R"(,"rope_theta":1e6,"sliding_window":4)");
  const std::size_t at = config.find('"' + key + "\":");
  if (at == config.npos)
    return config.insert(config.size() - 1, fmt::format(R"(,"{}":{})", key, value));
  const std::size_t from = at + key.size() + 3;
  return config.replace(from, config.find_first_of(",}", from) - from, value);
}

TEST(ModelFolder, NumbersThatCannotBeAreNamed) {
  const std::vector<std::string> counts = {
      "hidden_size",         "intermediate_size", "num_hidden_layers",
      "num_attention_heads", "head_dim",          "num_key_value_heads",
      "vocab_size",          "sliding_window",    "max_position_embeddings"};
  const std::vector<std::string> numbers = {"rms_norm_eps", "rope_theta", "rope_local_base_freq",
                                            "query_pre_attn_scalar"};
  const std::vector<std::string> never = {"0",  "-1",     "-0.0",   "1e308",      "-1e308", "1e400",
                                          "[]", R"("4")", R"("x")", R"({"a":1})", "true",   "[4]"};
  const std::vector<std::string> no_counts = {"4.5", "9223372036854775807", "9223372036854775808",
                                              "18446744073709551615", "18446744073709551616"};
  FolderForTest folder = tiny_llama_folder();
  const auto expect_named = [&](const std::string& key, const std::string& value) {
    folder["config.json"] = config_with(key, value);
    expect_error(folder, Code::kCorrupt, "config.json: '" + key + "' is ");
  };
  for (const std::string& value : never) {
    for (const std::string& key : counts) expect_named(key, value);
    for (const std::string& key : numbers) expect_named(key, value);
  }
  for (const std::string& value : no_counts)
    for (const std::string& key : counts) expect_named(key, value);
  for (const std::string& key : numbers) expect_named(key, "1e-320");  // none in f32
}

TEST(ModelFolder, PartsThatAreSwitchedOffAreNone) {
  FolderForTest folder = tiny_llama_folder();
  folder["config.json"] = tiny_config(
      "llama", R"(,"attn_logit_softcapping":null,"mlp_bias":false,"attention_bias":false,)"
               R"("num_experts":0,"residual_multiplier":1.0,"is_causal":true,"hidden_act":"swish",)"
               R"("use_cache":true,"torch_dtype":"bfloat16","attention_dropout":0.1)");
  const auto file = describe_for_test(folder);
  EXPECT_TRUE(file.ok()) << file.error().message;
}

TEST(ModelFolder, LayersWithoutRopeMayBeThoseWithAWindow) {
  struct {
    std::string more;
    bool turns;
    std::uint64_t window;
  } const cases[] = {
      {"", true, 0},  // each fourth
      {R"(,"no_rope_layer_interval":1)", false, 0},
      {R"(,"no_rope_layers":[1,0,0],"no_rope_layer_interval":1)", true, 0},
      {R"(,"no_rope_layers":[0],"sliding_window":5)", false, 0},
      {R"(,"no_rope_layers":[0],"sliding_window":5,"use_sliding_window":true)", false, 5},
      {R"(,"no_rope_layers":[1],"sliding_window":5,"use_sliding_window":true)", true, 0},
  };
  for (const auto& c : cases) {
    FolderForTest folder = tiny_llama_folder();
    folder["config.json"] = tiny_config("smollm3", c.more);
    const auto file = describe_for_test(folder);
    ASSERT_TRUE(file.ok()) << file.error().message;
    const GgufArray* layers = *file->get_array("aquilon.rope_layers", GgufType::kBool);
    ASSERT_EQ(layers->count, 1u);
    EXPECT_EQ(layers->raw[0] != std::byte{0}, c.turns) << c.more;
    const auto window = file->get_uint("smollm3.attention.sliding_window", 100);
    EXPECT_EQ(window.ok() ? *window : 0, c.window) << c.more;
  }
}

TEST(ModelFolder, AKeyThatIsGivenTwiceIsNamedInEveryFile) {
  for (const std::string name : {"config.json", "generation_config.json", "tokenizer_config.json",
                                 "model.safetensors.index.json"}) {
    FolderForTest folder = tiny_llama_folder();
    folder[name] = R"({"hidden_size":8,"hidden_size":9})";
    expect_error(folder, Code::kCorrupt, name + ": the key 'hidden_size' is given twice");
  }
}

// What text alone needs: no weights, no architecture that we run.
TEST(ModelFolder, TextNeedsNoWeights) {
  FolderForTest folder = {
      {"tokenizer.json", "{}"},
      {"tokenizer_config.json", R"({"add_bos_token":true,"chat_template":"x"})"}};
  const auto described = [&folder] {
    std::map<std::string, std::span<const std::byte>> files;
    for (const auto& [name, contents] : folder)
      files[name] = std::as_bytes(std::span(contents.data(), contents.size()));
    return describe_folder_text("folder", std::move(files));
  };
  auto file = described();
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(*file->get_bool("tokenizer.ggml.add_bos_token"));
  EXPECT_EQ(*file->get_string("tokenizer.chat_template"), "x");
  EXPECT_EQ(file->companions().tokenizer_json, "folder/tokenizer.json");
  EXPECT_FALSE(file->companions().vocabulary);
  folder["config.json"] =
      R"({"model_type":"falcon","vocab_size":7,"text_config":{"vocab_size":9},"eos_token_id":3})";
  file = described();
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->companions().vocabulary, 9u);
  EXPECT_EQ(*file->get_uint("tokenizer.ggml.eos_token_id", 9), 3u);
  const auto wrong = file->get_uint("tokenizer.ggml.eos_token_id", 2);
  EXPECT_EQ(wrong.error().message,
            "folder: 'eos_token_id' is the integer 3, an integer from 0 to 2 is needed");
  folder.erase("tokenizer.json");
  file = described();
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, Code::kNotFound);
  EXPECT_NE(file.error().message.find("folder: no tokenizer is here"), std::string::npos);
}

TEST(ModelFolder, ChatTemplatesAreFoundAsTransformersFindsThem) {
  const auto templates = [](const FolderForTest& more) {
    FolderForTest folder = tiny_llama_folder();
    folder.insert(more.begin(), more.end());
    std::map<std::string, std::string> found;
    const auto file = describe_for_test(folder);
    EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message);
    for (const GgufFile::Entry& entry : file->metadata())
      if (entry.key.starts_with("tokenizer.chat_template"))
        found[std::string(entry.key)] = std::get<std::string_view>(entry.value);
    return found;
  };
  using Found = std::map<std::string, std::string>;
  const std::string one = "tokenizer.chat_template";
  const std::string named = R"({"chat_template":[{"name":"tool_use","template":"T"},)"
                            R"({"name":"default","template":"D"},{"name":"rag","template":"R"}]})";
  EXPECT_EQ(templates({}), Found());
  EXPECT_EQ(templates({{"tokenizer_config.json", named}}),
            (Found{{one, "D"}, {one + ".tool_use", "T"}, {one + ".rag", "R"}}));
  // A processor's own file counts where the tokenizer has none.
  const std::string processor = R"({"chat_template":"P"})";
  EXPECT_EQ(templates({{"chat_template.json", processor}}), (Found{{one, "P"}}));
  EXPECT_EQ(templates({{"chat_template.json", processor},
                       {"tokenizer_config.json", R"({"chat_template":"C"})"}}),
            (Found{{one, "C"}}));
  // Files of templates replace all others, the named ones too.
  EXPECT_EQ(templates({{"chat_template.jinja", "J"}, {"tokenizer_config.json", named}}),
            (Found{{one, "J"}}));
  EXPECT_EQ(templates({{"chat_template.jinja", "J"},
                       {"additional_chat_templates/tool_use.jinja", "A"},
                       {"additional_chat_templates/read me.txt", "no template"}}),
            (Found{{one, "J"}, {one + ".tool_use", "A"}}));
  EXPECT_EQ(templates({{"chat_template.tool_use.jinja", "A"}}), (Found{{one + ".tool_use", "A"}}));
  // None is the default: a conversation without tools has none.
  EXPECT_EQ(templates({{"tokenizer_config.json",
                        R"({"chat_template":[{"name":"rag","template":"R"}]})"}}),
            (Found{{one + ".rag", "R"}}));
}

TEST(ModelFolder, ChatTemplatesAreRefusedByName) {
  const auto with = [](const std::string& name, const std::string& contents) {
    FolderForTest folder = tiny_llama_folder();
    folder[name] = contents;
    return folder;
  };
  const std::string config = "tokenizer_config.json";
  expect_error(with(config, R"({"chat_template":1})"), Code::kCorrupt, "'chat_template' is 1");
  expect_error(with(config, R"({"chat_template":[1]})"), Code::kCorrupt, "a list of objects");
  expect_error(with(config, R"({"chat_template":[{"template":"x"}]})"), Code::kCorrupt,
               "'chat_template.name' is missing, a short name is needed");
  expect_error(with(config, R"({"chat_template":[{"name":"a","template":"x"},)"
                            R"({"name":"a","template":"y"}]})"),
               Code::kCorrupt, "tokenizer_config.json: two chat templates are called 'a'");
  expect_error(with("chat_template.jinja", "\xff"), Code::kCorrupt, "'default' is not UTF-8");
  expect_error(with("chat_template.json", "{"), Code::kCorrupt, "chat_template.json: not valid");
}

TEST(ModelFolder, SaysWhichFileIsMissing) {
  expect_error({}, Code::kNotFound, "neither config.json (Hugging Face) nor params.json (Mistral)");
  FolderForTest folder = tiny_llama_folder();
  folder.erase("model.safetensors");
  expect_error(folder, Code::kNotFound, "the weights are missing: neither model.safetensors nor");
  folder["pytorch_model.bin"] = "PK";
  expect_error(folder, Code::kUnsupported, "the weights are pickled (pytorch_model.bin)");
  folder["model-00001-of-00002.safetensors"] = tiny_llama_weights().build();
  expect_error(folder, Code::kNotFound, "1 of the 00002 files of weights are here");
}

TEST(ModelFolder, RefusesTensorsByName) {
  struct {
    std::function<void(SafetensorsBuilder&)> add;
    Code code;
    std::string words;
  } const cases[] = {
      {[](auto& w) { w.f32("model.layers.0.self_attn.sinks", {2}); }, Code::kUnsupported,
       "tensor 'model.layers.0.self_attn.sinks': is no part of a 'llama' model"},
      {[](auto& w) { w.f32("model.layers.00.input_layernorm.weight", {8}); }, Code::kUnsupported,
       "is no part"},
      {[](auto& w) { w.f32("language_model.model.norm.weight", {8}); }, Code::kCorrupt,
       "two tensors stand for 'output_norm.weight'"},
      {[](auto& w) {
         w.add("model.layers.1.mlp.up_proj.weight", "I8", {2, 2}, "abcd");
       },
       Code::kUnsupported, "dtype: I8 is not read; F32, F16, BF16 and F8_E4M3 are"},
      {[](auto& w) {
         w.f32("model.layers.1.mlp.up_proj.weight", {2, 2, 2});
       },
       Code::kCorrupt, "shape: [2, 2, 2] is neither a vector nor a matrix"},
      {[](auto& w) {
         w.f32("model.layers.1.mlp.up_proj.weight", {0, 2});
       },
       Code::kCorrupt, "shape: [0, 2] is neither"},
  };
  for (const auto& c : cases) {
    FolderForTest folder = tiny_llama_folder();
    SafetensorsBuilder weights = tiny_llama_weights();
    c.add(weights);
    folder["model.safetensors"] = weights.build();
    expect_error(folder, c.code, c.words);
  }
}

TEST(ModelFolder, TheOutputIsTiedWhereTheConfigurationOrTheWeightsSaySo) {
  FolderForTest folder = tiny_llama_folder();
  folder["config.json"] = tiny_config("llama", R"(,"tie_word_embeddings":true)");
  EXPECT_EQ(describe_for_test(folder)->find_tensor("output.weight"), nullptr);
  folder["model.safetensors"] = tiny_llama_weights(false).build();
  EXPECT_TRUE(describe_for_test(folder).ok());
  folder["config.json"] = tiny_config("llama");
  EXPECT_TRUE(describe_for_test(folder).ok());
  folder["config.json"] = tiny_config("llama", R"(,"tie_word_embeddings":false)");
  expect_error(folder, Code::kCorrupt, "the output matrix is missing");
}

TEST(ModelFolder, ShardsAreHeldToTheirIndex) {
  FolderForTest folder = tiny_llama_folder();
  folder.erase("model.safetensors");
  folder["part-a.safetensors"] = tiny_llama_weights().build();
  folder["model.safetensors.index.json"] =
      R"({"metadata":{},"weight_map":{"model.norm.weight":"part-a.safetensors"}})";
  EXPECT_TRUE(describe_for_test(folder).ok());
  const auto with_map = [&](const std::string& map) {
    FolderForTest other = folder;
    other["model.safetensors.index.json"] = R"({"weight_map":)" + map + "}";
    return other;
  };
  expect_error(with_map(R"({"a":"../../etc/part-a.safetensors"})"), Code::kNotFound,
               "the file ../../etc/part-a.safetensors is missing");
  expect_error(with_map(R"({"a":"config.json"})"), Code::kCorrupt,
               "the name of a safetensors file");
  expect_error(with_map("{}"), Code::kCorrupt, "'weight_map' is empty");
  expect_error(with_map("1"), Code::kCorrupt, "'weight_map' is 1, an object is needed");
  expect_error(with_map(R"({"x":"part-a.safetensors"})"), Code::kCorrupt,
               "tensor 'x': is not in part-a.safetensors, where the index has it");
  FolderForTest twice = with_map(
      R"({"model.norm.weight":"part-a.safetensors","lm_head.weight":"part-b.safetensors"})");
  twice["part-b.safetensors"] = tiny_llama_weights().build();
  expect_error(twice, Code::kCorrupt, "is also in folder/part-a.safetensors");
}

TEST(ModelFolder, RolesOfTokensComeFromTheFilesThatKnowBest) {
  FolderForTest folder = tiny_llama_folder();
  folder["config.json"] = tiny_config("llama", R"(,"bos_token_id":1,"eos_token_id":2)");
  folder["generation_config.json"] = R"({"eos_token_id":[7,8,9,6],"bos_token_id":null})";
  folder["tokenizer_config.json"] =
      R"({"add_bos_token":true,"chat_template":[{"name":"tool_use","template":"T"},{"name":"default","template":"D"}]})";
  const GgufFile file = describe_for_test(folder).value();
  EXPECT_EQ(*file.get_uint("tokenizer.ggml.bos_token_id", 10), 1u);
  EXPECT_EQ(*file.get_uint("tokenizer.ggml.eos_token_id", 10), 7u);
  EXPECT_EQ(*file.get_uint("tokenizer.ggml.eom_token_id", 10), 9u);
  EXPECT_EQ((*file.get_array("aquilon.eos_token_ids", GgufType::kU32))->count, 4u);
  EXPECT_TRUE(*file.get_bool("tokenizer.ggml.add_bos_token"));
  EXPECT_EQ(*file.get_string("tokenizer.chat_template"), "D");
  EXPECT_EQ(file.companions().tokenizer_config, "folder/tokenizer_config.json");
  folder["chat_template.jinja"] = "J";
  EXPECT_EQ(*describe_for_test(folder)->get_string("tokenizer.chat_template"), "J");
}

TEST(ModelFolder, WindowsOfEveryRule) {
  const auto window = [](const FolderForTest& folder, const char* key) {
    const auto file = describe_for_test(folder);
    return file.ok() ? file->get_uint(key, 9999).ok() ? *file->get_uint(key, 9999) : 0 : ~0ull;
  };
  FolderForTest folder = tiny_llama_folder();
  const char* llama = "llama.attention.sliding_window";
  folder["config.json"] = tiny_config("mistral");
  EXPECT_EQ(window(folder, llama), 4096u);  // what transformers takes an absent key for
  folder["config.json"] = tiny_config("mistral", R"(,"sliding_window":null)");
  EXPECT_EQ(window(folder, llama), 0u);
  folder["config.json"] = tiny_config("llama", R"(,"sliding_window":5)");
  EXPECT_EQ(window(folder, llama), 0u);
  const std::string used = R"(,"sliding_window":5,"use_sliding_window":true,"max_window_layers":)";
  folder["config.json"] = tiny_config("qwen2", used + "0");
  EXPECT_EQ(window(folder, "qwen2.attention.sliding_window"), 5u);
  folder["config.json"] = tiny_config("qwen2", used + "1");
  EXPECT_EQ(window(folder, "qwen2.attention.sliding_window"), 0u);
}

// A multimodal folder: the text model inside, under both prefixes that are in use.
TEST(ModelFolder, TextModelsOfMultimodalFolders) {
  const std::string text = R"({"model_type":"gemma3_text","hidden_size":8,"intermediate_size":16,)"
                           R"("num_hidden_layers":1,"num_attention_heads":2,"head_dim":4,)"
                           R"("num_key_value_heads":1,"query_pre_attn_scalar":1,"rope_scaling":)"
                           R"({"factor":8.0,"rope_type":"linear"},"sliding_window":4})";
  for (const std::string prefix : {"language_model.model.", "model.language_model."}) {
    SafetensorsBuilder weights;
    weights.f32(prefix + "embed_tokens.weight", {10, 8}).f32(prefix + "norm.weight", {8});
    weights.f32(prefix + "layers.0.self_attn.q_norm.weight", {4});
    weights.f32("vision_tower.vision_model.post_layernorm.weight", {8});
    const FolderForTest folder = {
        {"config.json",
         R"({"model_type":"gemma3","eos_token_id":[1,106],"text_config":)" + text + "}"},
        {"model.safetensors", weights.build()}};
    const auto file = describe_for_test(folder);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->tensors().size(), 3u);
    EXPECT_EQ(*file->get_uint("tokenizer.ggml.eot_token_id", 200), 106u);
    EXPECT_EQ(*file->get_float("gemma3.rope.freq_base"), 1e6);  // what the file leaves out
    EXPECT_EQ(*file->get_float("gemma3.attention.scale"), 0.5);
    const tensor::MatrixView norm = file->matrix(*file->find_tensor("blk.0.attn_q_norm.weight"));
    SafetensorsBuilder same;  // (1 + w) * sqrt(4 / 1)
    float first = 0;
    std::memcpy(&first, norm.data, sizeof first);
    EXPECT_EQ(norm.dtype, tensor::DType::kF32);
    EXPECT_GT(first, 0.1f);
    EXPECT_LE(first, 4.0f);
  }
}

float e4m3(unsigned code) {
  const int exponent = static_cast<int>(code >> 3 & 15);
  const auto fraction = static_cast<float>(code & 7);
  const float value =
      exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8 + fraction, exponent - 10);
  return code & 0x80 ? -value : value;
}

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// FP8 with one factor, one a row, one a block; in columns that fill blocks of 128 and that don't.
TEST(ModelFolder, Fp8IsExactWithEveryKindOfFactor) {
  for (const std::uint64_t columns : {std::uint64_t{256}, std::uint64_t{40}}) {
    constexpr std::uint64_t kRows = 3;
    std::string codes;
    for (std::uint64_t i = 0; i < kRows * columns; ++i)
      codes.push_back(static_cast<char>((i * 29 + 3) % 0x7F));
    const std::vector<float> factors = {0.0123f, 1.7f, 3e-5f, 1.0f, 0.75f, 2.5e7f};
    // Bytes and the powers of two that they stand for.
    const std::string bytes = {120, 0, '\xFE'};
    const std::vector<float> powers = {0x1p-7f, 0x1p-127f, 0x1p127f};
    struct {
      std::string name, config;
      std::vector<std::uint64_t> shape;
      std::function<std::size_t(std::uint64_t, std::uint64_t)> at;
      std::string type = "F32";
    } const kinds[] = {
        {"weight_scale", "", {}, [](auto, auto) { return 0; }},
        {"weight_scale", "", {kRows, 2}, [&](auto r, auto c) { return r * 2 + c / (columns / 2); }},
        {"weight_scale", "", {kRows, 1}, [](auto r, auto) { return r; }, "U8"},
        {"weight_scale_inv", "", {kRows}, [](auto r, auto) { return r; }, "F8_E8M0"},
        {"weight_scale", "", {kRows, 1}, [](auto r, auto) { return r; }},
        {"weight_scale_inv",
         R"(,"weight_block_size":[2,128])",
         {2, (columns + 127) / 128},
         [&](auto r, auto c) { return r / 2 * ((columns + 127) / 128) + c / 128; }},
    };
    for (const auto& kind : kinds) {
      SafetensorsBuilder weights = tiny_llama_weights();
      std::uint64_t count = 1;
      for (const std::uint64_t side : kind.shape) count *= side;
      const bool plain = kind.type == "F32";
      weights.add("model.layers.1.mlp.up_proj.weight", "F8_E4M3", {kRows, columns}, codes);
      weights.add(
          "model.layers.1.mlp.up_proj." + kind.name, kind.type, kind.shape,
          plain ? bytes_of({factors.begin(), factors.begin() + static_cast<std::ptrdiff_t>(count)})
                : bytes);
      weights.add("model.layers.1.mlp.up_proj.input_scale", "F32", {}, bytes_of({1}));
      FolderForTest folder = tiny_llama_folder();
      folder["config.json"] = tiny_config(
          "llama", R"(,"quantization_config":{"quant_method":"fp8")" + kind.config + "}");
      folder["model.safetensors"] = weights.build();
      const auto file = describe_for_test(folder);
      ASSERT_TRUE(file.ok()) << file.error().message;
      const tensor::MatrixView up = file->matrix(*file->find_tensor("blk.1.ffn_up.weight"));
      EXPECT_EQ(up.dtype, columns == 256 ? tensor::DType::kF8_E4M3_B128 : tensor::DType::kF32);
      std::vector<float> values(kRows * columns);
      quant::decode(up.dtype, up.data, values.size(), values.data());
      for (std::uint64_t i = 0; i < values.size(); ++i)
        ASSERT_EQ(values[i], (plain ? factors : powers)[kind.at(i / columns, i % columns)] *
                                 e4m3(static_cast<unsigned char>(codes[i])))
            << kind.type << ' ' << i;
    }
  }
}

TEST(ModelFolder, Fp8NeedsFactorsThatFit) {
  const auto with = [](const std::string& name, const std::string& type,
                       const std::vector<std::uint64_t>& shape, const std::string& data) {
    SafetensorsBuilder weights = tiny_llama_weights();
    weights.add("model.layers.1.mlp.up_proj.weight", "F8_E4M3", {2, 4}, "abcdefgh");
    weights.add("model.layers.1.mlp.up_proj." + name, type, shape, data);
    FolderForTest folder = tiny_llama_folder();
    folder["config.json"] =
        tiny_config("llama", R"(,"quantization_config":{"quant_method":"fp8"})");
    folder["model.safetensors"] = weights.build();
    return folder;
  };
  expect_error(
      with("input_scale", "F32", {}, bytes_of({1})), Code::kCorrupt,
      "tensor 'model.layers.1.mlp.up_proj.weight': the factors of this FP8 matrix are missing");
  FolderForTest plain = with("input_scale", "F32", {}, bytes_of({1}));
  plain["config.json"] = tiny_config("llama");  // says nothing of factors: values as they are
  const GgufFile file = describe_for_test(plain).value();
  EXPECT_EQ(file.find_tensor("blk.1.ffn_up.weight")->dtype, tensor::DType::kF8_E4M3);
  expect_error(with("weight_scale", "F32", {3}, bytes_of({1, 2, 3})), Code::kCorrupt,
               "tensor 'model.layers.1.mlp.up_proj.weight_scale': shape: factors [3] fit neither");
  expect_error(with("weight_scale", "F8_E5M2", {}, "a"), Code::kUnsupported,
               "factors of F8_E5M2 are not read");
  expect_error(with("weight_scale", "F8_E8M0", {}, "\xFF"), Code::kCorrupt,
               "a factor is not finite");
  expect_error(with("weight_scale", "F32", {}, bytes_of({INFINITY})), Code::kCorrupt,
               "a factor is not finite");
}

}  // namespace
}  // namespace aquilon::formats
