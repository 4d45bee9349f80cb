// What may follow `is`, and the first argument of select and its kin.
#include <algorithm>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/format_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

using R = Result<bool>;

R defined(Interpreter&, const Value& v, const CallArgs&) {
  return !v.is_undefined();
}
R undefined(Interpreter&, const Value& v, const CallArgs&) {
  return v.is_undefined();
}
R none(Interpreter&, const Value& v, const CallArgs&) {
  return v.is_none();
}
R boolean(Interpreter&, const Value& v, const CallArgs&) {
  return v.get_if<bool>() != nullptr;
}
R is_true(Interpreter&, const Value& v, const CallArgs&) {
  return v.get_if<bool>() && v.truthy();
}
R is_false(Interpreter&, const Value& v, const CallArgs&) {
  return v.get_if<bool>() && !v.truthy();
}
R integer(Interpreter&, const Value& v, const CallArgs&) {
  return v.get_if<std::int64_t>() != nullptr;
}
R real(Interpreter&, const Value& v, const CallArgs&) {
  return v.get_if<double>() != nullptr;
}
R number(Interpreter&, const Value& v, const CallArgs&) {
  return v.is_number();
}
R string(Interpreter&, const Value& v, const CallArgs&) {
  return v.text() != nullptr;
}
R mapping(Interpreter&, const Value& v, const CallArgs&) {
  return v.dict() != nullptr;
}
// An undefined value counts: that calling it fails is another matter.
R callable(Interpreter&, const Value& v, const CallArgs&) {
  return v.function() || v.is_undefined();
}
R sequence(Interpreter&, const Value& v, const CallArgs&) {
  return v.text() || v.list() || v.dict() || v.is_undefined();
}
R same(Interpreter&, const Value& v, const CallArgs& args) {
  return v.same_object(args.positional[0]);
}

Result<std::int64_t> remainder(Interpreter& in, const Value& value, const Value& divisor) {
  const Value rest = AQ_TRY(arithmetic(in.budget(), Operator::kModulo, value, divisor));
  const auto number = rest.as_float();
  if (!number) return type_error("divide", value);
  return *number == 0 ? 0 : *number == 1 ? 1 : 2;
}

R odd(Interpreter& in, const Value& v, const CallArgs&) {
  return AQ_TRY(remainder(in, v, Value(std::int64_t{2}))) == 1;
}
R even(Interpreter& in, const Value& v, const CallArgs&) {
  return AQ_TRY(remainder(in, v, Value(std::int64_t{2}))) == 0;
}
R divisible_by(Interpreter& in, const Value& v, const CallArgs& args) {
  return AQ_TRY(remainder(in, v, args.positional[0])) == 0;
}

template <Operator kOperator>
R compared(Interpreter& in, const Value& v, const CallArgs& args) {
  return compare(in.budget(), kOperator, v, args.positional[0]);
}

// All letters that have a case have this one, and there is one.
template <bool kUpper>
R cased(Interpreter& in, const Value& v, const CallArgs&) {
  const TextPtr text = AQ_TRY(to_text(in.budget(), v));
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text->size()));
  return all_cased(text->bytes(), kUpper);
}

R filter_exists(Interpreter&, const Value& v, const CallArgs&) {
  return v.text() && find_filter(v.text()->bytes());
}
R test_exists(Interpreter&, const Value& v, const CallArgs&) {
  return v.text() && find_test(v.text()->bytes());
}

constexpr Test kTests[] = {
    {"defined", defined},
    {"undefined", undefined},
    {"none", none},
    {"boolean", boolean},
    {"true", is_true},
    {"false", is_false},
    {"integer", integer},
    {"float", real},
    {"number", number},
    {"string", string},
    {"mapping", mapping},
    {"iterable", sequence},
    {"sequence", sequence},
    {"callable", callable},
    {"sameas", same, 1},
    {"odd", odd},
    {"even", even},
    {"divisibleby", divisible_by, 1},
    {"lower", cased<false>},
    {"upper", cased<true>},
    {"in", compared<Operator::kIn>, 1},
    {"==", compared<Operator::kEqual>, 1},
    {"eq", compared<Operator::kEqual>, 1},
    {"equalto", compared<Operator::kEqual>, 1},
    {"!=", compared<Operator::kNotEqual>, 1},
    {"ne", compared<Operator::kNotEqual>, 1},
    {"<", compared<Operator::kLess>, 1},
    {"lt", compared<Operator::kLess>, 1},
    {"lessthan", compared<Operator::kLess>, 1},
    {"<=", compared<Operator::kLessEqual>, 1},
    {"le", compared<Operator::kLessEqual>, 1},
    {">", compared<Operator::kGreater>, 1},
    {"gt", compared<Operator::kGreater>, 1},
    {"greaterthan", compared<Operator::kGreater>, 1},
    {">=", compared<Operator::kGreaterEqual>, 1},
    {"ge", compared<Operator::kGreaterEqual>, 1},
    {"filter", filter_exists},
    {"test", test_exists},
};

}  // namespace

const Test* find_test(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTests), std::end(kTests),
                                   [name](const Test& test) { return test.name == name; });
  return found == std::end(kTests) ? nullptr : found;
}

}  // namespace aquilon::chat::jinja
