// "%s" % value and "{}".format(value).
#include <algorithm>
#include <charconv>

#include "chat/jinja/format_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

constexpr std::size_t kMaxWidth = 1000;

struct Conversion {
  std::string flags;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
  char type = 0;
  std::string key;  // of %(key)s
  bool keyed = false;
};

Error bad_format(std::string_view why) {
  return make_error(Code::kInvalidArgument, "bad format string: {}", why);
}

// Reads the conversion after a '%' at `at`, which moves behind it.
Result<Conversion> read_conversion(std::string_view format, std::size_t& at) {
  Conversion c;
  if (at < format.size() && format[at] == '(') {
    const std::size_t close = format.find(')', at);
    if (close == std::string_view::npos) return bad_format("%( without )");
    c.keyed = true;
    c.key = format.substr(at + 1, close - at - 1);
    at = close + 1;
  }
  while (at < format.size() && std::string_view("-+ #0").find(format[at]) != std::string::npos) {
    c.flags += format[at++];
    if (c.flags.size() > 8) return bad_format("too many flags");
  }
  const auto number = [&]() -> Result<std::size_t> {
    std::size_t value = 0;
    const auto [end, error] =
        std::from_chars(format.data() + at, format.data() + format.size(), value);
    at = static_cast<std::size_t>(end - format.data());
    if (error == std::errc::result_out_of_range || value > kMaxWidth) {
      return bad_format("width or precision above 1000");
    }
    return value;
  };
  c.width = AQ_TRY(number());
  if (at < format.size() && format[at] == '.') {
    ++at;
    c.precision = AQ_TRY(number());
  }
  if (at >= format.size()) return bad_format("it ends within a % conversion");
  c.type = format[at++];
  return c;
}

bool has_flag(const Conversion& c, char flag) {
  return c.flags.find(flag) != std::string::npos;
}

std::string padded_number(const Conversion& c, std::string digits) {
  const bool signed_already = digits.starts_with('-');
  std::string sign = signed_already ? "-" : has_flag(c, '+') ? "+" : has_flag(c, ' ') ? " " : "";
  if (signed_already) digits.erase(0, 1);
  const std::size_t size = sign.size() + digits.size();
  const std::size_t missing = c.width > size ? c.width - size : 0;
  if (has_flag(c, '-')) return sign + digits + std::string(missing, ' ');
  if (has_flag(c, '0')) return sign + std::string(missing, '0') + digits;
  return std::string(missing, ' ') + sign + digits;
}

Result<std::string> integer_conversion(const Conversion& c, const Value& value) {
  auto integer = value.as_integer();
  if (!integer && std::string_view("diu").find(c.type) != std::string::npos) {
    const auto real = value.as_float();
    if (real && std::abs(*real) < 0x1p62) integer = static_cast<std::int64_t>(*real);
  }
  if (!integer) return type_error("format as an integer", value);
  const bool negative = *integer < 0;
  const std::uint64_t size =
      negative ? 0 - static_cast<std::uint64_t>(*integer) : static_cast<std::uint64_t>(*integer);
  std::string digits = c.type == 'x'   ? fmt::format("{:x}", size)
                       : c.type == 'X' ? fmt::format("{:X}", size)
                       : c.type == 'o' ? fmt::format("{:o}", size)
                                       : fmt::format("{}", size);
  if (c.precision && digits.size() < *c.precision) {
    digits.insert(0, *c.precision - digits.size(), '0');
  }
  if (has_flag(c, '#')) digits.insert(0, c.type == 'o' ? "0o" : c.type == 'x' ? "0x" : "");
  return padded_number(c, negative ? "-" + digits : digits);
}

Result<std::string> float_conversion(const Conversion& c, const Value& value) {
  const auto real = value.as_float();
  if (!real) return type_error("format as a number", value);
  const int precision = static_cast<int>(std::min<std::size_t>(c.precision.value_or(6), 340));
  switch (c.type) {
    case 'f':
    case 'F':
      return padded_number(c, fmt::format("{:.{}f}", *real, precision));
    case 'e':
      return padded_number(c, fmt::format("{:.{}e}", *real, precision));
    case 'E':
      return padded_number(c, fmt::format("{:.{}E}", *real, precision));
    case 'g':
      return padded_number(c, fmt::format("{:.{}g}", *real, precision));
    default:
      return padded_number(c, fmt::format("{:.{}G}", *real, precision));
  }
}

Status append_padded(TracedText& out, const Conversion& c, const TracedText& text) {
  const std::size_t end =
      c.precision ? offset_of_character(text.bytes(), *c.precision) : text.size();
  const std::size_t size = count_characters(std::string_view(text.bytes()).substr(0, end));
  const std::string padding(c.width > size ? c.width - size : 0, ' ');
  if (!has_flag(c, '-')) out.append(padding, false);
  out.append_slice(text, 0, end);
  if (has_flag(c, '-')) out.append(padding, false);
  return {};
}

