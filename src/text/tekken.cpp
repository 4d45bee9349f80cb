// Mistral's tekken.json: byte-level BPE by rank, as tiktoken does it, with the special tokens in
// front of the others.
#include <array>
#include <numeric>
#include <optional>

#include "text/base64_internal.h"
#include "text/bpe_tokenizer_internal.h"
#include "text/byte_alphabet.h"
#include "text/json_fields_internal.h"
#include "text/patterns_internal.h"
#include "text/ranked_merges.h"
#include "text/tokenizer_tables_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

constexpr std::string_view kFile = "tekken.json";
constexpr std::size_t kMaxFileBytes = 128u << 20;
constexpr std::uint64_t kMaxTokens = 1u << 24;
constexpr std::size_t kBytes = 256;  // the first ranks are the single bytes

// Of files up to version 7 that list none.
constexpr std::array<std::string_view, 20> kOldSpecials = {
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
};

struct Sizes {
  std::size_t specials;
  std::size_t tokens;    // with the special ones
  std::size_t left_out;  // beyond the limit
};

Result<Sizes> read_sizes(const json::object& config, std::size_t max_tokens) {
  const std::uint64_t tokens = AQ_TRY(number_of(config, "default_vocab_size", kMaxTokens, kFile));
  const std::uint64_t specials =
      AQ_TRY(number_of(config, "default_num_special_tokens", kMaxTokens, kFile));
  const std::size_t used = std::min<std::size_t>(tokens, max_tokens);
  if (used < specials + kBytes) {
    return make_error(Code::kCorrupt, "{}: a vocabulary of {} has no room for {} special tokens",
                      kFile, used, specials);
  }
  return Sizes{specials, used, tokens - used};
}

// What ids mean does not depend on it, so a new one is no error here; what prompts look like does
// (chat/mistral/declared_format.h).
Result<std::string_view> read_version(const json::object& config) {
  const json::value* const given = member(config, "version");
  const std::string_view version = text_of(config, "version");
  const bool good = version.size() > 1 && version.size() <= 8 && version[0] == 'v' &&
                    version.find_first_not_of("0123456789", 1) == version.npos;
  if (good) return version;
  return make_error(Code::kCorrupt, "{}: 'config.version' is {}, a text such as \"v7\" is needed",
                    kFile, given ? json::serialize(*given).substr(0, 40) : "missing");
}

class SpecialList {
 public:
  explicit SpecialList(std::size_t count) : names_(count) {}

  Status add(std::string_view name, std::uint64_t rank) {
    if (name.empty() || rank >= names_.size() || !names_[rank].empty()) {
      return make_error(Code::kCorrupt, "{}: special token '{}' has no rank of its own below {}",
                        kFile, name.substr(0, 100), names_.size());
    }
    names_[rank] = name;
    return {};
  }

  void fill(std::vector<std::string>& tokens) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      tokens[i] = names_[i].empty() ? fmt::format("<SPECIAL_{}>", i) : names_[i];
    }
  }

 private:
  std::vector<std::string> names_;
};

Status read_specials(const json::object& root, std::string_view version, SpecialList& list) {
  const json::value* const given = member(root, "special_tokens");
  if (!given) {
    if (version != "v3" && version != "v7") {
      return make_error(Code::kCorrupt, "{} of version '{}' lists no special tokens", kFile,
                        version.substr(0, 100));
    }
    for (std::size_t i = 0; i < kOldSpecials.size(); ++i) {
      AQ_RETURN_IF_ERROR(list.add(kOldSpecials[i], i));
    }
    return {};
  }
  if (!given->is_array() || given->get_array().empty()) {
    return make_error(Code::kCorrupt, "{}: 'special_tokens' is {}", kFile,
                      given->is_array() ? "an empty list" : "not an array");
  }
  for (const json::value& entry : given->get_array()) {
    if (!entry.is_object()) {
      return make_error(Code::kCorrupt, "{}: a special token is not an object", kFile);
    }
    const json::object& token = entry.get_object();
    const std::uint64_t rank = AQ_TRY(number_of(token, "rank", kMaxTokens, kFile));
    AQ_RETURN_IF_ERROR(list.add(text_of(token, "token_str"), rank));
  }
  return {};
}

// The tokens of text, in order of rank; those beyond the vocabulary's size are not used.
Status read_tokens(const json::object& root, const Sizes& sizes, std::vector<std::string>& tokens) {
  const json::value* const vocab = member(root, "vocab");
  if (!vocab || !vocab->is_array() || vocab->get_array().size() < sizes.tokens - sizes.specials) {
    return make_error(Code::kCorrupt, "{}: 'vocab' is not an array of at least {} tokens", kFile,
                      sizes.tokens - sizes.specials);
  }
  for (std::size_t rank = 0; rank < sizes.tokens - sizes.specials; ++rank) {
    const json::object* const entry = vocab->get_array()[rank].if_object();
    const json::value* const given = entry ? member(*entry, "rank") : nullptr;
    std::string& token = tokens[sizes.specials + rank];
    const bool good = given && given->is_int64() &&
                      given->get_int64() == static_cast<std::int64_t>(rank) &&
                      decode_base64(text_of(*entry, "token_bytes"), token) && !token.empty();
    const bool byte =
        rank >= kBytes || (token.size() == 1 && static_cast<std::uint8_t>(token[0]) == rank);
    if (!good || !byte) {
      return make_error(Code::kCorrupt, "{}: token {} of 'vocab' has not this rank and its bytes",
                        kFile, rank);
    }
    if (token.size() > RankedMerges::kMaxBytes) {
      return make_error(Code::kUnsupported, "{}: token {} has {} bytes, more than {}", kFile, rank,
                        token.size(), RankedMerges::kMaxBytes);
    }
  }
  return {};
}

