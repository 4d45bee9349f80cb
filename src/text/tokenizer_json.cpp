// Hugging Face's tokenizer.json, as far as it is byte-level BPE with a pre-tokenizer that we have.
#include <algorithm>
#include <boost/json.hpp>
#include <exception>
#include <limits>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFileBytes = 256u << 20;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxHoles = 65536;  // ids without a token

std::string_view view(const json::string& s) {
  return {s.data(), s.size()};
}

Error unsupported(std::string_view what) {
  return make_error(Code::kUnsupported,
                    "tokenizer.json: {} is not supported; we read byte-level BPE", what);
}

// The member, or null if it is absent or null.
const json::value* member(const json::object& object, std::string_view key) {
  const json::value* const v = object.if_contains(key);
  return v && !v->is_null() ? v : nullptr;
}

bool flag(const json::object& object, std::string_view key, bool otherwise = false) {
  const json::value* const v = member(object, key);
  return v && v->is_bool() ? v->get_bool() : otherwise;
}

std::string_view text_of(const json::object& object, std::string_view key) {
  const json::value* const v = member(object, key);
  return v && v->is_string() ? view(v->get_string()) : std::string_view{};
}

Result<const json::object*> object_of(const json::object& parent, std::string_view key) {
  const json::value* const v = member(parent, key);
  if (!v || !v->is_object()) {
    return make_error(Code::kCorrupt, "tokenizer.json: '{}' is missing or not an object", key);
  }
  return &v->get_object();
}

Result<TokenId> id_of(const json::value& value, std::string_view token) {
  std::int64_t id = -1;
  if (value.is_int64()) id = value.get_int64();
  if (id < 0 || id > std::numeric_limits<TokenId>::max()) {
    return make_error(Code::kCorrupt, "tokenizer.json: token '{}' has no valid id",
                      token.substr(0, 100));
  }
  return static_cast<TokenId>(id);
}

// The regular expressions that published tokenizers split by, and what GGUF calls them.
struct KnownPattern {
  std::string_view regex;
  std::string_view pre;
};
constexpr KnownPattern kPatterns[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", "gpt-2"},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", "gpt-2"},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     "qwen2"},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     "llama-bpe"},
};

// Checks a ByteLevel step, which must not add a space in front; says whether it splits as GPT-2
// does.
Result<bool> byte_level_splits(const json::object& step) {
  if (flag(step, "add_prefix_space", true)) {
    return unsupported("pre-tokenizer ByteLevel with add_prefix_space");
  }
  return flag(step, "use_regex", true);
}

Result<std::string> pattern_name(const json::object& split) {
  const json::value* const pattern = member(split, "pattern");
  const std::string_view regex =
      pattern && pattern->is_object() ? text_of(pattern->get_object(), "Regex") : "";
  if (text_of(split, "behavior") != "Isolated" || flag(split, "invert")) {
    return unsupported("pre-tokenizer Split with behavior other than Isolated");
  }
  for (const KnownPattern& known : kPatterns) {
    if (known.regex == regex) return std::string(known.pre);
  }
  return unsupported(fmt::format("pre-tokenizer Split by '{}'", regex.substr(0, 300)));
}

// A Sequence of two: what cuts, then ByteLevel.
Result<std::string> sequence_name(const json::object& sequence) {
  const json::value* const list = member(sequence, "pretokenizers");
  if (!list || !list->is_array() || list->get_array().size() != 2 ||
      !list->get_array()[0].is_object() || !list->get_array()[1].is_object()) {
    return unsupported("pre-tokenizer Sequence of other than two steps");
  }
  const json::object& first = list->get_array()[0].get_object();
  const json::object& second = list->get_array()[1].get_object();
  if (text_of(second, "type") != "ByteLevel") {
    return unsupported(fmt::format("pre-tokenizer Sequence that ends with {}",
                                   text_of(second, "type").substr(0, 100)));
  }
  const bool splits = AQ_TRY(byte_level_splits(second));
  const std::string_view type = text_of(first, "type");
  if (type == "Digits" && flag(first, "individual_digits") && splits) return std::string("smollm");
  if (type == "Split" && !splits) return pattern_name(first);
  return unsupported(
      fmt::format("pre-tokenizer Sequence that begins with {}", type.substr(0, 100)));
}

