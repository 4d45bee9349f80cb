// What follows a value: attributes, subscripts, calls, filters, tests.
#include "chat/jinja/parser_internal.h"

namespace aquilon::chat::jinja {

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
