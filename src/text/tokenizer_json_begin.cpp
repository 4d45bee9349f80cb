// What tokenizer.json puts in front of every text: its post-processor.
#include "text/json_fields_internal.h"
#include "text/tokenizer_json_internal.h"

namespace aquilon::text {
namespace {

namespace json = boost::json;

// The template processor, by itself or as one step of a sequence; null if there is none.
const json::object* find_template(const json::object& root) {
  const json::object* const post = object_in(root, "post_processor");
  if (post == nullptr || text_of(*post, "type") == "TemplateProcessing") return post;
  const json::value* const steps = member(*post, "processors");
  if (steps == nullptr || !steps->is_array()) return nullptr;
  for (const json::value& step : steps->get_array())
    if (step.is_object() && text_of(step.get_object(), "type") == "TemplateProcessing")
      return &step.get_object();
  return nullptr;
}

// The written form of the control token that a single text begins with; empty if none.
std::string_view first_form(const json::object& processor) {
  const json::value* const single = member(processor, "single");
  if (single == nullptr || !single->is_array() || single->get_array().empty()) return {};
  const json::value& first = single->get_array().front();
  const json::object* const special =
      first.is_object() ? object_in(first.get_object(), "SpecialToken") : nullptr;
  return special != nullptr ? text_of(*special, "id") : std::string_view{};
}

bool is_number(const json::value& value, std::int64_t wanted) {
  return value.is_int64() && value.get_int64() == wanted;
}

// Whether the file itself gives `form` that id.
bool has_token(const json::object& root, std::string_view form, std::int64_t id) {
  if (const json::value* const added = member(root, "added_tokens"); added && added->is_array())
    for (const json::value& token : added->get_array())
      if (token.is_object() && text_of(token.get_object(), "content") == form)
        return token.get_object().contains("id") && is_number(token.get_object().at("id"), id);
  const json::object* const model = object_in(root, "model");
  const json::value* const list = model != nullptr ? member(*model, "vocab") : nullptr;
  if (list != nullptr && list->is_array()) {  // of a unigram model, in order of id
    const json::array& pairs = list->get_array();
    const auto at = static_cast<std::size_t>(id);
    return id >= 0 && at < pairs.size() && pairs[at].get_array()[0] == json::string(form);
  }
  const json::object* const vocab = model != nullptr ? object_in(*model, "vocab") : nullptr;
  const json::value* const value = vocab != nullptr ? vocab->if_contains(form) : nullptr;
  return value != nullptr && is_number(*value, id);
}

}  // namespace

Result<TokenId> read_first_token(const json::object& root) {
  const json::object* const processor = find_template(root);
  if (processor == nullptr) return TokenId{-1};
  const std::string_view form = first_form(*processor);
  if (form.empty()) return TokenId{-1};
  const json::object* const specials = object_in(*processor, "special_tokens");
  const json::object* const special = specials ? object_in(*specials, form) : nullptr;
  const json::value* const ids = special ? member(*special, "ids") : nullptr;
  if (ids == nullptr || !ids->is_array() || ids->get_array().size() != 1)
    return make_error(Code::kCorrupt, "tokenizer.json: the post-processor gives '{}' no id", form);
  const json::value& id = ids->get_array().front();
  if (!id.is_int64() || !has_token(root, form, id.get_int64()))
    return make_error(Code::kCorrupt,
                      "tokenizer.json: the post-processor's '{}' is not the token of that id",
                      form);
  return static_cast<TokenId>(id.get_int64());
}

}  // namespace aquilon::text
