// Filters that give numbers.
#include <charconv>
#include <cmath>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

Result<Value> abs(Interpreter&, const Value& self, const Arguments&) {
  const auto number = self.as_float();
  if (!number) return type_error("take the absolute value of", self);
  if (*number < 0) return negate(self);
  return self.get_if<bool>() ? Value(*self.as_integer()) : self;
}

// The text between its blanks, without the '_' that may stand between digits, and without '+'.
std::string plain_number(const std::string& text) {
  const Bounds bounds = strip_bounds(text, true, true);
  std::string out;
  for (std::size_t at = bounds.begin; at < bounds.end; ++at) {
    const bool between = at > bounds.begin && at + 1 < bounds.end &&
                         std::isalnum(static_cast<unsigned char>(text[at - 1])) &&
                         std::isalnum(static_cast<unsigned char>(text[at + 1]));
    if (text[at] != '_' || !between) out += text[at];
  }
  const bool sign_follows = out.size() > 1 && (out[1] == '-' || out[1] == '+');
  if (out.starts_with('+') && !sign_follows) out.erase(0, 1);
  return out;
}

std::optional<double> parse_float(const std::string& text) {
  const std::string plain = plain_number(text);
  double value = 0;
  const char* end = plain.data() + plain.size();
  const auto [stop, error] = std::from_chars(plain.data(), end, value);
  if (stop != end || plain.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::strtod(plain.c_str(), nullptr);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

// A prefix such as 0x counts where the base allows it.
Result<std::optional<std::int64_t>> parse_integer(const std::string& text, int base) {
  std::string plain = plain_number(text);
  const bool negative = plain.starts_with('-');
  std::size_t at = negative ? 1 : 0;
  const char mark =
      plain.size() > at + 2 && plain[at] == '0' ? static_cast<char>(plain[at + 1] | 0x20) : '\0';
  const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (marked != 0 && (base == marked || base == 0)) {
    at += 2;
    base = marked;
  } else if (base == 0) {
    base = 10;
  }
  if (base < 2 || base > 36) {
    return make_error(Code::kInvalidArgument, "int: the base must be 0 or from 2 to 36");
  }
  std::string digits(negative ? 1 : 0, '-');
  digits.append(plain, at);
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (stop != end || error == std::errc::invalid_argument) return std::optional<std::int64_t>();
  if (error != std::errc{}) {
    return make_error(Code::kInvalidArgument, "int: the number does not fit 64 bits");
  }
  return std::optional(value);
}

Result<Value> from_float(std::optional<double> real, const Value& fallback) {
  if (!real || !std::isfinite(*real)) return fallback;
  if (std::abs(*real) < 0x1p63) return Value(static_cast<std::int64_t>(*real));
  return make_error(Code::kInvalidArgument, "int: the number does not fit 64 bits");
}

Result<Value> int_filter(Interpreter& in, const Value& self, const Arguments& args) {
  const Value fallback = args[0] ? *args[0] : Value(std::int64_t{0});
  if (const auto integer = self.as_integer()) return Value(*integer);
  if (self.is_undefined()) return type_error("make an integer of", self);
  const TracedText* text = self.text();
  if (!text) return from_float(self.as_float(), fallback);
  AQ_RETURN_IF_ERROR(in.budget().allow_text(text->size()));
  const int base = static_cast<int>(AQ_TRY(args.integer(1, 10)) & 0xFFFF);
  if (const auto integer = AQ_TRY(parse_integer(text->bytes(), base))) return Value(*integer);
  return from_float(parse_float(text->bytes()), fallback);
}

Result<Value> float_filter(Interpreter& in, const Value& self, const Arguments& args) {
  const Value fallback = args[0] ? *args[0] : Value(0.0);
  if (const auto real = self.as_float()) return Value(*real);
  if (self.is_undefined()) return type_error("make a number of", self);
  const TracedText* text = self.text();
  if (!text) return fallback;
  AQ_RETURN_IF_ERROR(in.budget().allow_text(text->size()));
  const auto real = parse_float(text->bytes());
  return real ? Value(*real) : fallback;
}

// Python's round: halves to even, of the exact value.
Result<Value> round_common(const Value& self, int precision) {
  if (self.as_integer() && precision >= 0) return Value(*self.as_integer());
  double real = *self.as_float();
  if (precision >= 0 && std::isfinite(real)) {
    const std::string digits = fmt::format("{:.{}f}", real, precision);
    std::from_chars(digits.data(), digits.data() + digits.size(), real);
  } else if (precision < 0) {
    const double unit = std::pow(10.0, -precision);
    real = std::isfinite(unit) ? std::nearbyint(real / unit) * unit : 0;
  }
  return self.as_integer() ? Value(static_cast<std::int64_t>(real)) : Value(real);
}

Result<Value> round(Interpreter&, const Value& self, const Arguments& args) {
  if (!self.as_float()) return type_error("round", self);
  const std::int64_t given = AQ_TRY(args.integer(0, 0));
  if (given < -300 || given > 300) {
    return make_error(Code::kInvalidArgument, "round: the precision must be from -300 to 300");
  }
  const int precision = static_cast<int>(given);
  const TracedText* method = AQ_TRY(args.text(1));
  const std::string name = method ? method->bytes() : "common";
  if (name == "common") return round_common(self, precision);
  if (name != "ceil" && name != "floor") {
    return make_error(Code::kInvalidArgument, "round: method must be common, ceil or floor");
  }
  const double unit = std::pow(10.0, precision);
  const double scaled = *self.as_float() * unit;
  if (!std::isfinite(scaled)) return type_error("round", self);
  return Value((name == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

constexpr Builtin kFilters[] = {
    {"abs", abs},
    {"float", float_filter, "default"},
    {"int", int_filter, "default base"},
    {"round", round, "precision method"},
};

}  // namespace

std::span<const Builtin> number_filters() {
  return kFilters;
}

}  // namespace aquilon::chat::jinja