Result<std::string> pre_tokenizer_name(const json::object& root) {
  const json::object* const pre = AQ_TRY(object_of(root, "pre_tokenizer"));
  const std::string_view type = text_of(*pre, "type");
  if (type == "Sequence") return sequence_name(*pre);
  if (type == "ByteLevel" && AQ_TRY(byte_level_splits(*pre))) return std::string("gpt-2");
  return unsupported(fmt::format("pre-tokenizer {} alone", type.substr(0, 100)));
}

// Everything that would change ids or text and that we don't do.
Status refuse_unsupported(const json::object& root, const json::object& model) {
  if (const json::value* const normalizer = member(root, "normalizer")) {
    const std::string_view type =
        normalizer->is_object() ? text_of(normalizer->get_object(), "type") : "";
    return unsupported(fmt::format("normalizer {}", type.substr(0, 100)));
  }
  if (const json::value* const decoder = member(root, "decoder")) {
    const std::string_view type =
        decoder->is_object() ? text_of(decoder->get_object(), "type") : "";
    if (type != "ByteLevel") return unsupported(fmt::format("decoder {}", type.substr(0, 100)));
  }
  const std::string_view type = text_of(model, "type");
  if (type != "BPE" && !type.empty()) {
    return unsupported(fmt::format("model type {}", type.substr(0, 100)));
  }
  if (flag(model, "byte_fallback")) return unsupported("BPE with byte_fallback");
  if (member(model, "dropout")) return unsupported("BPE with dropout");
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!text_of(model, key).empty()) return unsupported(fmt::format("BPE with {}", key));
  }
  return {};
}

class SpecBuilder {
 public:
  Status add_vocabulary(const json::object& vocab, std::size_t added) {
    limit_ = vocab.size() + added + kMaxHoles;
    spec_.tokens.reserve(vocab.size() + added);
    for (const json::key_value_pair& entry : vocab) {
      const std::string_view token(entry.key().data(), entry.key().size());
      AQ_RETURN_IF_ERROR(put(AQ_TRY(id_of(entry.value(), token)), token, TokenKind::kNormal));
    }
    return {};
  }

  Status add_special(const json::value& value) {
    if (!value.is_object()) {
      return make_error(Code::kCorrupt, "tokenizer.json: an entry of 'added_tokens' is no object");
    }
    const json::object& token = value.get_object();
    const std::string_view content = text_of(token, "content");
    if (content.empty()) {
      return make_error(Code::kCorrupt, "tokenizer.json: an added token has no content");
    }
    for (const std::string_view key : {"lstrip", "rstrip", "single_word"}) {
      if (flag(token, key)) {
        return unsupported(fmt::format("added token '{}' with {}", content.substr(0, 100), key));
      }
    }
    const json::value* const id = member(token, "id");
    const TokenKind kind = flag(token, "special") ? TokenKind::kControl : TokenKind::kUserDefined;
    return put(AQ_TRY(id_of(id ? *id : json::value(-1), content)), content, kind);
  }

  // "left right", or ["left", "right"].
  Status add_merge(const json::value& value) {
    if (value.is_string()) {
      spec_.merges.emplace_back(view(value.get_string()));
      return {};
    }
    const bool pair = value.is_array() && value.get_array().size() == 2 &&
                      value.get_array()[0].is_string() && value.get_array()[1].is_string();
    if (!pair) {
      return make_error(Code::kCorrupt,
                        "tokenizer.json: merge {} is neither text nor a pair of texts",
                        spec_.merges.size());
    }
    const std::string_view left = view(value.get_array()[0].get_string());
    const std::string_view right = view(value.get_array()[1].get_string());
    if (left.find(' ') != left.npos || right.find(' ') != right.npos) {
      return unsupported(fmt::format("merge {} with a space in a token", spec_.merges.size()));
    }
    spec_.merges.push_back(std::string(left).append(" ").append(right));
    return {};
  }

