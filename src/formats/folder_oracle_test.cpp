// Folders of the oracle against the GGUF files of the same weights: every key and every value.
// Needs $AQUILON_SHARED; what the repository has of it is tested everywhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"
#include "formats/model_folder.h"
#include "quant/decode.h"

namespace aquilon::formats {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> oracle_roots() {
  const char* set = std::getenv("AQUILON_SHARED");
  const std::string shared = set != nullptr ? set : AQUILON_SOURCE_DIR "/../shared";
  return {shared + "/data/oracle/hf", AQUILON_SOURCE_DIR "/tests/data/oracle"};
}

std::vector<fs::path> cases() {
  std::vector<fs::path> folders;
  for (const fs::path& root : oracle_roots()) {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(root, ec))
      if (fs::exists(entry.path() / "config.json") ||
          fs::exists(entry.path() / "consolidated" / "params.json"))
        folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// The folder with one of its two configurations.
struct Folder {
  std::vector<MappedFile> maps;
  std::map<std::string, std::span<const std::byte>> files;
};

Folder with_config(const fs::path& path, const std::string& config) {
  Folder folder;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".json") && !name.ends_with(".safetensors")) continue;
    if (name.starts_with("config.") && name != config) continue;
    folder.maps.push_back(MappedFile::open(entry.path()).value());
    folder.files[name == config ? "config.json" : name] = folder.maps.back().bytes();
  }
  return folder;
}

std::vector<float> decoded(const tensor::MatrixView& matrix) {
  std::vector<float> values(matrix.rows * matrix.columns);
  quant::decode(matrix.dtype, matrix.data, values.size(), values.data());
  return values;
}

// Rows of Hugging Face's order (value i of a head turns with i + E/2) as GGUF's pairs.
std::vector<float> paired(const std::vector<float>& values, std::uint64_t columns,
                          std::uint64_t head_dim) {
  std::vector<float> out(values.size());
  const std::uint64_t rows = values.size() / columns;
  for (std::uint64_t row = 0; row < rows; ++row) {
    const std::uint64_t p = row % head_dim;
    const std::uint64_t to = row - p + 2 * (p % (head_dim / 2)) + p / (head_dim / 2);
    std::copy_n(&values[row * columns], columns, &out[to * columns]);
  }
  return out;
}

class Comparison {
 public:
  Comparison(const GgufFile& folder, const GgufFile& gguf) : folder_(folder), gguf_(gguf) {
    architecture_ = *gguf.get_string("general.architecture");
    head_dim_ = *gguf.get_uint(architecture_ + ".attention.key_length", 4096);
    const auto hf_rows = folder.get_bool("aquilon.hf_rows");
    permuted_ = hf_rows.ok() && *hf_rows && differ("blk.0.attn_q.weight");
  }

  void keys(bool tokens) const {
    EXPECT_EQ(*folder_.get_string("general.architecture"), architecture_);
    for (const GgufFile::Entry& entry : gguf_.metadata()) {
      const bool role = entry.key.ends_with("_token_id") || entry.key.ends_with("add_bos_token");
      if (!entry.key.starts_with(architecture_ + ".") && !(tokens && role)) continue;
      const GgufValue* value = folder_.find(entry.key);
      ASSERT_NE(value, nullptr) << entry.key;
      expect_same(entry.value, *value, entry.key);
    }
    for (const GgufFile::Entry& entry : folder_.metadata())
      if (entry.key.starts_with(architecture_ + ".") && gguf_.find(entry.key) == nullptr)
        expect_explicit_default(entry);
  }

  void tensors() const {
    std::set<std::string> seen;
    for (const GgufTensor& tensor : gguf_.tensors()) {
      if (tensor.dims.size() == 3) {
        experts(tensor, seen);
        continue;
      }
      same(std::string(tensor.name), gguf_.matrix(tensor));
      seen.insert(std::string(tensor.name));
    }
    EXPECT_EQ(seen.size(), folder_.tensors().size());
  }

 private:
  // Whether the family's converter puts rows into another order is seen by the first such matrix;
  // that it is the right one the logits show.
  bool differ(const std::string& name) const {
    const GgufTensor* a = folder_.find_tensor(name);
    const GgufTensor* b = gguf_.find_tensor(name);
    return a != nullptr && b != nullptr && decoded(folder_.matrix(*a)) != decoded(gguf_.matrix(*b));
  }

  static void expect_same(const GgufValue& want, const GgufValue& got, std::string_view key) {
    ASSERT_EQ(want.index(), got.index()) << key;
    if (const auto* array = std::get_if<GgufArray>(&want)) {
      const auto& other = std::get<GgufArray>(got);
      ASSERT_EQ(array->raw.size(), other.raw.size()) << key;
      EXPECT_TRUE(std::equal(array->raw.begin(), array->raw.end(), other.raw.begin())) << key;
    } else if (const auto* number = std::get_if<double>(&want)) {
      EXPECT_EQ(*number, std::get<double>(got)) << key;
    } else if (const auto* text = std::get_if<std::string_view>(&want)) {
      EXPECT_EQ(*text, std::get<std::string_view>(got)) << key;
    } else if (const auto* count = std::get_if<std::uint64_t>(&want)) {
      EXPECT_EQ(*count, std::get<std::uint64_t>(got)) << key;
    }
  }

