#include <cmath>

#include "api/field_values_internal.h"

namespace aquilon::api {
namespace {

Refusal check_range(double number, const Location& where, double min, double max) {
  if (number < min)
    return invalid_value(where, "greater_than_equal",
                         fmt::format("{} is too small: at least {} is expected", number, min));
  if (number > max)
    return invalid_value(where, "less_than_equal",
                         fmt::format("{} is too large: at most {} is expected", number, max));
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
  if (value.is_int64()) {
    out = value.get_int64();
  } else if (value.is_uint64()) {
    out = static_cast<std::int64_t>(value.get_uint64());  // two's complement above 2^63
  } else if (std::abs(number) < 9e15) {                   // exact in a double
    out = static_cast<std::int64_t>(number);
  } else {
    return invalid_value(where, "int_type", "an integer is expected");
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
