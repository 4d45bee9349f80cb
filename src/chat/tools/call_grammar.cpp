#include "chat/tools/call_grammar.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "chat/tools/call_pattern.h"
#include "chat/tools/keyword_grammar_internal.h"

namespace aquilon::chat {
namespace {

namespace json = boost::json;
using constraint::Part;
using Kind = PatternItem::Kind;

constexpr std::string_view kSpaces = " {0,4}|\\n {0,16}";
constexpr std::string_view kGap = "[ \\n\\r\\t]{0,8}";  // between calls with marks of their own
constexpr std::string_view kWord = "[A-Za-z_]{0,16}";
constexpr std::string_view kNoWords = "\\s*(?:```|\\{|\\[|<tool)";  // what calls may begin with
constexpr std::string_view kId = "[a-zA-Z0-9]{9}";

Part pattern(std::string_view text) {
  return {.kind = Part::Kind::kPattern, .text = std::string(text)};
}

Part group(Part::Kind kind, std::vector<Part> parts, std::uint32_t min = 0,
           std::uint32_t max = Part::kMany) {
  return {.kind = kind, .parts = std::move(parts), .min = min, .max = max};
}

class GrammarMaker {
 public:
  GrammarMaker(const Dialect& dialect, const ToolUse& use, const text::Tokenizer& tokenizer)
      : dialect_(dialect), use_(use) {
    for (const std::string_view token : dialect.tokens) {
      const text::TokenId id = tokenizer.find_token(token);
      if (id >= 0 && tokenizer.kind(id) == text::TokenKind::kControl) controls_.push_back(token);
    }
    for (const Tool& tool : use.tools) {
      names_.push_back({.kind = Part::Kind::kText, .text = tool.name});
      schemas_.push_back(arguments_schema(tool, tool.strict.value_or(true)));
    }
  }

  Part whole() {
    if (use_.choice == ToolChoice::kRequired) return calls(true);
    Part words = group(Part::Kind::kWithout, triggers());
    if (use_.choice == ToolChoice::kDeclined) words.text = kNoWords;
    if (use_.choice == ToolChoice::kNone || use_.choice == ToolChoice::kDeclined) return words;
    Part after = group(Part::Kind::kRepeat, {calls(false)}, 0, 1);
    words.text = dialect_.no_beginning;
    const bool free = words.text.empty();
    Part talk = group(Part::Kind::kSequence, {std::move(words), std::move(after)});
    return free ? talk : group(Part::Kind::kChoice, {std::move(talk), calls(true)});
  }

 private:
  std::vector<Part> triggers() const {
    std::vector<Part> triggers;
    for (const CallForm& form : dialect_.forms)
      triggers.push_back(sequence(trigger_of(form), nullptr));
    return triggers;
  }

  // Calls up to the end of the answer.
  Part calls(bool forced) const {
    std::vector<Part> ways;
    for (const CallForm& form : dialect_.forms)
      if (form.forced || !forced) ways.push_back(opening(form));
    Part one = group(Part::Kind::kChoice, std::move(ways));
    if (!use_.parallel) return one;
    // Blanks do not bind to a further call: whoever has written them may have had words in mind.
    Part more = group(Part::Kind::kRepeat, {pattern(kGap), one});
    return group(Part::Kind::kSequence, {std::move(one), std::move(more), pattern(kGap)});
  }

  // The tools part at their names: what stands before is one text for all.
  Part opening(const CallForm& form) const {
    const std::size_t name = form.call.find("$N");
    const std::string_view head = form.call.substr(0, name);
    std::vector<Part> tools;
    for (std::size_t i = 0; i < use_.tools.size(); ++i) {
      const Bound bound{names_[i], schemas_[i]};
      tools.push_back(sequence(form.call.substr(name), &bound));
    }
    const Part call = group(Part::Kind::kChoice, std::move(tools));
    std::vector<Part> all{sequence(std::string(form.front).append(head), nullptr), call};
    if (use_.parallel && !form.between.empty()) {
      Part between = sequence(std::string(form.between).append(head), nullptr);
      all.push_back(group(Part::Kind::kRepeat, {std::move(between), call}));
    }
    all.push_back(sequence(form.close, nullptr));
    return group(Part::Kind::kSequence, std::move(all));
  }

