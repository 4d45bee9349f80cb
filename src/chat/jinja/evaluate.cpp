#include <algorithm>

#include "base/check.h"
#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/format_internal.h"
#include "chat/jinja/interpreter_internal.h"
#include "chat/jinja/operators_internal.h"

namespace aquilon::chat::jinja {

Status Interpreter::check_depth() const {
  if (depth_ < kMaxEvalDepth) return {};
  return make_error(Code::kInvalidArgument, "evaluation is nested deeper than {} levels",
                    kMaxEvalDepth);
}

Value Interpreter::lookup(std::string_view name) const {
  for (const Scope* scope = scope_.get(); scope; scope = scope->parent.get()) {
    const auto found = scope->variables.find(name);
    if (found != scope->variables.end()) return found->second;
  }
  return Value::undefined(fmt::format("'{}' is undefined", name));
}

Result<Value> Interpreter::evaluate(const Expr& expr) {
  AQ_RETURN_IF_ERROR(budget_.spend(1));
  AQ_RETURN_IF_ERROR(check_depth());
  Restore<int> level(depth_, depth_ + 1);
  line_ = expr.line;
  auto value = evaluate_node(expr);
  if (value.ok() && value->depth() > kMaxValueDepth) {
    return make_error(Code::kInvalidArgument, "values nested deeper than {} levels",
                      kMaxValueDepth);
  }
  return value;
}

Result<Value> Interpreter::evaluate_node(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kConst:
      return expr.constant;
    case ExprKind::kName:
      return lookup(expr.name);
    case ExprKind::kList:
      return Value::list(AQ_TRY(evaluate_all(expr.items)));
    case ExprKind::kTuple:
      return Value::tuple(AQ_TRY(evaluate_all(expr.items)));
    case ExprKind::kDict:
      return evaluate_dict(expr);
    case ExprKind::kNegate:
      return negate(AQ_TRY(evaluate(*expr.items[0])));
    case ExprKind::kPlus: {
      const Value operand = AQ_TRY(evaluate(*expr.items[0]));
      return arithmetic(budget_, Operator::kAdd, Value(std::int64_t{0}), operand);
    }
    case ExprKind::kNot:
      return Value(!AQ_TRY(evaluate(*expr.items[0])).truthy());
    case ExprKind::kArithmetic:
      return evaluate_chain(expr);
    case ExprKind::kConcat:
      return evaluate_concat(expr);
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return evaluate_logic(expr);
    case ExprKind::kCompare:
      return evaluate_comparison(expr);
    case ExprKind::kConditional:
      return evaluate_conditional(expr);
    case ExprKind::kAttribute:
      return attribute(AQ_TRY(evaluate(*expr.items[0])), expr.name);
    case ExprKind::kItem: {
      const Value object = AQ_TRY(evaluate(*expr.items[0]));
      return item(object, AQ_TRY(evaluate(*expr.items[1])));
    }
    case ExprKind::kSlice:
      return evaluate_slice(expr);
    case ExprKind::kCall:
      return evaluate_call(expr, {});
    case ExprKind::kFilter:
      return evaluate_filter(expr, nullptr);
    case ExprKind::kTest: {
      const Value value = AQ_TRY(evaluate(*expr.items[0]));
      return Value(AQ_TRY(test(expr.name, value, AQ_TRY(evaluate_arguments(expr, 1)))));
    }
  }
  AQ_CHECK(false);
}

Result<std::vector<Value>> Interpreter::evaluate_all(const std::vector<ExprPtr>& items) {
  std::vector<Value> values;
  values.reserve(items.size());
  for (const ExprPtr& item : items) values.push_back(AQ_TRY(evaluate(*item)));
  return values;
}

Result<Value> Interpreter::evaluate_dict(const Expr& expr) {
  auto dict = std::make_shared<Dict>();
  for (std::size_t i = 0; i < expr.items.size(); i += 2) {
    const Value key = AQ_TRY(evaluate(*expr.items[i]));
    Value value = AQ_TRY(evaluate(*expr.items[i + 1]));
    if (!dict->set(key, std::move(value))) {
      return type_error("use as a key", key);
    }
  }
  return Value(std::move(dict));
}

Result<Value> Interpreter::evaluate_chain(const Expr& expr) {
  Value value = AQ_TRY(evaluate(*expr.items[0]));
  for (std::size_t i = 0; i < expr.operators.size(); ++i) {
    const Value right = AQ_TRY(evaluate(*expr.items[i + 1]));
    value = AQ_TRY(arithmetic(budget_, expr.operators[i], value, right));
  }
  return value;
}

Result<Value> Interpreter::evaluate_concat(const Expr& expr) {
  std::vector<TextPtr> parts;
  CheckedSize size;
  for (const ExprPtr& item : expr.items) {
    parts.push_back(AQ_TRY(to_text(budget_, AQ_TRY(evaluate(*item)))));
    size += parts.back()->footprint();
  }
  AQ_RETURN_IF_ERROR(budget_.allow_text(size));
  TracedText text;
  for (const TextPtr& part : parts) text.append(*part);
  return Value(std::move(text));
}

