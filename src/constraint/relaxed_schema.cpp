#include "constraint/relaxed_schema.h"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

namespace aquilon::constraint {
namespace {

namespace json = boost::json;

constexpr int kMostLeftOut = 64;  // rounds

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Keywords whose value has schemas by name; the others have one, or a list of them.
bool has_names(std::string_view keyword) {
  return one_of(keyword, {"properties", "patternProperties", "$defs", "definitions",
                          "dependentSchemas", "dependencies"});
}
bool has_schemas(std::string_view keyword) {
  return has_names(keyword) ||
         one_of(keyword, {"additionalProperties", "propertyNames", "unevaluatedProperties", "items",
                          "prefixItems", "additionalItems", "contains", "unevaluatedItems", "allOf",
                          "anyOf", "oneOf", "not", "if", "then", "else"});
}

std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

std::vector<std::string> steps_of(std::string_view pointer) {
  std::vector<std::string> steps;
  for (const char c : pointer) {
    if (c == '/') {
      steps.emplace_back();
    } else if (!steps.empty() && steps.back().ends_with('~')) {
      steps.back().back() = c == '1' ? '/' : '~';
    } else if (!steps.empty()) {
      steps.back() += c;
    }
  }
  return steps;
}

using Visit = std::function<void(json::object& schema, const std::string& pointer)>;

void each_inner(json::value& value, std::string& pointer, const std::string& step,
                const Visit& visit);

// Every schema within `value`, itself first. `pointer` is the value's, and is again at the end.
void each_schema(json::value& value, std::string& pointer, const Visit& visit) {
  if (!value.is_object()) return;
  visit(value.get_object(), pointer);
  const std::size_t length = pointer.size();
  for (auto& [key, member] : value.get_object()) {
    const std::string_view keyword(key);
    if (!has_schemas(keyword)) continue;
    pointer += "/" + escaped(keyword);
    if (has_names(keyword) && member.is_object()) {
      for (auto& [name, one] : member.get_object())
        each_inner(one, pointer, escaped(std::string_view(name)), visit);
    } else if (member.is_array()) {
      for (std::size_t i = 0; i < member.get_array().size(); ++i)
        each_inner(member.get_array()[i], pointer, std::to_string(i), visit);
    } else {
      each_schema(member, pointer, visit);
    }
    pointer.resize(length);
  }
}

void each_inner(json::value& value, std::string& pointer, const std::string& step,
                const Visit& visit) {
  const std::size_t length = pointer.size();
  pointer += "/" + step;
  each_schema(value, pointer, visit);
  pointer.resize(length);
}

class Relaxation {
 public:
  // Looking through the schema takes from the budget as well.
  Relaxation(json::value& schema, std::vector<SchemaRefusal>& left_out, CompileBudget& budget)
      : schema_(schema), left_out_(left_out), budget_(budget) {}

  // False: nothing could be left out.
  bool leave_out(const SchemaRefusal& refused) {
    const std::size_t before = left_out_.size();
    if (refused.keyword.empty()) return false;
    if (!around(refused) && !at_once(refused.pointer, refused.keyword, refused.reason))
      in_each([&](json::object& schema, const std::string& pointer) {
        drop_with_company(schema, pointer, refused.keyword, refused.reason);
      });
    if (left_out_.size() == before) return false;
    drop_dependants();
    return true;
  }

 private:
  // Where the refused keyword stands within a negation, more is let through without it only if
  // that goes as a whole. Dropped is the outermost one.
  bool around(const SchemaRefusal& refused) {
    enum class At { kSchema, kNames, kList };
    json::value* value = &schema_;
    std::string pointer;
    At at = At::kSchema;
    for (const std::string& step : steps_of(refused.pointer)) {
      const bool keyword = at == At::kSchema && value->is_object();
      if (keyword && narrows(value->get_object(), step))
        return drop_with_company(value->get_object(), pointer, step,
                                 "what is in it is not enforced");
      value = child(*value, step);
      if (value == nullptr) return false;
      pointer += "/" + escaped(step);
      at = !keyword            ? At::kSchema
           : has_names(step)   ? At::kNames
           : value->is_array() ? At::kList
                               : At::kSchema;
    }
    return false;
  }

  static json::value* child(json::value& value, const std::string& step) {
    if (value.is_object()) return value.get_object().if_contains(step);
    if (!value.is_array() || step.empty() || step.size() > 9 ||
        step.find_first_not_of("0123456789") != step.npos)
      return nullptr;
    return value.get_array().if_contains(std::stoul(step));
  }

