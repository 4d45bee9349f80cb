#include <cmath>

#include "chat/jinja/format_internal.h"
#include "chat/jinja/operators_internal.h"

namespace aquilon::chat::jinja {
namespace {

Error overflow() {
  return make_error(Code::kInvalidArgument, "a result does not fit a 64-bit integer");
}

Error division_by_zero() {
  return make_error(Code::kInvalidArgument, "division by zero");
}

std::string_view symbol(Operator op) {
  static constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<int>(op)];
}

Result<Value> power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) return division_by_zero();
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  if (base == 0 || base == 1) return Value(std::int64_t{exponent == 0 ? 1 : base});
  if (base == -1) return Value(std::int64_t{exponent % 2 ? -1 : 1});
  std::int64_t result = 1;
  for (; exponent > 0; --exponent) {  // at most 63 rounds: |base| >= 2
    if (__builtin_mul_overflow(result, base, &result)) return overflow();
  }
  return Value(result);
}

// Rounds towards minus infinity, and the remainder has the sign of the divisor.
Result<Value> floor_division(std::int64_t a, std::int64_t b, bool remainder) {
  if (b == 0) return division_by_zero();
  if (b == -1) {
    std::int64_t negated = 0;
    if (!remainder && __builtin_sub_overflow(std::int64_t{0}, a, &negated)) return overflow();
    return Value(negated);
  }
  const bool adjust = a % b != 0 && (a % b < 0) != (b < 0);
  return Value(remainder ? a % b + (adjust ? b : 0) : a / b - (adjust ? 1 : 0));
}

Result<Value> integers(Operator op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (op) {
    case Operator::kAdd:
      if (__builtin_add_overflow(a, b, &result)) return overflow();
      return Value(result);
    case Operator::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) return overflow();
      return Value(result);
    case Operator::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) return overflow();
      return Value(result);
    case Operator::kDivide:
      if (b == 0) return division_by_zero();
      return Value(static_cast<double>(a) / static_cast<double>(b));
    case Operator::kPower:
      return power(a, b);
    default:
      return floor_division(a, b, op == Operator::kModulo);
  }
}

double python_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

Result<Value> reals(Operator op, double a, double b) {
  switch (op) {
    case Operator::kAdd:
      return Value(a + b);
    case Operator::kSubtract:
      return Value(a - b);
    case Operator::kMultiply:
      return Value(a * b);
    case Operator::kPower:
      if (a == 0 && b < 0) return division_by_zero();
      if (a < 0 && std::trunc(b) != b) {
        return make_error(Code::kInvalidArgument, "a fractional power of a negative number");
      }
      return Value(std::pow(a, b));
    default:
      break;
  }
  if (b == 0) return division_by_zero();
  if (op == Operator::kDivide) return Value(a / b);
  if (op == Operator::kModulo) return Value(python_modulo(a, b));
  return Value(std::round((a - python_modulo(a, b)) / b));
}

Result<Value> repeat_text(Budget& budget, const TracedText& text, std::int64_t times) {
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(times, 0));
  AQ_RETURN_IF_ERROR(budget.allow_text(CheckedSize(text.footprint()) * count));
  TracedText result;
  if (!text.empty()) {
    for (std::uint64_t i = 0; i < count; ++i) result.append(text);
  }
  return Value(std::move(result));
}

Result<Value> repeat_list(Budget& budget, const List& list, std::int64_t times) {
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(times, 0));
  AQ_RETURN_IF_ERROR(budget.spend(CheckedSize(list.items.size()) * count));
  std::vector<Value> items;
  if (!list.items.empty()) {
    for (std::uint64_t i = 0; i < count; ++i) {
      items.insert(items.end(), list.items.begin(), list.items.end());
    }
  }
  return list.tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

Result<Value> join_lists(Budget& budget, const List& a, const List& b) {
  AQ_RETURN_IF_ERROR(budget.spend(CheckedSize(a.items.size()) + b.items.size()));
  std::vector<Value> items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return a.tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

}  // namespace

Result<Value> arithmetic(Budget& budget, Operator op, const Value& a, const Value& b) {
  const auto left = a.as_integer();
  const auto right = b.as_integer();
  if (left && right) return integers(op, *left, *right);
  if (a.is_number() && b.is_number()) return reals(op, *a.as_float(), *b.as_float());
  if (op == Operator::kAdd && a.text() && b.text()) {
    AQ_RETURN_IF_ERROR(
        budget.allow_text(CheckedSize(a.text()->footprint()) + b.text()->footprint()));
    TracedText sum = *a.text();
    sum.append(*b.text());
    return Value(std::move(sum));
  }
  if (op == Operator::kAdd && a.list() && b.list() && a.list()->tuple == b.list()->tuple) {
    return join_lists(budget, *a.list(), *b.list());
  }
  if (op == Operator::kMultiply && a.text() && right) return repeat_text(budget, *a.text(), *right);
  if (op == Operator::kMultiply && b.text() && left) return repeat_text(budget, *b.text(), *left);
  if (op == Operator::kMultiply && a.list() && right) return repeat_list(budget, *a.list(), *right);
  if (op == Operator::kMultiply && b.list() && left) return repeat_list(budget, *b.list(), *left);
  if (op == Operator::kModulo && a.text()) return percent_format(budget, *a.text(), b);
  for (const Value* side : {&a, &b}) {
    if (const Undefined* undefined = side->undefined()) return undefined_error(*undefined);
  }
  return make_error(Code::kInvalidArgument, "'{}' is not possible between {} and {}", symbol(op),
                    a.type_name(), b.type_name());
}

Result<Value> negate(const Value& value) {
  if (const auto integer = value.as_integer()) {
    return integers(Operator::kSubtract, 0, *integer);
  }
  if (const auto real = value.as_float()) return Value(-*real);
  return type_error("negate", value);
}

}  // namespace aquilon::chat::jinja
