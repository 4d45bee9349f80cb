#include <cmath>

#include "api/field_values_internal.h"

namespace aquilon::api {
namespace {

// Digits would hide what a limit beyond a double's exact integers is.
std::string limit_text(double limit) {
  if (limit == -0x1p63) return "-2^63";
  if (limit == 0x1p64) return "2^64 - 1";
  return fmt::format("{}", limit);
}

Refusal too_small(const Location& where, std::string_view number, double min) {
  return invalid_value(
      where, "greater_than_equal",
      fmt::format("{} is too small: at least {} is expected", number, limit_text(min)));
}

Refusal too_large(const Location& where, std::string_view number, double max) {
  return invalid_value(
      where, "less_than_equal",
      fmt::format("{} is too large: at most {} is expected", number, limit_text(max)));
}

Refusal check_range(double number, const Location& where, double min, double max) {
  if (number < min) return too_small(where, fmt::format("{}", number), min);
  if (number > max) return too_large(where, fmt::format("{}", number), max);
  return {};
}

// An integer literal beyond 64 bits arrives as the nearest double, which may be the limit itself.
Refusal check_64_bits(const boost::json::value& value, const Location& where, double min,
                      double max) {
  if (!value.is_double()) return {};
  const double number = value.get_double();
  if (number >= 0x1p64) return too_large(where, fmt::format("{}", number), max);
  if (number <= -0x1p63) return too_small(where, fmt::format("{}", number), min);
  return {};
}

}  // namespace

Refusal read_number(const boost::json::value& value, const Location& where, double min, double max,
                    double& out) {
  if (!value.is_number()) return invalid_value(where, "float_type", "a number is expected");
  const double number = value.to_number<double>();
  if (Refusal refusal = check_range(number, where, min, max)) return refusal;
  out = number;
  return {};
}

Refusal read_integer(const boost::json::value& value, const Location& where, double min, double max,
                     std::int64_t& out) {
  if (!value.is_number()) return invalid_value(where, "int_type", "an integer is expected");
  const double number = value.to_number<double>();
  if (number != std::floor(number))
    return invalid_value(where, "int_from_float", "an integer is expected");
  if (Refusal refusal = check_range(number, where, min, max)) return refusal;
  if (Refusal refusal = check_64_bits(value, where, min, max)) return refusal;
  if (value.is_int64()) {
    out = value.get_int64();
  } else if (value.is_uint64()) {
    out = static_cast<std::int64_t>(value.get_uint64());  // two's complement above 2^63
  } else if (std::abs(number) < 9e15) {                   // exact in a double
    out = static_cast<std::int64_t>(number);
  } else {
    return invalid_value(where, "int_type", "an integer without point or exponent is expected");
  }
  return {};
}

Refusal read_bool(const boost::json::value& value, const Location& where, bool& out) {
  if (!value.is_bool()) return invalid_value(where, "bool_type", "true or false is expected");
  out = value.get_bool();
  return {};
}

Refusal read_string(const boost::json::value& value, const Location& where, std::string& out) {
  if (!value.is_string()) return invalid_value(where, "string_type", "a string is expected");
  out = std::string_view(value.get_string());
  return {};
}

Location step(Location where, std::string_view name) {
  where.emplace_back(name);
  return where;
}

Location step(Location where, std::size_t index) {
  where.push_back(std::to_string(index));
  return where;
}

}  // namespace aquilon::api
