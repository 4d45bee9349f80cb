#include "model/tokenizer_loader.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "text/piece_tokenizer.h"
#include "text/pretokenizer.h"

namespace aquilon::model {
namespace {

using formats::GgufArray;
using formats::GgufType;
using text::TokenKind;

constexpr std::size_t kMostTokensLeftOut = 256;

// Sorted, each with "<" in front. "</s>" is in every list of this sort, also for models whose
// vocabulary has it by chance.
constexpr std::string_view kControlForms[] = {
    "</s>",
    "<EOT>",
    "<MID>",
    "<PAD>",
    "<PRE>",
    "<REPO>",
    "<SUF>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<eos>",
    "<fim-middle>",
    "<fim-pad>",
    "<fim-prefix>",
    "<fim-repo>",
    "<fim-suffix>",
    "<fim_middle>",
    "<fim_pad>",
    "<fim_prefix>",
    "<fim_suffix>",
    "<reponame>",
    "<|call|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|file_sep|>",
    "<|fim_middle|>",
    "<|fim_pad|>",
    "<|fim_prefix|>",
    "<|fim_repo|>",
    "<|fim_suffix|>",
    "<|im_end|>",
    "<|im_start|>",
    "<|repo_name|>",
    "<|return|>",
};
static_assert(std::is_sorted(std::begin(kControlForms), std::end(kControlForms)));

bool is_control_form(std::string_view token) {
  return token.starts_with('<') &&
         std::binary_search(std::begin(kControlForms), std::end(kControlForms), token);
}

// Empty where the key is absent.
Result<std::string_view> optional_string(const formats::GgufFile& file, std::string_view key) {
  if (file.find(key) == nullptr) return std::string_view{};
  return file.get_string(key);
}

Result<std::vector<TokenKind>> read_kinds(const formats::GgufFile& file, const GgufArray& tokens) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  std::vector<TokenKind> kinds(tokens.strings.size(), TokenKind::kNormal);
  if (file.find(kKey) == nullptr) return kinds;
  const GgufArray* const types = AQ_TRY(file.get_array(kKey, GgufType::kI32));
  if (types->count != kinds.size()) {
    return make_error(Code::kCorrupt, "{} has {} entries for {} tokens", kKey, types->count,
                      kinds.size());
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    std::int32_t type = 0;
    std::memcpy(&type, types->raw.data() + i * sizeof type, sizeof type);
    if (type < 0 || type > 6) {
      return make_error(Code::kCorrupt, "{}: token {} has the unknown type {}", kKey, i, type);
    }
    kinds[i] = type == 0 ? TokenKind::kUnused : static_cast<TokenKind>(type);
  }
  return kinds;
}

std::vector<std::string> copy_strings(const GgufArray& array) {
  return {array.strings.begin(), array.strings.end()};
}

std::vector<TokenKind> marked_control(const std::vector<std::string>& tokens,
                                      std::vector<TokenKind> kinds) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_control_form(tokens[i])) kinds[i] = TokenKind::kControl;
  }
  return kinds;
}

Result<std::unique_ptr<text::Tokenizer>> make_byte_level(const formats::GgufFile& file) {
  const GgufArray* const tokens =
      AQ_TRY(file.get_array("tokenizer.ggml.tokens", GgufType::kString));
  const GgufArray* const merges =
      AQ_TRY(file.get_array("tokenizer.ggml.merges", GgufType::kString));
  text::BpeSpec spec;
  spec.pre = AQ_TRY(optional_string(file, "tokenizer.ggml.pre"));
  const text::PreTokenizer pre = AQ_TRY(text::find_pre_tokenizer(spec.pre));
  spec.ignore_merges = text::ignores_merges(pre);
  spec.tokens = copy_strings(*tokens);
  spec.kinds = marked_control(spec.tokens, AQ_TRY(read_kinds(file, *tokens)));
  spec.merges = copy_strings(*merges);
  return text::make_bpe_tokenizer(std::move(spec));
}

Result<std::vector<float>> read_scores(const formats::GgufFile& file) {
  const GgufArray* const array = AQ_TRY(file.get_array("tokenizer.ggml.scores", GgufType::kF32));
  std::vector<float> scores(array->count);
  std::memcpy(scores.data(), array->raw.data(), scores.size() * sizeof(float));
  return scores;
}