  // Whether `keyword` of the schema may let fewer values through where its own schemas let more.
  static bool narrows(const json::object& schema, std::string_view keyword) {
    return one_of(keyword, {"not", "if", "oneOf"}) ||
           (keyword == "contains" && schema.contains("maxContains"));
  }

  bool at_once(const std::string& pointer, const std::string& keyword, const std::string& reason) {
    json::value* value = &schema_;
    for (const std::string& step : steps_of(pointer))
      if (value != nullptr) value = child(*value, step);
    return value != nullptr && value->is_object() &&
           drop_with_company(value->get_object(), pointer, keyword, reason);
  }

  bool drop(json::object& schema, const std::string& pointer, std::string_view keyword,
            const std::string& reason) {
    json::value* member = schema.if_contains(keyword);
    if (member == nullptr) return false;
    if (keyword == "oneOf" && member->is_array() && !schema.contains("anyOf")) {
      json::value branches = std::move(*member);
      schema.erase(keyword);
      schema["anyOf"] = std::move(branches);
      left_out_.push_back({pointer, "oneOf", "enforced as anyOf: " + reason});
      return true;
    }
    schema.erase(keyword);
    left_out_.push_back({pointer, std::string(keyword), reason});
    return true;
  }

  // With the keywords that would mean more without it.
  bool drop_with_company(json::object& schema, const std::string& pointer, std::string_view keyword,
                         const std::string& reason) {
    if (!drop(schema, pointer, keyword, reason)) return false;
    const auto also = [&](std::initializer_list<std::string_view> others) {
      for (const std::string_view other : others)
        drop(schema, pointer, other, fmt::format("depends on '{}'", keyword));
    };
    if (one_of(keyword, {"properties", "patternProperties"})) also({"additionalProperties"});
    if (keyword == "prefixItems") also({"items"});
    if (keyword == "items") also({"additionalItems"});
    if (keyword == "if") also({"then", "else"});
    if (keyword == "contains" || keyword == "minContains")
      also({"contains", "minContains", "maxContains"});
    return true;
  }

  // What looks at other parts of the schema, which may be those that went: unevaluated keywords,
  // and negations of what a reference names.
  void drop_dependants() {
    in_each([&](json::object& schema, const std::string& pointer) {
      for (const std::string_view keyword : {"unevaluatedProperties", "unevaluatedItems"})
        drop(schema, pointer, keyword, "depends on what is not enforced");
      for (const std::string_view keyword : {"not", "if", "oneOf", "contains"})
        if (narrows(schema, keyword) && refers(schema.if_contains(keyword)))
          drop_with_company(schema, pointer, keyword, "depends on what is not enforced");
    });
  }

  void in_each(const Visit& visit) {
    std::string pointer;
    each_schema(schema_, pointer, [&](json::object& schema, const std::string& at) {
      budget_.take(kVisit);
      visit(schema, at);
    });
  }

  bool refers(json::value* value) {
    if (value == nullptr) return false;
    bool found = false;
    std::string pointer;
    const Visit look = [&](json::object& schema, const std::string&) {
      budget_.take(kVisit);
      for (const std::string_view keyword : {"$ref", "$dynamicRef", "$recursiveRef"})
        found = found || schema.contains(keyword);
    };
    if (!value->is_array()) each_schema(*value, pointer, look);
    if (json::array* parts = value->if_array())
      for (json::value& part : *parts) each_schema(part, pointer, look);
    return found;
  }

  static constexpr std::size_t kVisit = 8;  // steps

  json::value& schema_;
  std::vector<SchemaRefusal>& left_out_;
  CompileBudget& budget_;
};

}  // namespace

Result<Grammar> relaxed_json_schema(json::value& schema, const GrammarOptions& options,
                                    std::vector<SchemaRefusal>& left_out) {
  CompileBudget own;
  GrammarOptions each = options;
  if (each.budget == nullptr) each.budget = &own;
  for (int round = 0;; ++round) {
    SchemaRefusal refused;
    auto grammar = Grammar::json_schema(schema, each, &refused);
    if (grammar.ok()) return grammar;
    const bool enough = round == kMostLeftOut || each.budget->work == 0;
    if (enough || !Relaxation(schema, left_out, *each.budget).leave_out(refused)) return grammar;
  }
}

}  // namespace aquilon::constraint
