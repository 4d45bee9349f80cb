// The byte-level style of tokenizer.json: a pre-tokenizer that we have, then bytes for characters.
#include "text/byte_alphabet.h"
#include "text/json_fields_internal.h"
#include "text/patterns_internal.h"
#include "text/tokenizer_json_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

// Checks a ByteLevel step, which must not add a space in front; says whether it splits as GPT-2
// does.
Result<bool> byte_level_splits(const json::object& step) {
  if (flag(step, "add_prefix_space", true)) {
    return unsupported_json("pre-tokenizer ByteLevel with add_prefix_space");
  }
  return flag(step, "use_regex", true);
}

Result<std::string> pattern_name(const json::object& split) {
  const json::object* const pattern = object_in(split, "pattern");
  const std::string_view regex = pattern ? text_of(*pattern, "Regex") : "";
  if (text_of(split, "behavior") != "Isolated" || flag(split, "invert")) {
    return unsupported_json("pre-tokenizer Split with behavior other than Isolated");
  }
  const std::string_view name = name_of_pattern(regex);
  if (!name.empty()) return std::string(name);
  return unsupported_json(fmt::format("pre-tokenizer Split by '{}'", regex.substr(0, 300)));
}

const json::array* steps_of(const json::object& sequence) {
  const json::value* const list = member(sequence, "pretokenizers");
  return list ? list->if_array() : nullptr;
}

// A Sequence of two: what cuts, then ByteLevel.
Result<std::string> sequence_name(const json::object& sequence) {
  const json::array* const steps = steps_of(sequence);
  if (!steps || steps->size() != 2 || !(*steps)[0].is_object() || !(*steps)[1].is_object()) {
    return unsupported_json("pre-tokenizer Sequence of other than two steps");
  }
  const json::object& first = (*steps)[0].get_object();
  const json::object& second = (*steps)[1].get_object();
  if (text_of(second, "type") != "ByteLevel") {
    return unsupported_json(fmt::format("pre-tokenizer Sequence that ends with {}",
                                        text_of(second, "type").substr(0, 100)));
  }
  const bool splits = AQ_TRY(byte_level_splits(second));
  const std::string_view type = text_of(first, "type");
  if (type == "Digits" && flag(first, "individual_digits") && splits) return std::string("smollm");
  if (type == "Split" && !splits) return pattern_name(first);
  return unsupported_json(
      fmt::format("pre-tokenizer Sequence that begins with {}", type.substr(0, 100)));
}

Result<std::string> pre_tokenizer_name(const json::object& root) {
  const json::object* const pre = AQ_TRY(object_of(root, "pre_tokenizer"));
  const std::string_view type = text_of(*pre, "type");
  if (type == "Sequence") return sequence_name(*pre);
  if (type == "ByteLevel" && AQ_TRY(byte_level_splits(*pre))) return std::string("gpt-2");
  return unsupported_json(fmt::format("pre-tokenizer {} alone", type.substr(0, 100)));
}

// Everything that would change ids or text and that we don't do.
Status refuse_unsupported(const json::object& root, const json::object& model) {
  const std::string_view normalizer = type_of(root, "normalizer");
  if (member(root, "normalizer") && normalizer != "NFC") {
    return unsupported_json(fmt::format("normalizer {}", normalizer.substr(0, 100)));
  }
  const std::string_view decoder = type_of(root, "decoder");
  if (member(root, "decoder") && decoder != "ByteLevel") {
    return unsupported_json(fmt::format("decoder {}", decoder.substr(0, 100)));
  }
  if (flag(model, "byte_fallback")) return unsupported_json("byte-level BPE with byte_fallback");
  return {};
}

// `tokenizers` gives such a token for bytes that the vocabulary lacks; we have no use for it.
Status refuse_needed_unknown(const json::object& model) {
  const std::string_view unknown = text_of(model, "unk_token");
  const json::object* const vocab = object_in(model, "vocab");
  if (unknown.empty() || !vocab) return {};
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    if (vocab->contains(alphabet_form({&byte, 1}))) continue;
    return unsupported_json(fmt::format("unk_token '{}' for the byte {:#04x}, which has no token,",
                                        unknown.substr(0, 100), b));
  }
  return {};
}

}  // namespace

bool is_byte_level_json(const json::object& root) {
  const json::object* const pre = object_in(root, "pre_tokenizer");
  if (!pre) return false;
  const std::string_view type = text_of(*pre, "type");
  if (type != "Sequence") return type != "Metaspace" && type != "Split";
  return true;
}

Result<BpeSpec> read_byte_level_json(const json::object& root, std::size_t max_tokens) {
  const json::object* const model = AQ_TRY(object_of(root, "model"));
  AQ_RETURN_IF_ERROR(refuse_unsupported(root, *model));
  AQ_RETURN_IF_ERROR(refuse_needed_unknown(*model));
  BpeSpec spec;
  spec.pre = AQ_TRY(pre_tokenizer_name(root));
  spec.nfc = type_of(root, "normalizer") == "NFC";
  spec.ignore_merges = flag(*model, "ignore_merges");
  JsonTokens list = AQ_TRY(read_json_tokens(root, *model, max_tokens));
  spec.tokens = std::move(list.tokens);
  spec.kinds = std::move(list.kinds);
  spec.traits.left_out = list.left_out.size();
  auto merges = AQ_TRY(read_json_merges(*model, list.left_out));
  spec.merges.reserve(merges.size());
  for (auto& [left, right] : merges) {
    if (left.find(' ') != left.npos || right.find(' ') != right.npos) {
      return unsupported_json(fmt::format("merge {} with a space in a token", spec.merges.size()));
    }
    spec.merges.push_back(std::move(left.append(" ").append(right)));
  }
  return spec;
}

}  // namespace aquilon::text
