// Folders of safetensors, end to end: the logits, hidden states and greedy tokens that were
// published for the same weights. Every case of $AQUILON_SHARED/data/oracle/hf, and what the
// repository has of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "formats/model_folder.h"
#include "model/bare_model_for_test.h"
#include "model/model.h"
#include "model/oracle_for_test.h"

namespace aquilon::model {
namespace {

namespace fs = std::filesystem;
using text::TokenId;

constexpr std::size_t kLongest = 256;  // the 9,000-token runs belong to the forward pass's own test

std::vector<fs::path> oracle_cases(const std::string& file) {
  std::vector<fs::path> folders;
  for (const std::string& root : {shared_folder_for_test() + "/data/oracle/hf",
                                  std::string(AQUILON_SOURCE_DIR) + "/tests/data/oracle"}) {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(root, ec))
      if (fs::exists(entry.path() / file)) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

template <class M>
std::vector<float> logits_of(M& model, std::span<const TokenId> tokens, WantLogits want) {
  KvCache kv = KvCache::create(model.config(), tokens.size()).value();
  Slice slice{&kv, tokens, want, tokens.size()};
  std::vector<float> logits;
  model.forward().run({&slice, 1}, logits);
  return logits;
}

template <class M>
void expect_published_logits(M& model, const fs::path& folder) {
  const std::size_t vocab = model.config().vocab_size;
  const boost::json::value manifest = read_manifest_for_test(folder);
  for (const boost::json::value& sequence : manifest.at("sequences").as_array()) {
    if (boost::json::value_to<std::size_t>(sequence.at("length")) > kLongest) continue;
    const auto tokens = sequence_tokens_for_test(sequence, folder);
    const auto positions =
        boost::json::value_to<std::vector<std::size_t>>(sequence.at("positions"));
    const auto want = read_numbers_for_test<float>(
        folder / boost::json::value_to<std::string>(sequence.at("logits")));
    const auto tolerance = boost::json::value_to<float>(sequence.at("tolerance"));
    ASSERT_EQ(want.size(), positions.size() * vocab);
    const auto got = logits_of(model, tokens, WantLogits::kAll);
    float worst = 0;
    for (std::size_t row = 0; row < positions.size(); ++row)
      for (std::size_t i = 0; i < vocab; ++i)
        worst = std::max(worst, std::abs(got[positions[row] * vocab + i] - want[row * vocab + i]));
    EXPECT_LE(worst, tolerance) << tokens.size() << " tokens";
  }
}

template <class M>
void expect_published_hidden_states(M& model, const fs::path& folder) {
  const auto want = read_numbers_for_test<float>(folder / "len7.hidden.f32");
  const boost::json::value manifest = read_manifest_for_test(folder);
  const auto tokens =
      boost::json::value_to<std::vector<TokenId>>(manifest.at("greedy").at("prompt"));
  KvCache kv = KvCache::create(model.config(), tokens.size()).value();
  Slice slice{&kv, tokens, WantLogits::kAll, tokens.size()};
  std::vector<float> logits, got;
  model.forward().run({&slice, 1}, logits, [&](std::size_t, std::span<const float> hidden) {
    got.insert(got.end(), hidden.begin(), hidden.end());
  });
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-4f) << i;
}

template <class M>
void expect_published_tokens(M& model, const fs::path& folder) {
  const boost::json::value manifest = read_manifest_for_test(folder);
  auto tokens = boost::json::value_to<std::vector<TokenId>>(manifest.at("greedy").at("prompt"));
  const auto want = boost::json::value_to<std::vector<TokenId>>(manifest.at("greedy").at("tokens"));
  for (const TokenId id : want) {
    const auto logits = logits_of(model, tokens, WantLogits::kLast);
    ASSERT_EQ(std::max_element(logits.begin(), logits.end()) - logits.begin(), id);
    tokens.push_back(id);
  }
}

TEST(FolderModel, HuggingFaceFoldersGiveThePublishedLogits) {
  const std::vector<fs::path> folders = oracle_cases("config.json");
  ASSERT_FALSE(folders.empty()) << "the repository lost tests/data/oracle/qwen2/config.json";
  for (const fs::path& folder : folders) {
    SCOPED_TRACE(folder.string());
    auto model = Model::load(folder, {.threads = 2});
    ASSERT_TRUE(model.ok()) << model.error().message;
    EXPECT_EQ((*model)->tokenizer().encode("he"), std::vector<TokenId>{258});
    EXPECT_EQ((*model)->special().eos, 257);
    EXPECT_FALSE((*model)->special().add_bos);
    expect_published_logits(**model, folder);
    expect_published_hidden_states(**model, folder);
    expect_published_tokens(**model, folder);
  }
}

TEST(FolderModel, MistralFoldersGiveThePublishedLogits) {
  const std::vector<fs::path> folders = oracle_cases("consolidated/params.json");
  ASSERT_FALSE(folders.empty()) << "the repository lost tests/data/oracle/llama-gqa/consolidated";
  for (const fs::path& folder : folders) {
    SCOPED_TRACE(folder.string());
    auto file = formats::open_model(folder / "consolidated");  // which has no tokenizer
    ASSERT_TRUE(file.ok()) << file.error().message;
    auto model = BareModel::load(std::move(*file));
    ASSERT_TRUE(model.ok()) << model.error().message;
    expect_published_logits(**model, folder);
    expect_published_hidden_states(**model, folder);
    expect_published_tokens(**model, folder);
  }
}

// A copy of the repository's folder, to change.
class ChangedFolder : public testing::Test {
 protected:
  ChangedFolder() {
    char path[] = "/tmp/aquilon-folder-XXXXXX";
    root_ = ::mkdtemp(path);
    for (const auto& entry : fs::directory_iterator(AQUILON_SOURCE_DIR "/tests/data/oracle/qwen2"))
      if (entry.path().extension() == ".json" || entry.path().extension() == ".safetensors")
        fs::copy_file(entry.path(), fs::path(root_) / entry.path().filename());
  }
  ~ChangedFolder() override { fs::remove_all(root_); }

