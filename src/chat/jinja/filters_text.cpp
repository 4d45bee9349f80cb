// Filters on text. Like jinja2's they take anything and use its text.
#include <algorithm>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/format_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/text_operations_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

template <Case kRule>
Result<Value> change_case_filter(Interpreter& in, const Value& self, const Arguments&) {
  return change_case(in.budget(), *AQ_TRY(to_text(in.budget(), self)), kRule);
}

Result<Value> string(Interpreter& in, const Value& self, const Arguments&) {
  return Value(AQ_TRY(to_text(in.budget(), self)));
}

Result<Value> trim(Interpreter& in, const Value& self, const Arguments& args) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), self));
  return strip_text(in.budget(), *text, AQ_TRY(args.text(0)), true, true);
}

Result<Value> replace(Interpreter& in, const Value& self, const Arguments& args) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), self));
  const TextPtr from = AQ_TRY(to_text(in.budget(), *args[0]));
  const TextPtr to = AQ_TRY(to_text(in.budget(), *args[1]));
  const bool all = !args[2] || args[2]->is_none();
  return replace_text(in.budget(), *text, *from, *to, all ? -1 : AQ_TRY(args.integer(2, -1)));
}

Result<Value> join(Interpreter& in, const Value& self, const Arguments& args) {
  std::vector<TextPtr> parts;
  for (Value& item : AQ_TRY(iterate(in.budget(), self))) {
    if (args[1] && !args[1]->is_none()) item = AQ_TRY(in.attribute_path(item, *args[1]));
    parts.push_back(AQ_TRY(to_text(in.budget(), item)));
  }
  const Value nothing{TracedText()};
  const TextPtr separator = AQ_TRY(to_text(in.budget(), args[0] ? *args[0] : nothing));
  return join_text(in.budget(), *separator, parts);
}

Result<Value> indent(Interpreter& in, const Value& self, const Arguments& args) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), self));
  TracedText margin;
  if (args[0] && args[0]->text()) {
    margin = *args[0]->text();
  } else {
    const std::int64_t width = AQ_TRY(args.integer(0, 4));
    margin = *AQ_TRY(pad_text(in.budget(), margin, width, 0, ' ')).text();
  }
  TracedText source = *text;
  source.append("\n", false);  // as jinja2: the last line counts even when it is empty
  const std::vector<Line> lines = split_lines(source.bytes());
  AQ_RETURN_IF_ERROR(in.budget().spend(lines.size()));
  AQ_RETURN_IF_ERROR(in.budget().allow_text(CheckedSize(margin.footprint()) * lines.size() +
                                            CheckedSize(source.footprint()) * 2));
  TracedText result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool empty = lines[i].begin == lines[i].end;
    if (i > 0) result.append("\n", source.trusted_at(lines[i - 1].end));
    if (i == 0 ? args.flag(1, false) : !empty || args.flag(2, false)) result.append(margin);
    result.append_slice(source, lines[i].begin, lines[i].end);
  }
  return Value(std::move(result));
}

Result<Value> format(Interpreter& in, const Value& self, const Arguments& args) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), self));
  if (args.rest().keyword.empty()) {
    return percent_format(in.budget(), *text, Value::tuple(args.rest().positional));
  }
  auto named = std::make_shared<Dict>();
  for (const auto& [name, value] : args.rest().keyword)
    named->set(TracedText::trusted(name), value);
  return percent_format(in.budget(), *text, Value(std::move(named)));
}

std::string_view html_escape(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&#34;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

Result<Value> escape(Interpreter& in, const Value& self, const Arguments&) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), self));
  AQ_RETURN_IF_ERROR(in.budget().allow_text(CheckedSize(text->footprint()) * 5));
  TracedText result;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text->size(); ++at) {
    const std::string_view replacement = html_escape(text->bytes()[at]);
    if (replacement.empty()) continue;
    result.append_slice(*text, done, at);
    result.append(replacement, text->trusted_at(at));
    done = at + 1;
  }
  result.append_slice(*text, done, text->size());
  return Value(std::move(result));
}

Result<Value> safe(Interpreter&, const Value& self, const Arguments&) {
  return self;
}

