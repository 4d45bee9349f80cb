// Folders of safetensors, end to end: the logits, hidden states and greedy tokens that were
// published for the same weights. Every case of $AQUILON_SHARED/data/oracle/hf, and what the
// repository has of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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
    expect_published_tokens(**model, folder);
  }
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
