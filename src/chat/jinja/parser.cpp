#include <algorithm>
#include <array>

#include "chat/jinja/parser_internal.h"

namespace aquilon::chat::jinja {
namespace {

constexpr std::array<std::string_view, 9> kUnsupportedTags = {
    "block", "extends", "include", "import", "from", "do", "autoescape", "trans", "debug"};

std::string describe(const Token& token) {
  switch (token.type) {
    case TokenType::kEnd:
      return "the end of the template";
    case TokenType::kVariableEnd:
      return "}}";
    case TokenType::kBlockEnd:
      return "%}";
    case TokenType::kData:
    case TokenType::kVariableBegin:
    case TokenType::kBlockBegin:
      return "the end of the tag";
    case TokenType::kString:
      return "a string";
    default:
      return "'" + token.text.substr(0, 40) + "'";
  }
}

}  // namespace

Error Parser::unexpected(std::string_view wanted) const {
  return syntax_error(now().line, fmt::format("expected {}, found {}", wanted, describe(now())));
}

bool Parser::skip_operator(std::string_view op) {
  if (!is_operator(op)) return false;
  next();
  return true;
}

bool Parser::skip_name(std::string_view name) {
  if (!is_name(name)) return false;
  next();
  return true;
}

Status Parser::expect_operator(std::string_view op) {
  if (skip_operator(op)) return {};
  return unexpected(fmt::format("'{}'", op));
}

Status Parser::expect_name(std::string_view name) {
  if (skip_name(name)) return {};
  return unexpected(fmt::format("'{}'", name));
}

Status Parser::expect_block_end() {
  if (now().type != TokenType::kBlockEnd) return unexpected("%}");
  next();
  return {};
}

Result<std::string> Parser::identifier(std::string_view what) {
  if (now().type != TokenType::kName) return unexpected(what);
  std::string name = now().text;
  next();
  return name;
}

Status Parser::check_nesting() const {
  if (nesting_ <= kMaxNesting) return {};
  return syntax_error(now().line, fmt::format("nested deeper than {} levels", kMaxNesting));
}

Result<Block> Parser::run() {
  Block root = AQ_TRY(block({}));
  if (now().type != TokenType::kEnd) return unexpected("the end of the template");
  return root;
}

// Statements up to a tag whose word is one of `ends`; stops at that word. Without `ends`: all.
Result<Block> Parser::block(std::initializer_list<std::string_view> ends) {
  Block statements;
  while (now().type != TokenType::kEnd) {
    if (now().type == TokenType::kBlockBegin && ahead().type == TokenType::kName &&
        std::find(ends.begin(), ends.end(), ahead().text) != ends.end()) {
      next();
      return statements;
    }
    statements.push_back(AQ_TRY(statement()));
  }
  if (ends.size() == 0) return statements;
  return unexpected(fmt::format("{{% {} %}}", *(ends.end() - 1)));
}

Result<Stmt> Parser::statement() {
  const int line = now().line;
  if (now().type == TokenType::kData) {
    auto text = std::make_shared<const TracedText>(TracedText::trusted(now().text));
    next();
    return Stmt{line, TextStmt{std::move(text)}};
  }
  if (now().type == TokenType::kVariableBegin) return print_statement();
  next();
  const std::string word = AQ_TRY(identifier("the name of a tag"));
  Level level(nesting_);
  AQ_RETURN_IF_ERROR(check_nesting());
  return tag_statement(line, word);
}

Result<Stmt> Parser::tag_statement(int line, const std::string& word) {
  if (word == "if") return if_statement(line);
  if (word == "for") return for_statement(line);
  if (word == "set") return set_statement(line);
  if (word == "macro") return macro_statement(line);
  if (word == "call") return call_statement(line);
  if (word == "filter") return filter_statement(line);
  if (word == "with") return with_statement(line);
  if (word == "generation") return generation_statement(line);
  if (word == "break" || word == "continue") return loop_control(line, word == "break");
  if (std::find(kUnsupportedTags.begin(), kUnsupportedTags.end(), word) != kUnsupportedTags.end()) {
    return make_error(Code::kUnsupported, "line {}: the tag {{% {} %}} is not supported", line,
                      word);
  }
  if (word.starts_with("end") || word == "else" || word == "elif") {
    return syntax_error(line, fmt::format("{{% {} %}} without the tag that it belongs to", word));
  }
  return syntax_error(line, fmt::format("unknown tag '{}'", word));
}

Result<Stmt> Parser::print_statement() {
  const int line = now().line;
  next();
  ExprPtr value = AQ_TRY(tuple(true));
  if (now().type != TokenType::kVariableEnd) return unexpected("}}");
  next();
  return Stmt{line, PrintStmt{std::move(value)}};
}

// "%}", statements, and the word of the tag that ends them (left to the caller).
Result<Block> Parser::body_until(std::initializer_list<std::string_view> ends) {
  AQ_RETURN_IF_ERROR(expect_block_end());
  return block(ends);
}

Result<Stmt> Parser::if_statement(int line) {
  IfStmt result;
  while (true) {
    ExprPtr condition = AQ_TRY(tuple(false));
    Block body = AQ_TRY(body_until({"elif", "else", "endif"}));
    result.branches.push_back({std::move(condition), std::move(body)});
    if (!skip_name("elif")) break;
  }
  if (skip_name("else")) {
    Block otherwise = AQ_TRY(body_until({"endif"}));
    result.branches.push_back({nullptr, std::move(otherwise)});
  }
  next();
  AQ_RETURN_IF_ERROR(expect_block_end());
  return Stmt{line, std::move(result)};
}

Result<Stmt> Parser::for_statement(int line) {
  ForStmt loop;
  loop.target = AQ_TRY(target(false));
  AQ_RETURN_IF_ERROR(expect_name("in"));
  loop.iterable = AQ_TRY(tuple(false));
  if (skip_name("if")) loop.test = AQ_TRY(expression());
  if (is_name("recursive")) {
    return make_error(Code::kUnsupported, "line {}: recursive loops are not supported", line);
  }
  ++loops_;
  auto body = body_until({"else", "endfor"});
  --loops_;
  loop.body = AQ_TRY(std::move(body));
  if (skip_name("else")) loop.otherwise = AQ_TRY(body_until({"endfor"}));
  next();
  AQ_RETURN_IF_ERROR(expect_block_end());
  return Stmt{line, std::move(loop)};
}

Result<Stmt> Parser::set_statement(int line) {
  Target where = AQ_TRY(target(true));
  if (skip_operator("=")) {
    ExprPtr value = AQ_TRY(tuple(true));
    AQ_RETURN_IF_ERROR(expect_block_end());
    return Stmt{line, SetStmt{std::move(where), std::move(value)}};
  }
  SetBlockStmt set;
  set.target = std::move(where);
  if (skip_operator("|")) set.filter = AQ_TRY(filter_chain(nullptr));
  if (now().type != TokenType::kBlockEnd) return unexpected("'=' or %}");
  set.body = AQ_TRY(body_until({"endset"}));
  next();
  AQ_RETURN_IF_ERROR(expect_block_end());
  return Stmt{line, std::move(set)};
}

Result<std::vector<Parameter>> Parser::parameters() {
  std::vector<Parameter> result;
  AQ_RETURN_IF_ERROR(expect_operator("("));
  while (!skip_operator(")")) {
    if (!result.empty()) AQ_RETURN_IF_ERROR(expect_operator(","));
    if (skip_operator(")")) break;
    Parameter parameter;
    parameter.name = AQ_TRY(identifier("the name of a parameter"));
    if (skip_operator("=")) {
      parameter.fallback = AQ_TRY(expression());
    } else if (!result.empty() && result.back().fallback) {
      return syntax_error(now().line, "a parameter without default follows one with a default");
    }
    result.push_back(std::move(parameter));
  }
  return result;
}

Result<Block> Parser::macro_body(MacroStmt& macro, std::string_view end) {
  MacroStmt* const outer = std::exchange(macro_, &macro);
  const int outer_loops = std::exchange(loops_, 0);
  auto body = body_until({end});
  macro_ = outer;
  loops_ = outer_loops;
  return body;
}

Result<Stmt> Parser::macro_statement(int line) {
  MacroStmt macro;
  macro.name = AQ_TRY(identifier("the name of the macro"));
  macro.parameters = AQ_TRY(parameters());
  macro.body = AQ_TRY(macro_body(macro, "endmacro"));
  next();
  AQ_RETURN_IF_ERROR(expect_block_end());
  return Stmt{line, std::move(macro)};
}

Result<Stmt> Parser::call_statement(int line) {
  CallBlockStmt result;
  result.caller.name = "caller";
  if (is_operator("(")) result.caller.parameters = AQ_TRY(parameters());
  result.call = AQ_TRY(expression());
  if (result.call->kind != ExprKind::kCall) return syntax_error(line, "expected a call");
  result.caller.body = AQ_TRY(macro_body(result.caller, "endcall"));
  next();
  AQ_RETURN_IF_ERROR(expect_block_end());
  return Stmt{line, std::move(result)};
}

Result<Stmt> Parser::filter_statement(int line) {
  FilterBlockStmt result;
  result.filter = AQ_TRY(filter_chain(nullptr));
  result.body = AQ_TRY(body_until({"endfilter"}));
  next();
  AQ_RETURN_IF_ERROR(expect_block_end());
  return Stmt{line, std::move(result)};
}

Result<Stmt> Parser::with_statement(int line) {
  WithStmt result;
  while (now().type != TokenType::kBlockEnd) {
    if (!result.values.empty()) AQ_RETURN_IF_ERROR(expect_operator(","));
    Target where = AQ_TRY(target(false));
    AQ_RETURN_IF_ERROR(expect_operator("="));
    ExprPtr value = AQ_TRY(expression());
    result.values.emplace_back(std::move(where), std::move(value));
  }
  result.body = AQ_TRY(body_until({"endwith"}));
  next();
  AQ_RETURN_IF_ERROR(expect_block_end());
  return Stmt{line, std::move(result)};
}

// Marks the model's own words for training masks; here only a scope.
Result<Stmt> Parser::generation_statement(int line) {
  WithStmt scope;
  scope.body = AQ_TRY(body_until({"endgeneration"}));
  next();
  AQ_RETURN_IF_ERROR(expect_block_end());
  return Stmt{line, std::move(scope)};
}

Result<Stmt> Parser::loop_control(int line, bool is_break) {
  if (loops_ == 0) {
    return syntax_error(line, fmt::format("{} outside a loop", is_break ? "break" : "continue"));
  }
  AQ_RETURN_IF_ERROR(expect_block_end());
  if (is_break) return Stmt{line, BreakStmt{}};
  return Stmt{line, ContinueStmt{}};
}

Result<Target> Parser::single_target(bool with_namespace) {
  Level level(nesting_);
  AQ_RETURN_IF_ERROR(check_nesting());
  if (skip_operator("(")) {
    Target inner = AQ_TRY(target(false));
    AQ_RETURN_IF_ERROR(expect_operator(")"));
    return inner;
  }
  Target result;
  result.name = AQ_TRY(identifier("the name of a variable"));
  static constexpr std::string_view kConstants[] = {"true", "false", "none",
                                                    "True", "False", "None"};
  if (std::find(std::begin(kConstants), std::end(kConstants), result.name) !=
      std::end(kConstants)) {
    return syntax_error(now().line, fmt::format("cannot assign to '{}'", result.name));
  }
  if (with_namespace && skip_operator(".")) {
    result.attribute = AQ_TRY(identifier("the name of an attribute"));
  }
  return result;
}

Result<Target> Parser::target(bool with_namespace) {
  Target first = AQ_TRY(single_target(with_namespace));
  if (!is_operator(",")) return first;
  Target all;
  all.parts.push_back(std::move(first));
  while (skip_operator(",")) {
    if (is_name("in") || is_operator("=") || is_operator(")")) break;
    all.parts.push_back(AQ_TRY(single_target(with_namespace)));
  }
  return all;
}

Result<Block> parse(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) {
    return make_error(Code::kInvalidArgument, "the chat template has {} bytes; the limit is {}",
                      source.size(), kMaxTemplateBytes);
  }
  return Parser(AQ_TRY(tokenize(source))).run();
}

}  // namespace aquilon::chat::jinja
