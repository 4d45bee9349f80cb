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

Result<ExprPtr> Parser::postfix(ExprPtr value) {
  while (true) {
    const int line = now().line;
    if (skip_operator(".")) {
      Expr access{ExprKind::kAttribute, line};
      access.items.push_back(std::move(value));
      if (now().type == TokenType::kInteger) {
        access.kind = ExprKind::kItem;
        access.items.push_back(AQ_TRY(number()));
      } else {
        access.name = AQ_TRY(identifier("the name of an attribute"));
      }
      value = AQ_TRY(finish(std::move(access)));
    } else if (is_operator("[")) {
      value = AQ_TRY(subscript(std::move(value)));
    } else if (is_operator("(")) {
      Expr call{ExprKind::kCall, line};
      call.items.push_back(std::move(value));
      AQ_RETURN_IF_ERROR(arguments(call));
      value = AQ_TRY(finish(std::move(call)));
    } else {
      return value;
    }
  }
}

Result<ExprPtr> Parser::subscript(ExprPtr value) {
  Expr access{ExprKind::kItem, now().line};
  next();
  access.items.push_back(std::move(value));
  access.items.push_back(is_operator(":") ? nullptr : AQ_TRY(expression()));
  if (is_operator(":")) {
    access.kind = ExprKind::kSlice;
    for (int part = 0; part < 2; ++part) {
      const bool given = skip_operator(":") && !is_operator(":") && !is_operator("]");
      access.items.push_back(given ? AQ_TRY(expression()) : nullptr);
    }
  }
  if (is_operator(",")) {
    return make_error(Code::kUnsupported, "line {}: subscripts with commas are not supported",
                      access.line);
  }
  AQ_RETURN_IF_ERROR(expect_operator("]"));
  return finish(std::move(access));
}

Status Parser::arguments(Expr& call) {
  const std::size_t fixed = call.items.size();
  AQ_RETURN_IF_ERROR(expect_operator("("));
  while (!skip_operator(")")) {
    const bool first = call.items.size() == fixed && !call.more_arguments && !call.more_keywords;
    if (!first) AQ_RETURN_IF_ERROR(expect_operator(","));
    if (skip_operator(")")) break;
    if (is_operator("*") || is_operator("**")) {
      AQ_RETURN_IF_ERROR(more_arguments(call));
      continue;
    }
    const bool keyword = now().type == TokenType::kName && ahead().type == TokenType::kOperator &&
                         ahead().text == "=";
    if (keyword) {
      call.keywords.push_back(now().text);
      next();
      next();
    } else if (!call.keywords.empty() || call.more_arguments || call.more_keywords) {
      return syntax_error(now().line, "a positional argument follows one with a name");
    }
    call.items.push_back(AQ_TRY(expression()));
  }
  return {};
}

// *list or **dict in a call, each at most once.
Status Parser::more_arguments(Expr& call) {
  ExprPtr& more = is_operator("*") ? call.more_arguments : call.more_keywords;
  if (more || call.more_keywords) return unexpected("one * and then one ** at most");
  next();
  more = AQ_TRY(expression());
  return {};
}

Result<ExprPtr> Parser::filters_and_tests(ExprPtr value) {
  while (true) {
    if (skip_operator("|")) {
      value = AQ_TRY(filter(std::move(value)));
    } else if (skip_name("is")) {
      value = AQ_TRY(test(std::move(value)));
    } else if (is_operator("(")) {
      Expr call{ExprKind::kCall, now().line};
      call.items.push_back(std::move(value));
      AQ_RETURN_IF_ERROR(arguments(call));
      value = AQ_TRY(finish(std::move(call)));
    } else {
      return value;
    }
  }
}

// After the bar.
Result<ExprPtr> Parser::filter(ExprPtr input) {
  Expr result{ExprKind::kFilter, now().line};
  result.items.push_back(std::move(input));
  result.name = AQ_TRY(identifier("the name of a filter"));
  if (is_operator("(")) AQ_RETURN_IF_ERROR(arguments(result));
  return finish(std::move(result));
}

Result<ExprPtr> Parser::filter_chain(ExprPtr input) {
  do {
    input = AQ_TRY(filter(std::move(input)));
  } while (skip_operator("|"));
  return input;
}

// After `is`.
Result<ExprPtr> Parser::test(ExprPtr value) {
  Expr result{ExprKind::kTest, now().line};
  const bool negated = skip_name("not");
  result.items.push_back(std::move(value));
  result.name = AQ_TRY(identifier("the name of a test"));
  const TokenType type = now().type;
  const bool operand = type == TokenType::kString || type == TokenType::kInteger ||
                       type == TokenType::kFloat || is_operator("[") || is_operator("{") ||
                       (type == TokenType::kName && !is_name("else") && !is_name("or") &&
                        !is_name("and") && !is_name("if") && !is_name("not") && !is_name("in"));
  if (is_operator("(")) {
    AQ_RETURN_IF_ERROR(arguments(result));
  } else if (is_name("is")) {
    return syntax_error(now().line, "tests cannot be chained with 'is'");
  } else if (operand) {
    result.items.push_back(AQ_TRY(postfix(AQ_TRY(primary()))));
  }
  ExprPtr plain = AQ_TRY(finish(std::move(result)));
  if (!negated) return plain;
  Expr negation{ExprKind::kNot, plain->line};
  negation.items.push_back(std::move(plain));
  return finish(std::move(negation));
}

}  // namespace aquilon::chat::jinja