Result<std::vector<std::pair<std::string, std::string>>> read_merge_pairs(
    const formats::GgufFile& file) {
  const GgufArray* const merges =
      AQ_TRY(file.get_array("tokenizer.ggml.merges", GgufType::kString));
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(merges->strings.size());
  for (const std::string_view merge : merges->strings) {
    const std::size_t space = merge.find(' ', 1);
    if (space == merge.npos || space + 1 == merge.size()) {
      return make_error(Code::kCorrupt, "merge {} ('{}') is not two tokens with a space between",
                        pairs.size(), merge.substr(0, 100));
    }
    pairs.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  return pairs;
}

// "llama": SentencePiece's BPE by score. "gemma4": the same pieces by merges, lines apart.
Result<std::unique_ptr<text::Tokenizer>> make_pieces(const formats::GgufFile& file,
                                                     bool by_merges) {
  const GgufArray* const tokens =
      AQ_TRY(file.get_array("tokenizer.ggml.tokens", GgufType::kString));
  text::PieceSpec spec;
  spec.tokens = copy_strings(*tokens);
  spec.kinds = marked_control(spec.tokens, AQ_TRY(read_kinds(file, *tokens)));
  spec.user_defined_in_text = true;  // as llama.cpp does
  spec.has_merges = by_merges;
  spec.cut_at_newlines = by_merges;
  if (by_merges) {
    spec.merges = AQ_TRY(read_merge_pairs(file));
  } else {
    spec.scores = AQ_TRY(read_scores(file));
  }
  bool space = !by_merges;
  constexpr std::string_view kSpace = "tokenizer.ggml.add_space_prefix";
  if (file.find(kSpace) != nullptr) space = AQ_TRY(file.get_bool(kSpace));
  spec.space = space ? text::SpaceInFront::kEverywhere : text::SpaceInFront::kNever;
  constexpr std::string_view kUnknown = "tokenizer.ggml.unknown_token_id";
  if (file.find(kUnknown) != nullptr && !spec.tokens.empty()) {
    const std::uint64_t id = AQ_TRY(file.get_uint(kUnknown, spec.tokens.size() - 1));
    spec.unknown = static_cast<text::TokenId>(id);
  }
  return text::make_piece_tokenizer(std::move(spec));
}

}  // namespace

Result<std::unique_ptr<text::Tokenizer>> make_tokenizer(const formats::GgufFile& file) {
  const std::string_view model = AQ_TRY(file.get_string("tokenizer.ggml.model"));
  if (model == "gpt2") return make_byte_level(file);
  if (model == "llama" || model == "gemma4") return make_pieces(file, model == "gemma4");
  return make_error(Code::kUnsupported,
                    "tokenizer model '{}' is not supported; we have byte-level BPE ('gpt2') and "
                    "BPE of pieces ('llama', 'gemma4')",
                    model.substr(0, 100));
}

bool is_gguf(const std::string& path) {
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "GGUF";
}

std::string companion_tokenizer(const formats::GgufFile& file) {
  const formats::CompanionFiles& beside = file.companions();
  for (const std::string* path : {&beside.tekken_json, &beside.tokenizer_json})
    if (!path->empty()) return *path;
  return beside.tokenizer_model;
}

bool has_tokenizer(const formats::GgufFile& file) {
  if (file.companions().has_tokenizer()) return true;
  const auto model = file.get_string("tokenizer.ggml.model");
  return model.ok() && *model != "no_vocab";  // llama.cpp's word for none
}

Result<std::unique_ptr<text::Tokenizer>> model_tokenizer(const formats::GgufFile& file) {
  const std::string path = companion_tokenizer(file);
  if (path.empty()) return make_tokenizer(file);
  const std::size_t rows = file.companions().vocabulary.value_or(text::kAllTokens);
  auto made = AQ_TRY(open_tokenizer(path, rows));
  const std::size_t more = made->traits().left_out;
  if (more > std::clamp<std::size_t>(rows / 100, 1, kMostTokensLeftOut))
    return make_error(Code::kCorrupt, "{}: the tokenizer has {} tokens, the embeddings {}", path,
                      rows + more, rows);
  return made;
}

Result<std::unique_ptr<text::Tokenizer>> open_tokenizer(const std::string& path,
                                                        std::size_t max_tokens) {
  if (is_gguf(path)) {
    const formats::GgufFile file = AQ_TRY(formats::GgufFile::open(path));
    return make_tokenizer(file);
  }
  constexpr std::uint64_t kMaxFileBytes = 256u << 20;
  const std::string bytes = AQ_TRY(read_file(path, kMaxFileBytes));
  auto made = text::read_tokenizer_file(bytes, max_tokens);
  if (!made.ok()) return std::move(made).error().with_context(path);
  return made;
}

}  // namespace aquilon::model
