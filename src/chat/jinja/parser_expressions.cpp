#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "chat/jinja/parser_internal.h"

namespace aquilon::chat::jinja {

Result<ExprPtr> Parser::finish(Expr expr) const {
  for (const ExprPtr& item : expr.items) {
    if (item) expr.height = std::max(expr.height, item->height + 1);
  }
  for (const ExprPtr* more : {&expr.more_arguments, &expr.more_keywords}) {
    if (*more) expr.height = std::max(expr.height, (*more)->height + 1);
  }
  if (expr.height > kMaxExprHeight) {
    return syntax_error(expr.line,
                        fmt::format("an expression of more than {} levels", kMaxExprHeight));
  }
  return ExprPtr(std::make_unique<const Expr>(std::move(expr)));
}

Result<ExprPtr> Parser::expression() {
  Level level(nesting_);
  AQ_RETURN_IF_ERROR(check_nesting());
  return conditional();
}

Result<ExprPtr> Parser::conditional() {
  const int line = now().line;
  ExprPtr value = AQ_TRY(or_expression());
  while (skip_name("if")) {
    Expr choice{ExprKind::kConditional, line};
    choice.items.push_back(std::move(value));
    choice.items.push_back(AQ_TRY(or_expression()));
    choice.items.push_back(nullptr);
    if (skip_name("else")) choice.items.back() = AQ_TRY(expression());
    value = AQ_TRY(finish(std::move(choice)));
  }
  return value;
}

Result<ExprPtr> Parser::or_expression() {
  Expr any{ExprKind::kOr, now().line};
  any.items.push_back(AQ_TRY(and_expression()));
  while (skip_name("or")) any.items.push_back(AQ_TRY(and_expression()));
  if (any.items.size() == 1) return std::move(any.items[0]);
  return finish(std::move(any));
}

Result<ExprPtr> Parser::and_expression() {
  Expr all{ExprKind::kAnd, now().line};
  all.items.push_back(AQ_TRY(not_expression()));
  while (skip_name("and")) all.items.push_back(AQ_TRY(not_expression()));
  if (all.items.size() == 1) return std::move(all.items[0]);
  return finish(std::move(all));
}

Result<ExprPtr> Parser::not_expression() {
  if (!is_name("not")) return comparison();
  Level level(nesting_);
  AQ_RETURN_IF_ERROR(check_nesting());
  Expr negation{ExprKind::kNot, now().line};
  next();
  negation.items.push_back(AQ_TRY(not_expression()));
  return finish(std::move(negation));
}

namespace {

std::optional<Operator> comparison_operator(std::string_view op) {
  if (op == "==") return Operator::kEqual;
  if (op == "!=") return Operator::kNotEqual;
  if (op == "<") return Operator::kLess;
  if (op == "<=") return Operator::kLessEqual;
  if (op == ">") return Operator::kGreater;
  if (op == ">=") return Operator::kGreaterEqual;
  return std::nullopt;
}

std::optional<Operator> product_operator(std::string_view op) {
  if (op == "*") return Operator::kMultiply;
  if (op == "/") return Operator::kDivide;
  if (op == "//") return Operator::kFloorDivide;
  if (op == "%") return Operator::kModulo;
  return std::nullopt;
}

}  // namespace

Result<ExprPtr> Parser::comparison() {
  Expr chain{ExprKind::kCompare, now().line};
  chain.items.push_back(AQ_TRY(sum()));
  while (true) {
    if (now().type == TokenType::kOperator) {
      const auto op = comparison_operator(now().text);
      if (!op) break;
      chain.operators.push_back(*op);
    } else if (is_name("in")) {
      chain.operators.push_back(Operator::kIn);
    } else if (is_name("not") && ahead().type == TokenType::kName && ahead().text == "in") {
      next();
      chain.operators.push_back(Operator::kNotIn);
    } else {
      break;
    }
    next();
    chain.items.push_back(AQ_TRY(sum()));
  }
  if (chain.items.size() == 1) return std::move(chain.items[0]);
  return finish(std::move(chain));
}

Result<ExprPtr> Parser::sum() {
  Expr chain{ExprKind::kArithmetic, now().line};
  chain.items.push_back(AQ_TRY(concatenation()));
  while (is_operator("+") || is_operator("-")) {
    chain.operators.push_back(now().text == "+" ? Operator::kAdd : Operator::kSubtract);
    next();
    chain.items.push_back(AQ_TRY(concatenation()));
  }
  if (chain.items.size() == 1) return std::move(chain.items[0]);
  return finish(std::move(chain));
}

Result<ExprPtr> Parser::concatenation() {
  Expr chain{ExprKind::kConcat, now().line};
  chain.items.push_back(AQ_TRY(product()));
  while (skip_operator("~")) chain.items.push_back(AQ_TRY(product()));
  if (chain.items.size() == 1) return std::move(chain.items[0]);
  return finish(std::move(chain));
}

Result<ExprPtr> Parser::product() {
  Expr chain{ExprKind::kArithmetic, now().line};
  chain.items.push_back(AQ_TRY(power()));
  while (now().type == TokenType::kOperator) {
    const auto op = product_operator(now().text);
    if (!op) break;
    chain.operators.push_back(*op);
    next();
    chain.items.push_back(AQ_TRY(power()));
  }
  if (chain.items.size() == 1) return std::move(chain.items[0]);
  return finish(std::move(chain));
}

Result<ExprPtr> Parser::power() {
  Expr chain{ExprKind::kArithmetic, now().line};
  chain.items.push_back(AQ_TRY(unary(true)));
  while (skip_operator("**")) {
    chain.operators.push_back(Operator::kPower);
    chain.items.push_back(AQ_TRY(unary(true)));
  }
  if (chain.items.size() == 1) return std::move(chain.items[0]);
  return finish(std::move(chain));
}

Result<ExprPtr> Parser::unary(bool with_filters) {
  Level level(nesting_);
  AQ_RETURN_IF_ERROR(check_nesting());
  ExprPtr value;
  if (is_operator("-") || is_operator("+")) {
    Expr sign{is_operator("-") ? ExprKind::kNegate : ExprKind::kPlus, now().line};
    next();
    sign.items.push_back(AQ_TRY(unary(false)));
    value = AQ_TRY(finish(std::move(sign)));
  } else {
    value = AQ_TRY(primary());
  }
  value = AQ_TRY(postfix(std::move(value)));
  if (!with_filters) return value;
  return filters_and_tests(std::move(value));
}

Result<ExprPtr> Parser::primary() {
  if (now().type == TokenType::kName) return name_or_constant();
  if (now().type == TokenType::kInteger || now().type == TokenType::kFloat) return number();
  if (now().type == TokenType::kString) {
    Expr literal{ExprKind::kConst, now().line};
    std::string bytes;
    for (; now().type == TokenType::kString; next()) bytes += now().text;
    literal.constant = TracedText::trusted(std::move(bytes));
    return finish(std::move(literal));
  }
  if (is_operator("[")) return list();
  if (is_operator("{")) return dict();
  if (is_operator("(")) {
    const int line = now().line;
    next();
    if (skip_operator(")")) return finish({ExprKind::kTuple, line});
    ExprPtr inner = AQ_TRY(tuple(true));
    AQ_RETURN_IF_ERROR(expect_operator(")"));
    return inner;
  }
  return unexpected("a value");
}

Result<ExprPtr> Parser::name_or_constant() {
  Expr result{ExprKind::kConst, now().line};
  const std::string& name = now().text;
  if (name == "true" || name == "True") {
    result.constant = true;
  } else if (name == "false" || name == "False") {
    result.constant = false;
  } else if (name != "none" && name != "None") {
    result.kind = ExprKind::kName;
    result.name = name;
    if (macro_ && name == "caller") macro_->takes_caller = true;
    if (macro_ && name == "varargs") macro_->takes_varargs = true;
    if (macro_ && name == "kwargs") macro_->takes_kwargs = true;
  }
  next();
  return finish(std::move(result));
}

Result<ExprPtr> Parser::number() {
  Expr literal{ExprKind::kConst, now().line};
  std::string digits = now().text;
  std::erase(digits, '_');
  if (now().type == TokenType::kFloat) {
    double value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    // Out of range: Python reads infinity or zero.
    if (value == 0) value = std::strtod(digits.c_str(), nullptr);
    literal.constant = value;
  } else {
    const char kind = digits.size() > 2 ? static_cast<char>(digits[1] | 0x20) : '0';
    const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    const char* begin = digits.data() + (base == 10 ? 0 : 2);
    const char* end = digits.data() + digits.size();
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(begin, end, value, base);
    const bool zeros = digits.find_first_not_of('0') == std::string::npos;
    if (error != std::errc{} || stop != end || (base == 10 && digits[0] == '0' && !zeros)) {
      return syntax_error(now().line, fmt::format("'{}' is not a 64-bit integer", digits));
    }
    literal.constant = value;
  }
  next();
  return finish(std::move(literal));
}

Result<ExprPtr> Parser::list() {
  Expr result{ExprKind::kList, now().line};
  next();
  while (!skip_operator("]")) {
    if (!result.items.empty()) AQ_RETURN_IF_ERROR(expect_operator(","));
    if (skip_operator("]")) break;
    result.items.push_back(AQ_TRY(expression()));
  }
  return finish(std::move(result));
}

Result<ExprPtr> Parser::dict() {
  Expr result{ExprKind::kDict, now().line};
  next();
  while (!skip_operator("}")) {
    if (!result.items.empty()) AQ_RETURN_IF_ERROR(expect_operator(","));
    if (skip_operator("}")) break;
    result.items.push_back(AQ_TRY(expression()));
    AQ_RETURN_IF_ERROR(expect_operator(":"));
    result.items.push_back(AQ_TRY(expression()));
  }
  return finish(std::move(result));
}

Result<ExprPtr> Parser::tuple(bool with_conditional) {
  const int line = now().line;
  ExprPtr first = AQ_TRY(with_conditional ? expression() : or_expression());
  if (!is_operator(",")) return first;
  Expr result{ExprKind::kTuple, line};
  result.items.push_back(std::move(first));
  while (skip_operator(",")) {
    const TokenType type = now().type;
    if (type == TokenType::kVariableEnd || type == TokenType::kBlockEnd || is_operator(")")) break;
    result.items.push_back(AQ_TRY(with_conditional ? expression() : or_expression()));
  }
  return finish(std::move(result));
}

}  // namespace aquilon::chat::jinja
