#include "chat/mistral/declared_format.h"

#include <string>

namespace aquilon::chat::mistral {
namespace {

class Evidence {
 public:
  Evidence(const text::Tokenizer& tokenizer, std::string_view chat_template)
      : tokenizer_(tokenizer), template_(chat_template) {}

  // A control token of the vocabulary.
  bool has(Control control) const {
    const text::TokenId id = tokenizer_.find_token(written_form(control));
    return id >= 0 && tokenizer_.kind(id) == text::TokenKind::kControl;
  }
  // ... that the template writes, too, where there is one.
  bool shows(Control control) const {
    return has(control) &&
           (template_.empty() || template_.find(written_form(control)) != template_.npos);
  }

  std::string_view version() const {
    for (const Control needed :
         {Control::kInst, Control::kEndInst, Control::kCalls, Control::kTools})
      if (!has(needed)) return {};
    if (has(Control::kSettings)) return "v15";
    if (has(Control::kArgs)) {
      // Some vocabularies of v11 have [THINK] as well: what their templates write tells.
      const bool ids = template_.empty() ? !has(Control::kThink) : shows(Control::kCallId);
      return ids ? "v11" : "v13";
    }
    if (shows(Control::kSystem)) return "v7";
    const bool second = !has(Control::kPrefix) && tokenizer_.traits().space_in_front;
    return second ? "v2" : "v3";
  }

 private:
  const text::Tokenizer& tokenizer_;
  std::string_view template_;
};

std::string known_versions() {
  std::string names;
  for (const Format& format : kFormats) {
    if (!names.empty()) names += ", ";
    names += format.name;
  }
  return names;
}

}  // namespace

Result<const Format*> declared_format(const text::Tokenizer& tokenizer,
                                      std::string_view chat_template) {
  const bool other = !chat_template.empty() &&
                     chat_template.find(written_form(Control::kInst)) == chat_template.npos;
  if (other) return nullptr;
  const std::string& declared = tokenizer.traits().mistral_version;
  if (declared.empty()) return find_format(Evidence(tokenizer, chat_template).version());
  if (const Format* format = find_format(declared)) return format;
  return make_error(Code::kUnsupported,
                    "the tokenizer's file declares Mistral's version '{}'; we have {}",
                    declared.substr(0, 40), known_versions());
}

}  // namespace aquilon::chat::mistral
