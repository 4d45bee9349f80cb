#include "apps/model_view.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "formats/gguf_builder_for_test.h"

namespace aquilon::apps {
namespace {

using formats::GgufBuilder;
using formats::GgufType;

// A model of two layers with every fact that `models show` prints.
formats::GgufImage example(const std::string& chat_template) {
  const std::vector<std::byte> f32(64 * 4 * sizeof(float));
  const std::vector<std::byte> q8(64 * 2 / 32 * 34);
  return GgufBuilder()
      .text("general.architecture", "llama")
      .text("general.name", "Ex\x1b[31mample")
      .text("general.license", "mit")
      .number("llama.block_count", GgufType::kU32, std::uint32_t{2})
      .number("llama.embedding_length", GgufType::kU32, std::uint32_t{64})
      .number("llama.attention.head_count", GgufType::kU32, std::uint32_t{4})
      .number("llama.attention.head_count_kv", GgufType::kU32, std::uint32_t{2})
      .number("llama.feed_forward_length", GgufType::kU32, std::uint32_t{128})
      .number("llama.context_length", GgufType::kU32, std::uint32_t{4096})
      .number("llama.rope.freq_base", GgufType::kF32, 10000.0f)
      .text("llama.rope.scaling.type", "yarn")
      .number("llama.rope.scaling.factor", GgufType::kF32, 4.0f)
      .text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", "smollm")
      .texts("tokenizer.ggml.tokens", {"a", "b", "c"})
      .texts("tokenizer.ggml.merges", std::vector<std::string>())
      .text("tokenizer.chat_template", chat_template)
      .tensor("a", tensor::DType::kF32, {64, 4}, f32)
      .tensor("b", tensor::DType::kQ8_0, {64, 2}, q8)
      .build();
}

class ModelViewTest : public ::testing::Test {
 protected:
  ModelViewTest() {
    char path[] = "/tmp/aquilon-view-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~ModelViewTest() override { std::filesystem::remove_all(root_); }

  std::string write(const std::string& name, const formats::GgufImage& image) const {
    std::ofstream(root_ + "/" + name, std::ios::binary)
        .write(reinterpret_cast<const char*>(image.bytes.data()),
               static_cast<std::streamsize>(image.bytes.size()));
    return root_ + "/" + name;
  }

  std::string root_;
};

TEST_F(ModelViewTest, ShowsWhatTheFileSays) {
  const hub::Store store = hub::Store::at(root_ + "/models");
  ASSERT_TRUE(store.add("ex", write("ex-Q8_0.gguf", example("line 1\nline\x1b 2"))).ok());
  const auto view = view_model(store, "ex");
  ASSERT_TRUE(view.ok()) << view.error().message;
  const std::string text = show_text(*view, false);
  for (const char* row :
       {"name            ex\n", "title           Ex [31mample\n", "licence         mit\n",
        "parameters      384 (384)\n", "quant           Q8_0\n", "layers          2\n",
        "kv_heads        2\n", "rope            base 10000, yarn x 4\n",
        "tokenizer       gpt2, pre-tokenizer smollm, 3 tokens\n", "  line 1\n  line  2\n"})
    EXPECT_NE(text.find(row), std::string::npos) << row << "\n" << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(show_text(*view, true), "line 1\nline  2\n");
  const boost::json::object json = show_json(*view);
  EXPECT_EQ(json.at("shape").at("context").to_number<int>(), 4096);
  EXPECT_EQ(
      boost::json::serialize(json.at("types")),
      R"({"F32":{"tensors":1,"values":256,"bytes":1024},"Q8_0":{"tensors":1,"values":128,"bytes":136}})");
  EXPECT_EQ(json.at("chat_template").as_string(), "line 1\nline\x1b 2");
  const std::string list = list_text({*view});
  EXPECT_NE(list.find("Q8_0          4096"), std::string::npos) << list;
}

TEST_F(ModelViewTest, ShowsAFileByItsPath) {
  const hub::Store store = hub::Store::at(root_ + "/models");
  const std::string path = write("plain.gguf", example(std::string(5000, 'x')));
  const auto view = view_model(store, path);
  ASSERT_TRUE(view.ok()) << view.error().message;
  EXPECT_EQ(view->quant(), "F32");  // most values
  EXPECT_EQ(view->manifest.files[0].sha256.size(), 64u);
  EXPECT_NE(show_text(*view, false).find("--template prints all of it"), std::string::npos);
  EXPECT_LT(show_text(*view, false).size(), 1500u);
  EXPECT_EQ(view_model(store, root_ + "/none.gguf").error().code, Code::kNotFound);
  std::ofstream(root_ + "/bad.gguf") << "GGUFxx";
  EXPECT_EQ(view_model(store, root_ + "/bad.gguf").error().code, Code::kCorrupt);
}

TEST_F(ModelViewTest, ShowsAFolderOfSafetensors) {
  const hub::Store store = hub::Store::at(root_ + "/models");
  const std::string folder = AQUILON_SOURCE_DIR "/tests/data/oracle/qwen2";
  const auto view = view_model(store, folder);
  ASSERT_TRUE(view.ok()) << view.error().message;
  EXPECT_EQ(view->quant(), "F32");
  const std::string text = show_text(*view, false);
  for (const char* row :
       {"architecture    qwen2\n", "kv_heads        2\n", "model-00002-of-00002.safetensors\n",
        "tokenizer       tokenizer.json, 384 tokens\n", "size of all     "})
    EXPECT_NE(text.find(row), std::string::npos) << row << "\n" << text;
}

TEST_F(ModelViewTest, CountsAllPartsOfASplitModel) {
  const hub::Store store = hub::Store::at(root_ + "/models");
  const auto part = [](std::uint16_t number) {
    GgufBuilder builder;
    builder.number("split.no", GgufType::kU16, number)
        .number("split.count", GgufType::kU16, std::uint16_t{2});
    if (number == 0) builder.text("general.architecture", "llama");
    return builder
        .tensor(number == 0 ? "a" : "b", tensor::DType::kF32, {64, 4},
                std::vector<std::byte>(64 * 4 * sizeof(float)))
        .build();
  };
  const std::string first = write("m-00001-of-00002.gguf", part(0));
  const std::string second = write("m-00002-of-00002.gguf", part(1));
  std::uint64_t last = 0, whole = 0;
  const auto view = view_model(store, first, [&](std::uint64_t done, std::uint64_t total) {
    last = done;
    whole = total;
    return true;
  });
  ASSERT_TRUE(view.ok()) << view.error().message;
  EXPECT_EQ(view->manifest.total_bytes(),
            std::filesystem::file_size(first) + std::filesystem::file_size(second));
  EXPECT_EQ(last, whole);
  EXPECT_EQ(whole, view->manifest.total_bytes());
  EXPECT_EQ(view_model(store, first, [](auto, auto) { return false; }).error().code,
            Code::kCancelled);
}

TEST_F(ModelViewTest, ListsDamagedModelsAsSuch) {
  const hub::Store store = hub::Store::at(root_ + "/models");
  const auto added = store.add("ex", write("ex.gguf", example("t")));
  std::ofstream(root_ + "/models/ex/ex.gguf") << "GGUF";
  const ModelView view = view_installed(store, *added);
  EXPECT_NE(list_text({view}).find("damaged: "), std::string::npos);
  EXPECT_FALSE(view_model(store, "ex").ok());
}

TEST(ParameterText, ThreeDigits) {
  EXPECT_EQ(parameter_text(134'515'008), "135M");
  EXPECT_EQ(parameter_text(1'543'714'304), "1.54B");
  EXPECT_EQ(parameter_text(123'000'000'000), "123B");
  EXPECT_EQ(parameter_text(2'000), "2k");
}

}  // namespace
}  // namespace aquilon::apps