  // Two keys say what GGUF's readers take for granted.
  void expect_explicit_default(const GgufFile::Entry& entry) const {
    if (entry.key == "gemma3.attention.scale") {
      EXPECT_EQ(std::get<double>(entry.value), 1 / std::sqrt(static_cast<double>(head_dim_)));
      return;
    }
    ASSERT_EQ(entry.key, "gemma3.attention.sliding_window_pattern");
    const auto& local = std::get<GgufArray>(entry.value);
    for (std::uint64_t i = 0; i < local.count; ++i)
      EXPECT_EQ(local.raw[i], std::byte{(i + 1) % 6 != 0});
  }

  void experts(const GgufTensor& stacked, std::set<std::string>& seen) const {
    GgufTensor flat = stacked;
    flat.dims = {stacked.dims[0], stacked.dims[1] * stacked.dims[2]};
    const tensor::MatrixView all = gguf_.matrix(flat);
    const std::string name(stacked.name);
    const std::string stem = name.substr(0, name.find("_exps"));
    for (std::uint64_t e = 0; e < stacked.dims[2]; ++e) {
      const std::string one = fmt::format("{}.{}.weight", stem, e);
      same(one, {all.row(e * stacked.dims[1]), all.dtype, stacked.dims[1], stacked.dims[0]});
      seen.insert(one);
    }
  }

  void same(const std::string& name, const tensor::MatrixView& want) const {
    const GgufTensor* tensor = folder_.find_tensor(name);
    ASSERT_NE(tensor, nullptr) << name;
    const tensor::MatrixView got = folder_.matrix(*tensor);
    ASSERT_EQ(got.rows, want.rows) << name;
    ASSERT_EQ(got.columns, want.columns) << name;
    std::vector<float> values = decoded(got);
    const bool turns = name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight");
    if (permuted_ && turns) values = paired(values, got.columns, head_dim_);
    EXPECT_EQ(values, decoded(want)) << name;
  }

  const GgufFile& folder_;
  const GgufFile& gguf_;
  std::string architecture_;
  std::uint64_t head_dim_ = 0;
  bool permuted_ = false;
};

std::vector<fs::path> ggufs_of(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".gguf") paths.push_back(entry.path());
  return paths;
}

void compare(const Result<GgufFile>& folder, const fs::path& path, bool tokens) {
  ASSERT_TRUE(folder.ok()) << folder.error().message;
  for (const fs::path& file : ggufs_of(path)) {
    const auto gguf = GgufFile::open(file);
    ASSERT_TRUE(gguf.ok()) << gguf.error().message;
    const Comparison comparison(*folder, *gguf);
    comparison.keys(tokens);
    comparison.tensors();
  }
}

TEST(FolderOracle, ConfigurationsOfBothStylesSayWhatGgufSays) {
  std::size_t tested = 0;
  for (const fs::path& path : cases())
    for (const std::string config : {"config.json", "config.v5.json"}) {
      if (!fs::exists(path / config)) continue;
      SCOPED_TRACE(path.string() + " " + config);
      const Folder folder = with_config(path, config);
      compare(describe_folder(path, folder.files), path, true);
      ++tested;
    }
  EXPECT_GE(tested, 2u) << "the repository lost the folders of tests/data/oracle";
}

TEST(FolderOracle, FoldersOnDiskAndConsolidatedOnesToo) {
  std::size_t consolidated = 0;
  for (const fs::path& path : cases()) {
    SCOPED_TRACE(path.string());
    if (fs::exists(path / "config.json")) {
      const auto folder = open_model(path.string() + "/");
      compare(folder, path, true);
      EXPECT_EQ(folder->companions().tokenizer_json, path / "tokenizer.json");
      EXPECT_TRUE(folder->companions().tekken_json.empty());
    }
    if (!fs::exists(path / "consolidated")) continue;
    ++consolidated;
    compare(open_model(path / "consolidated"), path, false);
  }
  EXPECT_GE(consolidated, 1u);
}

// What no GGUF file of these cases says.
TEST(FolderOracle, ScalingThatGgufLacks) {
  const fs::path root = oracle_roots().front();
  if (!fs::exists(root / "llama-dynamic")) GTEST_SKIP() << "needs AQUILON_SHARED";
  for (const std::string config : {"config.json", "config.v5.json"}) {
    const Folder folder = with_config(root / "llama-dynamic", config);
    const GgufFile dynamic = describe_folder("d", folder.files).value();
    EXPECT_EQ(*dynamic.get_string("llama.rope.scaling.type"), "dynamic");
    EXPECT_EQ(*dynamic.get_float("llama.rope.scaling.factor"), 4);
    EXPECT_EQ(*dynamic.get_uint("llama.rope.scaling.original_context_length", 1000), 64u);
    const Folder other = with_config(root / "llama-yarn-attnfactor", config);
    const GgufFile yarn = describe_folder("y", other.files).value();
    EXPECT_EQ(*yarn.get_float("aquilon.rope_attention_factor"), 1.5);
    EXPECT_NEAR(*yarn.get_float("llama.rope.scaling.attn_factor"), 1.5 / (0.1 * std::log(4) + 1),
                1e-7);
    EXPECT_EQ(*yarn.get_float("llama.rope.scaling.yarn_beta_fast"), 8);
    EXPECT_EQ(*yarn.get_float("llama.rope.scaling.yarn_beta_slow"), 2);
  }
}

}  // namespace
}  // namespace aquilon::formats
