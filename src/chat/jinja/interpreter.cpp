#include <utility>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/format_internal.h"
#include "chat/jinja/interpreter_internal.h"
#include "chat/jinja/operators_internal.h"

namespace aquilon::chat::jinja {

Interpreter::Interpreter(std::chrono::system_clock::time_point now)
    : now_(now), scope_(std::make_shared<Scope>()) {
  define_globals(*this);
}

Interpreter::~Interpreter() {
  for (const ScopePtr& scope : captured_) scope->variables.clear();
  for (const ListPtr& list : lists_) list->items.clear();
  for (const NamespacePtr& space : spaces_) space->attributes.clear();
}

void Interpreter::define(std::string name, Value value) {
  scope_->variables.insert_or_assign(std::move(name), std::move(value));
}

Error Interpreter::raise(std::string words) {
  raised_ = true;
  return Error{Code::kInvalidArgument, std::move(words)};
}

Result<TracedText> Interpreter::run(const Block& root) {
  auto text = capture(root, std::make_shared<Scope>(Scope{scope_}));
  if (text.ok() || raised_) return text;
  return std::move(text).error().with_context(fmt::format("chat template: line {}", line_));
}

Result<TracedText> Interpreter::capture(const Block& block, ScopePtr scope) {
  TracedText text;
  Restore<TracedText*> out(out_, &text);
  Restore<ScopePtr> inner(scope_, std::move(scope));
  AQ_TRY(execute(block));
  return text;
}

Status Interpreter::emit(const TracedText& text) {
  const CheckedSize size = CheckedSize(out_->footprint()) + text.footprint();
  if (!size.at_most(kMaxTextBytes)) return budget_.allow_text(kMaxTextBytes + 1);
  AQ_RETURN_IF_ERROR(budget_.allow_text(text.footprint()));
  out_->append(text);
  return {};
}

Result<Interpreter::Flow> Interpreter::execute(const Block& block) {
  for (const Stmt& statement : block) {
    const Flow flow = AQ_TRY(execute(statement));
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Result<Interpreter::Flow> Interpreter::execute(const Stmt& statement) {
  AQ_RETURN_IF_ERROR(budget_.spend(1));
  AQ_RETURN_IF_ERROR(check_depth());
  Restore<int> level(depth_, depth_ + 1);
  line_ = statement.line;
  if (const auto* text = std::get_if<TextStmt>(&statement.node)) {
    AQ_RETURN_IF_ERROR(emit(*text->text));
  } else if (const auto* print = std::get_if<PrintStmt>(&statement.node)) {
    AQ_RETURN_IF_ERROR(emit(*AQ_TRY(to_text(budget_, AQ_TRY(evaluate(*print->value))))));
  } else if (const auto* choice = std::get_if<IfStmt>(&statement.node)) {
    return execute_if(*choice);
  } else if (const auto* loop = std::get_if<ForStmt>(&statement.node)) {
    return execute_for(*loop);
  } else if (const auto* set = std::get_if<SetStmt>(&statement.node)) {
    AQ_RETURN_IF_ERROR(execute_set(set->target, AQ_TRY(evaluate(*set->value))));
  } else if (const auto* block = std::get_if<SetBlockStmt>(&statement.node)) {
    AQ_RETURN_IF_ERROR(execute_set_block(*block));
  } else if (const auto* macro = std::get_if<MacroStmt>(&statement.node)) {
    scope_->variables.insert_or_assign(macro->name, make_macro(*macro));
  } else if (const auto* call = std::get_if<CallBlockStmt>(&statement.node)) {
    AQ_RETURN_IF_ERROR(execute_call_block(*call));
  } else if (const auto* filtered = std::get_if<FilterBlockStmt>(&statement.node)) {
    AQ_RETURN_IF_ERROR(execute_filter_block(*filtered));
  } else if (const auto* with = std::get_if<WithStmt>(&statement.node)) {
    return execute_with(*with);
  } else {
    return std::holds_alternative<BreakStmt>(statement.node) ? Flow::kBreak : Flow::kContinue;
  }
  return Flow::kNormal;
}

Result<Interpreter::Flow> Interpreter::execute_if(const IfStmt& statement) {
  for (const Branch& branch : statement.branches) {
    if (!branch.test || AQ_TRY(evaluate(*branch.test)).truthy()) return execute(branch.body);
  }
  return Flow::kNormal;
}

// The items that pass the loop's own `if`.
Result<std::vector<Value>> Interpreter::loop_items(const ForStmt& statement) {
  const Value iterable = AQ_TRY(evaluate(*statement.iterable));
  std::vector<Value> items = AQ_TRY(iterate(budget_, iterable));
  if (!statement.test) return items;
  std::vector<Value> chosen;
  for (Value& item : items) {
    Restore<ScopePtr> inner(scope_, std::make_shared<Scope>(Scope{scope_}));
    AQ_RETURN_IF_ERROR(unpack(statement.target, item));
    if (AQ_TRY(evaluate(*statement.test)).truthy()) chosen.push_back(std::move(item));
  }
  return chosen;
}

Result<Interpreter::Flow> Interpreter::execute_for(const ForStmt& statement) {
  const Value items = Value::list(AQ_TRY(loop_items(statement)));
  const std::size_t count = items.list()->items.size();
  const auto loop = std::make_shared<Loop>(Loop{*items.get_if<ListPtr>()});
  bool completed =
      false;  // a round: as in jinja2, `else` also follows rounds that were all cut short
  for (std::size_t i = 0; i < count; ++i) {
    AQ_RETURN_IF_ERROR(budget_.spend(1));
    Restore<ScopePtr> inner(scope_, std::make_shared<Scope>(Scope{scope_}));
    loop->index = i;
    scope_->variables.insert_or_assign("loop", Value(loop));
    AQ_RETURN_IF_ERROR(unpack(statement.target, loop->items->items[i]));
    const Flow flow = AQ_TRY(execute(statement.body));
    if (flow == Flow::kBreak) break;
    completed = completed || flow == Flow::kNormal;
  }
  if (completed) return Flow::kNormal;
  Restore<ScopePtr> inner(scope_, std::make_shared<Scope>(Scope{scope_}));
  return execute(statement.otherwise);
}

Status Interpreter::unpack(const Target& target, const Value& value) {
  if (target.parts.empty()) return execute_set(target, value);
  AQ_RETURN_IF_ERROR(check_depth());
  Restore<int> level(depth_, depth_ + 1);
  const std::vector<Value> items = AQ_TRY(iterate(budget_, value));
  if (items.size() != target.parts.size()) {
    return make_error(Code::kInvalidArgument, "cannot unpack {} values into {} variables",
                      items.size(), target.parts.size());
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    AQ_RETURN_IF_ERROR(unpack(target.parts[i], items[i]));
  }
  return {};
}

Status Interpreter::execute_set(const Target& target, Value value) {
  if (!target.parts.empty()) return unpack(target, value);
  if (target.attribute.empty()) {
    scope_->variables.insert_or_assign(target.name, std::move(value));
    return {};
  }
  const Value object = lookup(target.name);
  if (!object.space()) {
    return type_error(fmt::format("set the attribute '{}' of", target.attribute), object);
  }
  object.space()->attributes.insert_or_assign(target.attribute, std::move(value));
  return {};
}

Status Interpreter::execute_set_block(const SetBlockStmt& statement) {
  Value value = AQ_TRY(capture(statement.body, std::make_shared<Scope>(Scope{scope_})));
  if (statement.filter) value = AQ_TRY(evaluate_filter(*statement.filter, &value));
  return execute_set(statement.target, std::move(value));
}

Status Interpreter::execute_filter_block(const FilterBlockStmt& statement) {
  const Value text = AQ_TRY(capture(statement.body, std::make_shared<Scope>(Scope{scope_})));
  const Value filtered = AQ_TRY(evaluate_filter(*statement.filter, &text));
  return emit(*AQ_TRY(to_text(budget_, filtered)));
}

Status Interpreter::execute_call_block(const CallBlockStmt& statement) {
  CallArgs extra;
  extra.keyword.emplace_back("caller", make_macro(statement.caller));
  const Value result = AQ_TRY(evaluate_call(*statement.call, std::move(extra)));
  return emit(*AQ_TRY(to_text(budget_, result)));
}

Result<Interpreter::Flow> Interpreter::execute_with(const WithStmt& statement) {
  std::vector<Value> values;
  for (const auto& [target, expr] : statement.values) values.push_back(AQ_TRY(evaluate(*expr)));
  Restore<ScopePtr> inner(scope_, std::make_shared<Scope>(Scope{scope_}));
  for (std::size_t i = 0; i < values.size(); ++i) {
    AQ_RETURN_IF_ERROR(unpack(statement.values[i].first, values[i]));
  }
  return execute(statement.body);
}

Value Interpreter::make_macro(const MacroStmt& macro) {
  // The macro holds its scope and the scope the macro: the circle is cut at the end.
  captured_.push_back(scope_);
  Function function{macro.name,
                    [&macro, scope = scope_](Interpreter& self, CallArgs args) -> Result<Value> {
                      return self.call_macro(macro, scope, std::move(args));
                    }};
  return std::make_shared<const Function>(std::move(function));
}

Status Interpreter::bind_parameters(const MacroStmt& macro, CallArgs args, Scope& scope) {
  auto& variables = scope.variables;
  const std::size_t known = macro.parameters.size();
  std::vector<Value> more;
  for (std::size_t i = 0; i < args.positional.size(); ++i) {
    if (i < known) {
      variables.insert_or_assign(macro.parameters[i].name, std::move(args.positional[i]));
    } else {
      more.push_back(std::move(args.positional[i]));
    }
  }
  auto named = std::make_shared<Dict>();
  for (auto& [name, value] : args.keyword) {
    const bool special = name == "caller" && macro.takes_caller;
    bool parameter = special;
    for (const Parameter& p : macro.parameters) parameter = parameter || p.name == name;
    if (parameter && variables.contains(name)) {
      return make_error(Code::kInvalidArgument, "{}() got two values for '{}'", macro.name, name);
    }
    if (parameter) {
      variables.insert_or_assign(name, std::move(value));
    } else if (macro.takes_kwargs) {
      named->set(TracedText::trusted(name), std::move(value));
    } else {
      return make_error(Code::kInvalidArgument, "{}() has no parameter '{}'", macro.name, name);
    }
  }
  if (!more.empty() && !macro.takes_varargs) {
    return make_error(Code::kInvalidArgument, "{}() takes at most {} arguments", macro.name, known);
  }
  if (macro.takes_varargs) variables.insert_or_assign("varargs", Value::tuple(std::move(more)));
  if (macro.takes_kwargs) variables.insert_or_assign("kwargs", Value(std::move(named)));
  if (macro.takes_caller) {
    variables.try_emplace("caller", Value::undefined("the macro was called without a caller"));
  }
  return {};
}

Result<Value> Interpreter::call_macro(const MacroStmt& macro, const ScopePtr& scope,
                                      CallArgs args) {
  if (macro_depth_ >= kMaxMacroDepth) {
    return make_error(Code::kInvalidArgument, "macros call each other more than {} levels deep",
                      kMaxMacroDepth);
  }
  Restore<int> level(macro_depth_, macro_depth_ + 1);
  auto inner = std::make_shared<Scope>(Scope{scope});
  AQ_RETURN_IF_ERROR(bind_parameters(macro, std::move(args), *inner));
  for (const Parameter& parameter : macro.parameters) {
    if (inner->variables.contains(parameter.name)) continue;
    Value value = Value::undefined(fmt::format("parameter '{}' was not given", parameter.name));
    if (parameter.fallback) {
      Restore<ScopePtr> where(scope_, inner);
      value = AQ_TRY(evaluate(*parameter.fallback));
    }
    inner->variables.insert_or_assign(parameter.name, std::move(value));
  }
  return Value(AQ_TRY(capture(macro.body, std::move(inner))));
}

}  // namespace aquilon::chat::jinja