Status convert(Budget& budget, TracedText& out, const Conversion& c, const Value& value) {
  if (c.type == 's' || c.type == 'r' || c.type == 'a' || c.type == 'c') {
    const bool repr = c.type == 'r' || c.type == 'a';
    // repr of a text: as it is shown within a list.
    const TextPtr text = AQ_TRY(to_text(budget, repr ? Value::list({value}) : value));
    AQ_RETURN_IF_ERROR(budget.allow_text(CheckedSize(text->footprint()) + c.width));
    return append_padded(out, c, repr ? text->slice(1, text->size() - 1) : *text);
  }
  if (std::string_view("diuxXo").find(c.type) != std::string::npos) {
    out.append(AQ_TRY(integer_conversion(c, value)), false);
    return {};
  }
  if (std::string_view("fFeEgG").find(c.type) != std::string::npos) {
    out.append(AQ_TRY(float_conversion(c, value)), false);
    return {};
  }
  return bad_format(fmt::format("unknown conversion %{}", c.type));
}

Status check_size(Budget& budget, const TracedText& out) {
  if (out.footprint() <= kMaxTextBytes) return {};
  return budget.allow_text(out.footprint());
}

}  // namespace

Result<Value> percent_format(Budget& budget, const TracedText& format, const Value& value) {
  const List* tuple = value.list() && value.list()->tuple ? value.list() : nullptr;
  const std::string& bytes = format.bytes();
  std::size_t used = 0;
  TracedText out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t percent = std::min(bytes.find('%', at), bytes.size());
    AQ_RETURN_IF_ERROR(budget.allow_text(percent - at));
    out.append_slice(format, at, percent);
    at = percent + 1;
    if (percent == bytes.size()) break;
    const Conversion c = AQ_TRY(read_conversion(bytes, at));
    AQ_RETURN_IF_ERROR(budget.spend(1));
    if (c.type == '%') {
      out.append_slice(format, percent, percent + 1);
    } else if (c.keyed) {
      const Value* member = value.dict() ? value.dict()->find(c.key) : nullptr;
      if (!member) return bad_format(fmt::format("no value for %({})", c.key));
      AQ_RETURN_IF_ERROR(convert(budget, out, c, *member));
    } else {
      if (used >= (tuple ? tuple->items.size() : 1)) return bad_format("not enough values");
      AQ_RETURN_IF_ERROR(convert(budget, out, c, tuple ? tuple->items[used] : value));
      ++used;
    }
    AQ_RETURN_IF_ERROR(check_size(budget, out));
  }
  if (tuple ? used < tuple->items.size() : used == 0 && !value.dict()) {
    return bad_format("more values than conversions");
  }
  return Value(std::move(out));
}

Result<Value> brace_format(Budget& budget, const TracedText& format, const CallArgs& args) {
  const std::string& bytes = format.bytes();
  std::size_t automatic = 0;
  TracedText out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t brace = std::min(bytes.find_first_of("{}", at), bytes.size());
    AQ_RETURN_IF_ERROR(budget.allow_text(brace - at));
    out.append_slice(format, at, brace);
    if (brace == bytes.size()) break;
    if (brace + 1 < bytes.size() && bytes[brace + 1] == bytes[brace]) {  // {{ or }}
      out.append_slice(format, brace, brace + 1);
      at = brace + 2;
      continue;
    }
    const std::size_t close = bytes.find('}', brace);
    if (bytes[brace] == '}' || close == std::string::npos) return bad_format("a single brace");
    const std::string field = bytes.substr(brace + 1, close - brace - 1);
    if (field.find_first_of(".[:!{") != std::string::npos) {
      return make_error(Code::kUnsupported, "str.format with '{{{}}}' is not supported",
                        field.substr(0, 40));
    }
    const Value* value = nullptr;
    std::size_t index = field.empty() ? automatic++ : args.positional.size();
    std::from_chars(field.data(), field.data() + field.size(), index);
    if (index < args.positional.size()) value = &args.positional[index];
    for (const auto& [name, argument] : args.keyword) {
      if (name == field) value = &argument;
    }
    if (!value) return bad_format(fmt::format("no value for '{{{}}}'", field.substr(0, 40)));
    const TextPtr text = AQ_TRY(to_text(budget, *value));
    AQ_RETURN_IF_ERROR(budget.allow_text(text->footprint()));
    out.append(*text);
    AQ_RETURN_IF_ERROR(check_size(budget, out));
    at = close + 1;
  }
  return Value(std::move(out));
}

}  // namespace aquilon::chat::jinja
