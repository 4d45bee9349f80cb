#include <array>
#include <charconv>
#include <cmath>

#include "chat/jinja/format_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

Status write_repr(BoundedWriter& out, const Value& value, int depth);

std::string escaped(std::int32_t c) {
  if (c < 0x100) return fmt::format("\\x{:02x}", c);
  return c < 0x10000 ? fmt::format("\\u{:04x}", c) : fmt::format("\\U{:08x}", c);
}

std::string text_repr(const std::string& text) {
  const bool single = text.find('\'') != std::string::npos;
  const char quote = single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (c.value == quote || c.value == '\\') {
      out += '\\';
      out += static_cast<char>(c.value);
    } else if (c.value == '\n' || c.value == '\r' || c.value == '\t') {
      out += c.value == '\n' ? "\\n" : c.value == '\r' ? "\\r" : "\\t";
    } else if (c.value < 0) {
      out += escaped(static_cast<unsigned char>(text[at]));
    } else if (is_printable(c.value)) {
      out.append(text, at, c.size);
    } else {
      out += escaped(c.value);
    }
    at += c.size;
  }
  return out + quote;
}

Status write_list(BoundedWriter& out, const List& list, int depth) {
  AQ_RETURN_IF_ERROR(out.put(list.tuple ? "(" : "["));
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) AQ_RETURN_IF_ERROR(out.put(", "));
    AQ_RETURN_IF_ERROR(write_repr(out, list.items[i], depth));
  }
  if (list.tuple && list.items.size() == 1) AQ_RETURN_IF_ERROR(out.put(","));
  return out.put(list.tuple ? ")" : "]");
}

Status write_dict(BoundedWriter& out, const Dict& dict, int depth) {
  AQ_RETURN_IF_ERROR(out.put("{"));
  bool first = true;
  for (const auto& [key, value] : dict.entries()) {
    if (!std::exchange(first, false)) AQ_RETURN_IF_ERROR(out.put(", "));
    AQ_RETURN_IF_ERROR(write_repr(out, key, depth));
    AQ_RETURN_IF_ERROR(out.put(": "));
    AQ_RETURN_IF_ERROR(write_repr(out, value, depth));
  }
  return out.put("}");
}

Status write_namespace(BoundedWriter& out, const Namespace& space, int depth) {
  AQ_RETURN_IF_ERROR(out.put("<Namespace {"));
  bool first = true;
  for (const auto& [name, value] : space.attributes) {
    if (!std::exchange(first, false)) AQ_RETURN_IF_ERROR(out.put(", "));
    AQ_RETURN_IF_ERROR(out.put(text_repr(name)));
    AQ_RETURN_IF_ERROR(out.put(": "));
    AQ_RETURN_IF_ERROR(write_repr(out, value, depth));
  }
  return out.put("}>");
}

Status write_repr(BoundedWriter& out, const Value& value, int depth) {
  if (depth > kMaxValueDepth) {
    return make_error(Code::kInvalidArgument, "values nested deeper than {} levels",
                      kMaxValueDepth);
  }
  AQ_RETURN_IF_ERROR(out.budget().spend(1));
  if (const TracedText* text = value.text()) {
    AQ_RETURN_IF_ERROR(out.budget().spend_bytes(text->size()));
    return out.put(text_repr(text->bytes()));
  }
  if (const List* list = value.list()) return write_list(out, *list, depth + 1);
  if (const Dict* dict = value.dict()) return write_dict(out, *dict, depth + 1);
  if (const Namespace* space = value.space()) return write_namespace(out, *space, depth + 1);
  if (const auto* boolean = value.get_if<bool>()) return out.put(*boolean ? "True" : "False");
  if (const auto integer = value.as_integer()) return out.put(fmt::format("{}", *integer));
  if (const auto real = value.as_float()) return out.put(float_repr(*real));
  if (value.is_none()) return out.put("None");
  if (value.is_undefined()) return out.put("Undefined");
  if (const Function* function = value.function()) {
    return out.put(fmt::format("<function {}>", function->name));
  }
  return out.put("<loop>");
}

}  // namespace

Status BoundedWriter::put(std::string_view bytes) {
  AQ_RETURN_IF_ERROR(budget_.spend_bytes(bytes.size()));
  if (bytes.size() > kMaxTextBytes - out_.size()) return budget_.allow_text(kMaxTextBytes + 1);
  out_ += bytes;
  return {};
}

Status BoundedWriter::fill(std::size_t count, char c) {
  AQ_RETURN_IF_ERROR(budget_.spend_bytes(count));
  if (count > kMaxTextBytes - out_.size()) return budget_.allow_text(kMaxTextBytes + 1);
  out_.append(count, c);
  return {};
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer;
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                           std::chars_format::scientific);
  const std::string_view shortest(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = shortest.find('e');
  int exponent = 0;
  const char* digits = shortest.data() + e + (shortest[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits, end.ptr, exponent);
  std::string out = std::signbit(value) ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += shortest.substr(0, e);
    return out + fmt::format("e{}{:02d}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                      std::chars_format::fixed);
  out.append(buffer.data(), end.ptr);
  return out.find('.') == std::string::npos ? out + ".0" : out;
}

Result<TextPtr> to_text(Budget& budget, const Value& value) {
  if (const auto* text = value.get_if<TextPtr>()) return *text;
  if (value.is_undefined()) return std::make_shared<const TracedText>();
  BoundedWriter out(budget);
  AQ_RETURN_IF_ERROR(write_repr(out, value, 0));
  std::string bytes = out.take();
  AQ_RETURN_IF_ERROR(budget.allow_text(bytes.size()));
  return std::make_shared<const TracedText>(TracedText::untrusted(std::move(bytes)));
}

}  // namespace aquilon::chat::jinja
