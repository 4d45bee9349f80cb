#include <algorithm>
#include <cmath>

#include "chat/jinja/format_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Budget& budget, const JsonStyle& style) : out_(budget), style_(style) {}

  Status value(const Value& value, int depth);
  std::string take() { return out_.take(); }

 private:
  Status string(const std::string& text);
  Status list(const List& list, int depth);
  Status dict(const Dict& dict, int depth);
  Status key(const Value& key);
  Status new_line(int depth);

  BoundedWriter out_;
  const JsonStyle& style_;
};

std::string utf16_escape(std::int32_t c) {
  if (c < 0x10000) return fmt::format("\\u{:04x}", c);
  const std::int32_t high = 0xD800 + ((c - 0x10000) >> 10);
  const std::int32_t low = 0xDC00 + ((c - 0x10000) & 0x3FF);
  return fmt::format("\\u{:04x}\\u{:04x}", high, low);
}

// The escape of an ASCII character; empty: it stands for itself.
std::string ascii_escape(std::int32_t c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\f':
      return "\\f";
    case '\b':
      return "\\b";
    default:
      return c < 0x20 ? utf16_escape(c) : std::string();
  }
}

Status JsonWriter::string(const std::string& text) {
  AQ_RETURN_IF_ERROR(out_.budget().spend_bytes(text.size()));
  std::string quoted = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    std::string escape;
    if (c.value >= 0 && c.value < 0x7F) {
      escape = ascii_escape(c.value);
    } else if (style_.ascii) {
      escape = utf16_escape(c.value < 0 ? 0xFFFD : c.value);
    }
    if (escape.empty()) {
      quoted.append(text, at, c.size);
    } else {
      quoted += escape;
    }
    at += c.size;
  }
  return out_.put(quoted + '"');
}

Status JsonWriter::new_line(int depth) {
  if (!style_.pretty) return {};
  AQ_RETURN_IF_ERROR(out_.put("\n"));
  for (int i = 0; i < depth; ++i) AQ_RETURN_IF_ERROR(out_.put(style_.indent));
  return {};
}

Status JsonWriter::list(const List& list, int depth) {
  if (list.items.empty()) return out_.put("[]");
  AQ_RETURN_IF_ERROR(out_.put("["));
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) AQ_RETURN_IF_ERROR(out_.put(style_.item_separator));
    AQ_RETURN_IF_ERROR(new_line(depth));
    AQ_RETURN_IF_ERROR(value(list.items[i], depth));
  }
  AQ_RETURN_IF_ERROR(new_line(depth - 1));
  return out_.put("]");
}

Status JsonWriter::key(const Value& key) {
  if (const TracedText* text = key.text()) return string(text->bytes());
  AQ_RETURN_IF_ERROR(out_.put("\""));
  AQ_RETURN_IF_ERROR(value(key, 0));
  return out_.put("\"");
}

Status JsonWriter::dict(const Dict& dict, int depth) {
  if (dict.entries().empty()) return out_.put("{}");
  std::vector<const Dict::Entry*> entries;
  for (const Dict::Entry& entry : dict.entries()) entries.push_back(&entry);
  if (style_.sort_keys) {
    for (const Dict::Entry* entry : entries) {
      if (!entry->first.text()) return type_error("sort by", entry->first);
      AQ_RETURN_IF_ERROR(out_.budget().spend_bytes(entry->first.text()->size() * 20));
    }
    std::stable_sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
      return a->first.text()->bytes() < b->first.text()->bytes();
    });
  }
  AQ_RETURN_IF_ERROR(out_.put("{"));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) AQ_RETURN_IF_ERROR(out_.put(style_.item_separator));
    AQ_RETURN_IF_ERROR(new_line(depth));
    AQ_RETURN_IF_ERROR(key(entries[i]->first));
    AQ_RETURN_IF_ERROR(out_.put(style_.key_separator));
    AQ_RETURN_IF_ERROR(value(entries[i]->second, depth));
  }
  AQ_RETURN_IF_ERROR(new_line(depth - 1));
  return out_.put("}");
}

Status JsonWriter::value(const Value& value, int depth) {
  if (depth > kMaxValueDepth) {
    return make_error(Code::kInvalidArgument, "values nested deeper than {} levels",
                      kMaxValueDepth);
  }
  AQ_RETURN_IF_ERROR(out_.budget().spend(1));
  if (const TracedText* text = value.text()) return string(text->bytes());
  if (const List* items = value.list()) return list(*items, depth + 1);
  if (const Dict* members = value.dict()) return dict(*members, depth + 1);
  if (const auto* boolean = value.get_if<bool>()) return out_.put(*boolean ? "true" : "false");
  if (const auto integer = value.as_integer()) return out_.put(fmt::format("{}", *integer));
  if (const auto real = value.as_float()) {
    if (std::isnan(*real)) return out_.put("NaN");
    if (std::isinf(*real)) return out_.put(*real < 0 ? "-Infinity" : "Infinity");
    return out_.put(float_repr(*real));
  }
  if (value.is_none()) return out_.put("null");
  return type_error("write as JSON", value);
}

}  // namespace

Result<std::string> to_json(Budget& budget, const Value& value, const JsonStyle& style) {
  JsonWriter writer(budget, style);
  AQ_RETURN_IF_ERROR(writer.value(value, 0));
  return writer.take();
}

}  // namespace aquilon::chat::jinja