  boost::json::object read(const std::string& name) const {
    return boost::json::parse(read_file(root_ + "/" + name).value()).as_object();
  }
  void write(const std::string& name, const boost::json::object& object) const {
    std::ofstream(root_ + "/" + name) << boost::json::serialize(object);
  }
  void set(const std::string& key, const boost::json::value& value) const {
    boost::json::object config = read("config.json");
    config[key] = value;
    write("config.json", config);
  }
  void add_tokens(int count) const {
    boost::json::object tokenizer = read("tokenizer.json");
    for (int id = 384; id < 384 + count; ++id)
      tokenizer["added_tokens"].as_array().push_back(boost::json::object{
          {"id", id}, {"content", "<image" + std::to_string(id) + ">"}, {"special", true}});
    write("tokenizer.json", tokenizer);
  }
  void expect_error(Code code, std::string_view words) const {
    const auto model = Model::load(root_, {.threads = 1});
    ASSERT_FALSE(model.ok()) << words;
    EXPECT_EQ(model.error().code, code) << model.error().message;
    EXPECT_NE(model.error().message.find(words), std::string::npos) << model.error().message;
  }

  std::string root_;
};

// Gemma 3's published folders have a token for images behind the last row of embeddings.
TEST_F(ChangedFolder, ATokenMoreThanRowsIsNone) {
  add_tokens(1);
  const auto model = Model::load(root_, {.threads = 1});
  ASSERT_TRUE(model.ok()) << model.error().message;
  const text::Tokenizer& t = (*model)->tokenizer();
  EXPECT_EQ(t.vocab_size(), 384u);
  EXPECT_EQ(t.encode("he"), std::vector<TokenId>{258});
  EXPECT_EQ(t.encode_trusted("<image384>"), t.encode("<image384>"));
  EXPECT_EQ(t.encode_trusted("<s>"), std::vector<TokenId>{256});
  for (const TokenId id : t.encode_trusted("<image384>")) EXPECT_LT(id, 384);
  EXPECT_FALSE(logits_of(**model, std::vector<TokenId>{258}, WantLogits::kLast).empty());
}

TEST_F(ChangedFolder, ManyMoreAreAnotherModels) {
  add_tokens(4);  // 1 % of 384 are 3
  expect_error(Code::kCorrupt, "the tokenizer has 388 tokens, the embeddings 384");
}

TEST_F(ChangedFolder, WithoutATokenizerItRunsByIds) {
  fs::remove(root_ + "/tokenizer.json");
  const auto model = Model::load(root_, {.threads = 1});
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_FALSE((*model)->has_tokenizer());
  const Status text = (*model)->require_tokenizer();
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, Code::kUnsupported);
  EXPECT_NE(text.error().message.find("has no tokenizer"), std::string::npos);
  expect_published_logits(**model, AQUILON_SOURCE_DIR "/tests/data/oracle/qwen2");
}

// Errors speak of the folder's files and keys, with what was found and what is possible.
TEST_F(ChangedFolder, ErrorsNameTheFoldersOwnKeys) {
  set("num_key_value_heads", 3);
  expect_error(Code::kCorrupt,
               root_ + "/config.json: 'num_attention_heads' is 4: attention heads do not divide");
  set("num_key_value_heads", 2);
  set("hidden_size", 1 << 20);
  expect_error(Code::kCorrupt,
               "/config.json: 'hidden_size' is the integer 1048576, an integer from 1 to 131072");
  set("hidden_size", 64);
  set("max_position_embeddings", 1 << 25);
  expect_error(Code::kCorrupt,
               "'max_position_embeddings' is the integer 33554432, an integer "
               "from 1 to 16777216 is needed");
  set("max_position_embeddings", 16384);
  set("intermediate_size", 127);
  expect_error(Code::kCorrupt,
               "the tensor 'model.layers.0.mlp.gate_proj.weight' has shape [128, "
               "64]; the configuration needs [127, 64]");
  set("intermediate_size", 128);
  set("num_hidden_layers", 4);
  expect_error(Code::kCorrupt, "the tensor 'model.layers.3.input_layernorm.weight' is missing");
  set("num_hidden_layers", 3);
  set("eos_token_id", 384);
  expect_error(Code::kCorrupt, "'eos_token_id' is the integer 384, an integer from 0 to 383");
  set("eos_token_id", boost::json::array{257, 999});
  expect_error(Code::kCorrupt, "'eos_token_id' is the integer 999");
}

TEST_F(ChangedFolder, AFileOfTheFolderIsNoModel) {
  for (const std::string name : {"config.json", "tokenizer.json"}) {
    const auto model = Model::open(root_ + "/" + name);
    ASSERT_FALSE(model.ok());
    EXPECT_EQ(model.error().code, Code::kInvalidArgument);
    EXPECT_NE(model.error().message.find(
                  name + ": a JSON file is no model; name the folder that it lies in"),
              std::string::npos)
        << model.error().message;
  }
}

TEST_F(ChangedFolder, KnowsItsFiles) {
  std::ofstream(root_ + "/README.md") << "not read";
  std::ofstream(root_ + "/chat_template.jinja") << "{{ messages }}";
  const auto file = formats::open_model(root_);
  ASSERT_TRUE(file.ok()) << file.error().message;
  std::vector<std::string> names;
  for (const std::string& path : file->files()) names.push_back(fs::path(path).filename());
  EXPECT_EQ(names.front(), "config.json");
  for (const std::string name :
       {"tokenizer.json", "chat_template.jinja", "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  EXPECT_EQ(std::count(names.begin(), names.end(), "README.md"), 0);
  EXPECT_EQ(std::count(names.begin(), names.end(), "manifest.json"), 0);
}

TEST(FolderModel, SaysWhatIsWrongWithAFolder) {
  const auto none = Model::open("/nonexistent/folder");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kNotFound);
  const auto wrong = Model::open(std::string(AQUILON_SOURCE_DIR) + "/tests/data");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("neither config.json"), std::string::npos);
  const auto file = Model::open(std::string(AQUILON_SOURCE_DIR) +
                                "/tests/data/oracle/qwen2/model-00001-of-00002.safetensors");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("name its folder"), std::string::npos);
}

}  // namespace
}  // namespace aquilon::model
