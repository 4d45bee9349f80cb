// The normalizer of a tokenizer.json with a unigram model, as steps.
#include "text/base64_internal.h"
#include "text/json_fields_internal.h"
#include "text/tokenizer_json_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

Result<TextStep> read_charsmap(const json::object& step) {
  std::string blob;
  if (!decode_base64(text_of(step, "precompiled_charsmap"), blob))
    return make_error(Code::kCorrupt, "tokenizer.json: the precompiled_charsmap is not Base64");
  auto map = Charsmap::parse(blob);
  if (!map.ok()) return make_error(map.error().code, "tokenizer.json: {}", map.error().message);
  if (map->empty())
    return make_error(Code::kCorrupt, "tokenizer.json: the precompiled_charsmap is empty");
  return charsmap_step(std::move(*map));
}

Result<TextStep> read_replace(const json::object& step) {
  const json::object* const pattern = object_in(step, "pattern");
  const std::string_view text = pattern ? text_of(*pattern, "String") : "";
  const std::string_view regex = pattern ? text_of(*pattern, "Regex") : "";
  const std::string to(text_of(step, "content"));
  if (!text.empty()) return replace_step(std::string(text), to);
  if (regex == " {2,}") return replace_spaces_step(to);
  return unsupported_json(
      fmt::format("normalizer Replace of the pattern '{}'", regex.substr(0, 100)));
}

struct FormName {
  std::string_view name;
  NormalForm form;
};

constexpr FormName kForms[] = {
    {"NFC", NormalForm::kC},
    {"NFD", NormalForm::kD},
    {"NFKC", NormalForm::kKc},
    {"NFKD", NormalForm::kKd},
};

Result<TextStep> read_one(const json::object& step) {
  const std::string_view type = text_of(step, "type");
  for (const FormName& form : kForms)
    if (type == form.name) return form_step(form.form);
  if (type == "Precompiled") return read_charsmap(step);
  if (type == "Replace") return read_replace(step);
  if (type == "Strip")
    return strip_step(flag(step, "strip_left", true), flag(step, "strip_right", true));
  if (type == "Prepend") return prepend_step(std::string(text_of(step, "prepend")));
  if (type == "Lowercase") return lowercase_step();
  if (type == "StripAccents") return strip_accents_step();
  if (type == "Nmt") return nmt_step();
  return unsupported_json(fmt::format("normalizer {}", type.substr(0, 100)));
}

}  // namespace

Status read_json_steps(const json::object& step, std::vector<TextStep>& steps) {
  if (text_of(step, "type") != "Sequence") {
    steps.push_back(AQ_TRY(read_one(step)));
    return {};
  }
  const json::value* const list = member(step, "normalizers");
  if (!list || !list->is_array()) return unsupported_json("normalizer Sequence without steps");
  for (const json::value& inner : list->get_array()) {
    if (!inner.is_object()) return unsupported_json("normalizer that is no object");
    AQ_RETURN_IF_ERROR(read_json_steps(inner.get_object(), steps));
  }
  return {};
}

}  // namespace aquilon::text