Result<Value> center(Interpreter& in, const Value& self, const Arguments& args) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), self));
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text->size()));
  const auto size = static_cast<std::int64_t>(count_characters(text->bytes()));
  const std::int64_t width = AQ_TRY(args.integer(0, 80));
  if (width <= size) return Value(text);
  const std::int64_t missing = width - size;
  const std::int64_t left = missing / 2 + (missing & width & 1);  // Python's choice
  return pad_text(in.budget(), *text, left, missing - left, ' ');
}

Result<Value> wordcount(Interpreter& in, const Value& self, const Arguments&) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), self));
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text->size()));
  std::int64_t words = 0;
  bool within = false;
  for (std::size_t at = 0; at < text->size();) {
    const CodePoint c = decode_at(text->bytes(), at);
    const bool word = c.value == '_' || is_alpha(c.value) || is_numeric(c.value);
    words += word && !within;
    within = word;
    at += c.size;
  }
  return Value(words);
}

Result<Value> truncate(Interpreter& in, const Value& self, const Arguments& args) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), self));
  const TextPtr end = args[2] ? AQ_TRY(to_text(in.budget(), *args[2]))
                              : std::make_shared<const TracedText>(TracedText::trusted("..."));
  const std::int64_t length = AQ_TRY(args.integer(0, 255));
  const std::int64_t leeway = AQ_TRY(args.integer(3, 5));
  AQ_RETURN_IF_ERROR(in.budget().allow_text(CheckedSize(text->footprint()) + end->footprint()));
  const auto end_size = static_cast<std::int64_t>(count_characters(end->bytes()));
  if (length < end_size || leeway < 0) {
    return make_error(Code::kInvalidArgument, "truncate: length or leeway is too small");
  }
  const auto size = static_cast<std::int64_t>(count_characters(text->bytes()));
  if (size - leeway <= length) return Value(text);
  std::size_t cut = offset_of_character(text->bytes(), static_cast<std::size_t>(length - end_size));
  if (!args.flag(1, false)) {  // not within a word
    const std::size_t space = std::string_view(text->bytes()).substr(0, cut).rfind(' ');
    if (space != std::string_view::npos) cut = space;
  }
  TracedText result = text->slice(0, cut);
  result.append(*end);
  return Value(std::move(result));
}

// None, or a text, or so many blanks.
Result<std::optional<std::string>> json_indent(Interpreter& in, const Value* value) {
  if (!value || value->is_none()) return std::optional<std::string>();
  if (const TracedText* text = value->text()) return std::optional(text->bytes());
  const auto width = value->as_integer();
  if (!width) return type_error("indent by", *value);
  return std::optional(AQ_TRY(pad_text(in.budget(), TracedText(), *width, 0, ' ')).text()->bytes());
}

Result<Value> tojson(Interpreter& in, const Value& self, const Arguments& args) {
  JsonStyle style;
  style.ascii = args.flag(0, false);
  style.sort_keys = args.flag(3, false);
  if (auto indent = AQ_TRY(json_indent(in, args[1]))) {
    style.pretty = true;
    style.indent = *std::move(indent);
    style.item_separator.resize(1);  // no blank before the newline
  }
  if (args[2] && !args[2]->is_none()) {
    const List* separators = args[2]->list();
    if (!separators || separators->items.size() != 2 || !separators->items[0].text() ||
        !separators->items[1].text()) {
      return make_error(Code::kInvalidArgument, "tojson: separators must be two strings");
    }
    style.item_separator = separators->items[0].text()->bytes();
    style.key_separator = separators->items[1].text()->bytes();
  }
  return Value(TracedText::untrusted(AQ_TRY(to_json(in.budget(), self, style))));
}

constexpr Builtin kFilters[] = {
    {"capitalize", change_case_filter<Case::kCapitalize>},
    {"center", center, "width"},
    {"e", escape},
    {"escape", escape},
    {"format", format, "*"},
    {"indent", indent, "width first blank"},
    {"join", join, "d attribute"},
    {"lower", change_case_filter<Case::kLower>},
    {"replace", replace, "!old !new count"},
    {"safe", safe},
    {"string", string},
    {"title", change_case_filter<Case::kFilterTitle>},
    {"tojson", tojson, "ensure_ascii indent separators sort_keys"},
    {"trim", trim, "chars"},
    {"truncate", truncate, "length killwords end leeway"},
    {"upper", change_case_filter<Case::kUpper>},
    {"wordcount", wordcount},
};

}  // namespace

std::span<const Builtin> text_filters() {
  return kFilters;
}

}  // namespace aquilon::chat::jinja