  struct Bound {
    const Part& name;
    const json::value& schema;
  };

  // A pattern with this tool's name and arguments, or with any name.
  Part sequence(std::string_view of, const Bound* tool) const {
    std::vector<Part> parts;
    for (const PatternItem& item : pattern_items(of)) {
      switch (item.kind) {
        case Kind::kText:
          add_text(item.text, parts);
          break;
        case Kind::kSpaces:
          parts.push_back(pattern(kSpaces));
          break;
        case Kind::kWord:
          parts.push_back(pattern(kWord));
          break;
        case Kind::kId:
          parts.push_back(pattern(kId));
          break;
        case Kind::kName:
          parts.push_back(tool ? tool->name : group(Part::Kind::kChoice, names_));
          break;
        case Kind::kArguments:
          parts.push_back({.kind = Part::Kind::kValue, .schema = tool->schema});
          break;
        case Kind::kKeywords:
          parts.push_back(keyword_grammar(tool->schema));
          break;
      }
    }
    return group(Part::Kind::kSequence, std::move(parts));
  }

  // Control tokens within it are themselves, whatever spells them.
  void add_text(std::string_view text, std::vector<Part>& parts) const {
    while (!text.empty()) {
      std::size_t at = text.size();
      std::string_view control;
      for (const std::string_view one : controls_) {
        const std::size_t found = text.find(one);
        if (found >= at) continue;
        at = found;
        control = one;
      }
      if (at > 0)
        parts.push_back({.kind = Part::Kind::kText, .text = std::string(text.substr(0, at))});
      if (control.empty()) return;
      parts.push_back({.kind = Part::Kind::kControl, .text = std::string(control)});
      text.remove_prefix(at + control.size());
    }
  }

  const Dialect& dialect_;
  const ToolUse& use_;
  std::vector<std::string_view> controls_;
  std::vector<Part> names_;
  std::vector<json::value> schemas_;
};

}  // namespace

namespace {

// Arguments that are not declared help nobody, and weak models make them up: where the schema
// leaves open what else an object may have, it has nothing else.
void close_object(json::object& schema) {
  static constexpr const char* kOpen[] = {"additionalProperties",
                                          "unevaluatedProperties",
                                          "patternProperties",
                                          "$ref",
                                          "allOf",
                                          "anyOf",
                                          "oneOf",
                                          "if",
                                          "$dynamicRef",
                                          "dependentSchemas"};
  if (!schema.contains("properties")) return;
  for (const char* key : kOpen)
    if (schema.contains(key)) return;
  const json::value* required = schema.if_contains("required");
  const json::object* properties = schema.at("properties").if_object();
  if (required && required->is_array() && properties)
    for (const json::value& name : required->get_array())
      if (name.is_string() && !properties->contains(name.get_string())) return;
  schema["additionalProperties"] = false;
}

}  // namespace

constraint::Part call_grammar(const Dialect& dialect, const ToolUse& use,
                              const text::Tokenizer& tokenizer) {
  return GrammarMaker(dialect, use, tokenizer).whole();
}

json::value arguments_schema(const Tool& tool, bool whole) {
  json::object none{{"type", "object"}, {"properties", json::object()}};
  none["additionalProperties"] = false;
  const json::object* declared = tool.parameters.if_object();
  if (!declared) return none;
  if (whole) {
    json::object schema = *declared;
    if (!schema.contains("type")) schema["type"] = "object";
    close_object(schema);
    return schema;
  }
  json::object properties;
  if (const json::value* given = declared->if_contains("properties"); given && given->is_object())
    for (const auto& member : given->get_object()) properties[member.key()] = true;
  json::array required;
  if (const json::value* given = declared->if_contains("required"); given && given->is_array())
    for (const json::value& name : given->get_array())
      if (name.is_string()) {
        properties[name.get_string()] = true;
        required.push_back(name);
      }
  const json::value* more = declared->if_contains("additionalProperties");
  const bool open = more ? *more != json::value(false) : properties.empty();
  return json::object{{"type", "object"},
                      {"properties", std::move(properties)},
                      {"required", std::move(required)},
                      {"additionalProperties", open}};
}

}  // namespace aquilon::chat