RankedMerges rank_merges(const Vocabulary& vocabulary, std::size_t specials) {
  const auto first = static_cast<TokenId>(specials);
  RankedMerges merges(
      vocabulary,
      [first](std::string_view bytes, std::vector<RankedMerges::Symbol>& out) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
          const TokenId id = first + static_cast<std::uint8_t>(bytes[i]);
          out.push_back({id, static_cast<std::uint32_t>(i + 1)});
        }
      },
      vocabulary.size());
  for (std::size_t i = specials + kBytes; i < vocabulary.size(); ++i) {
    merges.add(static_cast<TokenId>(i), static_cast<std::uint32_t>(i));
  }
  return merges;
}

// What the file says of tokens.
struct Content {
  std::string_view version;
  std::string_view pre;
  std::size_t specials;
  std::size_t left_out;             // tokens behind the last that counts
  std::vector<std::string> tokens;  // special ones as written, the others' bytes
  std::vector<TokenKind> kinds;
};

Result<Content> read_content(const json::object& root, std::size_t max_tokens) {
  const json::object* const config = object_in(root, "config");
  if (!config) return make_error(Code::kCorrupt, "{}: 'config' is missing", kFile);
  const Sizes sizes = AQ_TRY(read_sizes(*config, max_tokens));
  const std::string_view pattern = text_of(*config, "pattern");
  Content content{.version = AQ_TRY(read_version(*config)),
                  .pre = name_of_pattern(pattern),
                  .specials = sizes.specials,
                  .left_out = sizes.left_out};
  if (content.pre.empty()) {
    return make_error(Code::kUnsupported, "{}: the pattern '{}' is not one that we have", kFile,
                      pattern.substr(0, 300));
  }
  SpecialList list(sizes.specials);
  AQ_RETURN_IF_ERROR(read_specials(root, content.version, list));
  content.tokens.resize(sizes.tokens);
  content.kinds.resize(sizes.tokens, TokenKind::kNormal);
  std::fill_n(content.kinds.begin(), sizes.specials, TokenKind::kControl);
  list.fill(content.tokens);
  AQ_RETURN_IF_ERROR(read_tokens(root, sizes, content.tokens));
  return content;
}

Result<BpeParts> read_parts(const json::object& root, std::size_t max_tokens) {
  Content content = AQ_TRY(read_content(root, max_tokens));
  const PreTokenizer pre = AQ_TRY(find_pre_tokenizer(content.pre));
  Vocabulary vocabulary =
      AQ_TRY(Vocabulary::make(content.tokens, std::move(content.kinds), TokenForm::kBytes));
  MergeTable merges = rank_merges(vocabulary, content.specials).finish();
  TokenizerTraits traits;
  traits.bos = vocabulary.find_written("<s>");
  traits.adds_bos = traits.bos >= 0;
  traits.eos = vocabulary.find_written("</s>");
  traits.mistral_version = content.version;
  traits.left_out = content.left_out;
  if (const json::value* const settings = member(root, "model_settings_builder")) {
    traits.mistral_settings = json::serialize(*settings);
  }
  return BpeParts{std::move(vocabulary), std::move(merges), pre, true, false, std::move(traits)};
}

Result<TokenizerTables> read_tables(const json::object& root, std::size_t max_tokens) {
  Content content = AQ_TRY(read_content(root, max_tokens));
  const Vocabulary vocabulary =
      AQ_TRY(Vocabulary::make(content.tokens, content.kinds, TokenForm::kBytes));
  TokenizerTables tables{.is_byte_level = true, .pre = std::string(content.pre)};
  tables.kinds = std::move(content.kinds);
  tables.tokens = std::move(content.tokens);
  for (std::size_t i = content.specials; i < tables.tokens.size(); ++i) {
    tables.tokens[i] = alphabet_form(tables.tokens[i]);
  }
  const auto written = [&](TokenId id) { return tables.tokens[static_cast<std::size_t>(id)]; };
  RankedMerges merges = rank_merges(vocabulary, content.specials);
  for (const RankedMerges::Entry& entry : merges.entries()) {
    tables.merges.push_back(written(entry.left) + " " + written(entry.right));
  }
  return tables;
}

template <class T>
Result<T> read_file_as(std::string_view text, std::size_t max_tokens,
                       Result<T> (*read)(const json::object&, std::size_t max_tokens)) {
  std::optional<T> made;
  AQ_RETURN_IF_ERROR(
      with_json_file(text, kFile, kMaxFileBytes, [&](const json::object& root) -> Status {
        made.emplace(AQ_TRY(read(root, max_tokens)));
        return {};
      }));
  return std::move(*made);
}

}  // namespace

Result<TokenizerTables> read_tekken_tables(std::string_view text, std::size_t max_tokens) {
  return read_file_as(text, max_tokens, read_tables);
}

Result<std::unique_ptr<Tokenizer>> read_tekken(std::string_view text, std::size_t max_tokens) {
  BpeParts parts = AQ_TRY(read_file_as(text, max_tokens, read_parts));
  return make_bpe_tokenizer(std::move(parts));
}

}  // namespace aquilon::text
