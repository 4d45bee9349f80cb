// Tokens to tree, by jinja2's grammar.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/jinja/ast_internal.h"
#include "chat/jinja/lexer_internal.h"

namespace aquilon::chat::jinja {

inline constexpr std::size_t kMaxTemplateBytes = 1 << 20;
inline constexpr int kMaxNesting = 100;     // brackets, tags and unary operators within each other
inline constexpr int kMaxExprHeight = 200;  // for chains like a.b.c | d | e

// Time linear in `source`. Errors: kInvalidArgument with line and what was expected; kUnsupported
// names the feature.
Result<Block> parse(std::string_view source);

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Result<Block> run();

 private:
  // parser.cpp: tags
  Result<Block> block(std::initializer_list<std::string_view> ends);
  Result<Stmt> statement();
  Result<Stmt> tag_statement(int line, const std::string& word);
  Result<Stmt> print_statement();
  Result<Stmt> if_statement(int line);
  Result<Stmt> for_statement(int line);
  Result<Stmt> set_statement(int line);
  Result<Stmt> macro_statement(int line);
  Result<Stmt> call_statement(int line);
  Result<Stmt> filter_statement(int line);
  Result<Stmt> with_statement(int line);
  Result<Stmt> generation_statement(int line);
  Result<Stmt> loop_control(int line, bool is_break);
  Result<Block> body_until(std::initializer_list<std::string_view> ends);
  Result<Block> macro_body(MacroStmt& macro, std::string_view end);
  Result<std::vector<Parameter>> parameters();
  Result<Target> target(bool with_namespace);
  Result<Target> single_target(bool with_namespace);

  // parser_expressions.cpp
  Result<ExprPtr> expression();
  Result<ExprPtr> conditional();
  Result<ExprPtr> or_expression();
  Result<ExprPtr> and_expression();
  Result<ExprPtr> not_expression();
  Result<ExprPtr> comparison();
  Result<ExprPtr> sum();
  Result<ExprPtr> concatenation();
  Result<ExprPtr> product();
  Result<ExprPtr> power();
  Result<ExprPtr> unary(bool with_filters);
  Result<ExprPtr> primary();
  Result<ExprPtr> name_or_constant();
  Result<ExprPtr> number();
  Result<ExprPtr> list();
  Result<ExprPtr> dict();
  // One expression, or a tuple where commas follow. Conditionals only `with_conditional`.
  Result<ExprPtr> tuple(bool with_conditional);

  // parser_postfix.cpp
  Result<ExprPtr> postfix(ExprPtr value);
  Result<ExprPtr> subscript(ExprPtr value);
  Result<ExprPtr> filters_and_tests(ExprPtr value);
  Result<ExprPtr> filter(ExprPtr input);
  Result<ExprPtr> filter_chain(ExprPtr input);
  Result<ExprPtr> test(ExprPtr value);
  Status arguments(Expr& call);
  Status more_arguments(Expr& call);

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead(std::size_t n = 1) const {
    return tokens_[std::min(at_ + n, tokens_.size() - 1)];
  }
  void next() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool is_operator(std::string_view op) const {
    return now().type == TokenType::kOperator && now().text == op;
  }
  bool is_name(std::string_view name) const {
    return now().type == TokenType::kName && now().text == name;
  }
  bool skip_operator(std::string_view op);
  bool skip_name(std::string_view name);
  Status expect_operator(std::string_view op);
  Status expect_name(std::string_view name);
  Status expect_block_end();
  Result<std::string> identifier(std::string_view what);
  Error unexpected(std::string_view wanted) const;

  // Sets the height; an error where it is too large.
  Result<ExprPtr> finish(Expr expr) const;

  // Counts nesting while alive.
  struct Level {
    explicit Level(int& depth) : depth(depth) { ++depth; }
    ~Level() { --depth; }
    int& depth;
  };
  Status check_nesting() const;

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;               // that `break` could leave
  MacroStmt* macro_ = nullptr;  // being parsed
};

}  // namespace aquilon::chat::jinja