// `and` and `or` give the operand that decided.
Result<Value> Interpreter::evaluate_logic(const Expr& expr) {
  const bool wanted = expr.kind == ExprKind::kOr;
  Value value;
  for (const ExprPtr& item : expr.items) {
    value = AQ_TRY(evaluate(*item));
    if (value.truthy() == wanted) break;
  }
  return value;
}

Result<Value> Interpreter::evaluate_comparison(const Expr& expr) {
  Value left = AQ_TRY(evaluate(*expr.items[0]));
  for (std::size_t i = 0; i < expr.operators.size(); ++i) {
    Value right = AQ_TRY(evaluate(*expr.items[i + 1]));
    if (!AQ_TRY(compare(budget_, expr.operators[i], left, right))) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Interpreter::evaluate_conditional(const Expr& expr) {
  if (AQ_TRY(evaluate(*expr.items[1])).truthy()) return evaluate(*expr.items[0]);
  if (expr.items[2]) return evaluate(*expr.items[2]);
  return Value::undefined("the condition was false and there is no else");
}

Result<CallArgs> Interpreter::evaluate_arguments(const Expr& expr, std::size_t fixed) {
  CallArgs args;
  const std::size_t named = expr.items.size() - expr.keywords.size();
  for (std::size_t i = fixed; i < named; ++i) {
    args.positional.push_back(AQ_TRY(evaluate(*expr.items[i])));
  }
  for (std::size_t i = named; i < expr.items.size(); ++i) {
    Value value = AQ_TRY(evaluate(*expr.items[i]));
    args.keyword.emplace_back(expr.keywords[i - named], std::move(value));
  }
  if (expr.more_arguments) {
    const Value more = AQ_TRY(evaluate(*expr.more_arguments));
    for (Value& value : AQ_TRY(iterate(budget_, more))) args.positional.push_back(std::move(value));
  }
  if (!expr.more_keywords) return args;
  const Value more = AQ_TRY(evaluate(*expr.more_keywords));
  if (!more.dict()) return type_error("use as arguments", more);
  AQ_RETURN_IF_ERROR(budget_.spend(more.dict()->entries().size()));
  for (const auto& [key, value] : more.dict()->entries()) {
    if (!key.text()) return type_error("use as the name of an argument", key);
    args.keyword.emplace_back(key.text()->bytes(), value);
  }
  return args;
}

Result<Value> Interpreter::evaluate_call(const Expr& expr, CallArgs extra) {
  const Value callee = AQ_TRY(evaluate(*expr.items[0]));
  CallArgs args = AQ_TRY(evaluate_arguments(expr, 1));
  for (auto& keyword : extra.keyword) args.keyword.push_back(std::move(keyword));
  line_ = expr.line;
  return call(callee, std::move(args));
}

// `block_text`: the input of a chain whose first filter has none of its own.
Result<Value> Interpreter::evaluate_filter(const Expr& expr, const Value* block_text) {
  Value input;
  if (!expr.items[0]) {
    AQ_CHECK(block_text);
    input = *block_text;
  } else if (block_text && expr.items[0]->kind == ExprKind::kFilter) {
    AQ_RETURN_IF_ERROR(check_depth());
    Restore<int> level(depth_, depth_ + 1);
    input = AQ_TRY(evaluate_filter(*expr.items[0], block_text));
  } else {
    input = AQ_TRY(evaluate(*expr.items[0]));
  }
  CallArgs args = AQ_TRY(evaluate_arguments(expr, 1));
  line_ = expr.line;
  return filter(expr.name, std::move(input), std::move(args));
}

Result<Value> Interpreter::evaluate_slice(const Expr& expr) {
  const Value object = AQ_TRY(evaluate(*expr.items[0]));
  Value bounds[3];
  for (std::size_t i = 0; i < 3; ++i) {
    if (expr.items[i + 1]) bounds[i] = AQ_TRY(evaluate(*expr.items[i + 1]));
  }
  return slice(object, bounds[0], bounds[1], bounds[2]);
}

Result<Value> Interpreter::call(const Value& callee, CallArgs args) {
  const Function* function = callee.function();
  if (!function) return type_error("call", callee);
  return function->call(*this, std::move(args));
}

Result<Value> Interpreter::filter(std::string_view name, Value input, CallArgs args) {
  const Builtin* builtin = find_filter(name);
  if (builtin) return call_builtin(*this, *builtin, input, std::move(args));
  if (is_unsupported_filter(name)) {
    return make_error(Code::kUnsupported, "the filter '{}' is not supported", name);
  }
  return make_error(Code::kInvalidArgument, "there is no filter named '{}'", name);
}

Result<bool> Interpreter::test(std::string_view name, const Value& value, CallArgs args) {
  const Test* found = find_test(name);
  if (!found) return make_error(Code::kInvalidArgument, "there is no test named '{}'", name);
  if (!args.keyword.empty() || args.positional.size() != found->arguments) {
    return make_error(Code::kInvalidArgument, "the test '{}' takes {} arguments", name,
                      found->arguments);
  }
  return found->function(*this, value, args);
}

}  // namespace aquilon::chat::jinja