  BpeSpec& spec() { return spec_; }

 private:
  Status put(TokenId id, std::string_view token, TokenKind kind) {
    const auto i = static_cast<std::size_t>(id);
    if (i >= limit_) {
      return make_error(Code::kCorrupt,
                        "tokenizer.json: token '{}' has id {}, but there are only {} tokens",
                        token.substr(0, 100), id, limit_ - kMaxHoles);
    }
    if (i >= spec_.tokens.size()) {
      spec_.tokens.resize(i + 1);
      spec_.kinds.resize(i + 1, TokenKind::kUnused);
    }
    if (!spec_.tokens[i].empty() && spec_.tokens[i] != token) {
      return make_error(Code::kCorrupt, "tokenizer.json: tokens '{}' and '{}' share the id {}",
                        std::string_view(spec_.tokens[i]).substr(0, 100), token.substr(0, 100), id);
    }
    spec_.tokens[i] = token;
    spec_.kinds[i] = kind;
    return {};
  }

  BpeSpec spec_;
  std::size_t limit_ = 0;
};

// `tokenizers` gives such a token for bytes that the vocabulary lacks; we have no use for it.
Status refuse_needed_unknown(const json::object& model, const json::object& vocab) {
  const std::string_view unknown = text_of(model, "unk_token");
  if (unknown.empty()) return {};
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    if (vocab.contains(alphabet_form({&byte, 1}))) continue;
    return unsupported(fmt::format("unk_token '{}' for the byte {:#04x}, which has no token,",
                                   unknown.substr(0, 100), b));
  }
  return {};
}

Result<BpeSpec> build_spec(const json::object& root) {
  const json::object* const model = AQ_TRY(object_of(root, "model"));
  AQ_RETURN_IF_ERROR(refuse_unsupported(root, *model));
  const json::object* const vocab = AQ_TRY(object_of(*model, "vocab"));
  AQ_RETURN_IF_ERROR(refuse_needed_unknown(*model, *vocab));
  const json::value* const merges = member(*model, "merges");
  const json::value* const added = member(root, "added_tokens");
  if (!merges || !merges->is_array() || (added && !added->is_array())) {
    return make_error(Code::kCorrupt,
                      "tokenizer.json: 'model.merges' or 'added_tokens' is not an array");
  }
  SpecBuilder builder;
  builder.spec().pre = AQ_TRY(pre_tokenizer_name(root));
  builder.spec().ignore_merges = flag(*model, "ignore_merges");
  AQ_RETURN_IF_ERROR(builder.add_vocabulary(*vocab, added ? added->get_array().size() : 0));
  if (added) {
    for (const json::value& token : added->get_array()) {
      AQ_RETURN_IF_ERROR(builder.add_special(token));
    }
  }
  builder.spec().merges.reserve(merges->get_array().size());
  for (const json::value& merge : merges->get_array()) {
    AQ_RETURN_IF_ERROR(builder.add_merge(merge));
  }
  return std::move(builder.spec());
}

Result<BpeSpec> read_spec(std::string_view text) try {
  json::monotonic_resource memory;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  json::stream_parser parser(&memory, options);
  const std::size_t read = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (error) {
    return make_error(Code::kCorrupt, "tokenizer.json is not valid JSON near byte {}: {}", read,
                      error.message());
  }
  const json::value root = parser.release();
  if (!root.is_object()) {
    return make_error(Code::kCorrupt, "tokenizer.json is not a JSON object");
  }
  return build_spec(root.get_object());
} catch (const std::exception& e) {  // out of memory
  return make_error(Code::kOutOfMemory, "tokenizer.json could not be read: {}", e.what());
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> read_tokenizer_json(std::string_view json) {
  if (json.size() > kMaxFileBytes) {
    return make_error(Code::kCorrupt, "tokenizer.json has {} bytes, more than {}", json.size(),
                      kMaxFileBytes);
  }
  return make_bpe_tokenizer(AQ_TRY(read_spec(json)));
}

}  // namespace aquilon::text
