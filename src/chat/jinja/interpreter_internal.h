// Walks the tree of a template and writes its output. One object renders once.
//
// It does what jinja2 does as transformers sets it up (sandbox, trim_blocks, lstrip_blocks, loop
// controls), with these differences, all of them meant:
// - map, select, items() and their kin give lists at once instead of iterators;
// - `safe` and `escape` give plain text: nothing is escaped because of what it is added to;
// - lists that the template made have append, extend, insert and pop;
// - integers have 64 bits, and everything has a budget (budget_internal.h);
// - no block, include, import, recursive loop, groupby, cycler and the like: refused by name.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "chat/jinja/ast_internal.h"
#include "chat/jinja/budget_internal.h"
#include "chat/jinja/value_internal.h"

namespace aquilon::chat::jinja {

// Variables of a loop body, a macro call, a `with`; names not found are looked for in the parent.
struct Scope {
  std::shared_ptr<Scope> parent = {};
  std::map<std::string, Value, std::less<>> variables = {};
};
using ScopePtr = std::shared_ptr<Scope>;

// Sets `place` to a value, and back when its scope ends.
template <class T>
struct Restore {
  Restore(T& place, T value) : place(place), old(std::exchange(place, std::move(value))) {}
  ~Restore() { place = std::move(old); }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;
  T& place;
  T old;
};

class Interpreter {
 public:
  explicit Interpreter(std::chrono::system_clock::time_point now);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  void define(std::string name, Value value);
  // Errors: kInvalidArgument, kUnsupported, with the line in front; raise_exception's words as they
  // are.
  Result<TracedText> run(const Block& root);

  // For built-in functions.
  Budget& budget() { return budget_; }
  std::chrono::system_clock::time_point now() const { return now_; }
  Result<Value> call(const Value& callee, CallArgs args);
  Result<Value> attribute(const Value& object, std::string_view name);  // object.name
  Result<Value> item(const Value& object, const Value& key);            // object[key]
  // "a.b.0" or an index, one step after the other, as the filters with `attribute` take it; the
  // fallback, if there is one, stands for every step that is not there.
  Result<Value> attribute_path(const Value& object, const Value& path,
                               const Value* fallback = nullptr);
  Result<Value> filter(std::string_view name, Value input, CallArgs args);
  Result<bool> test(std::string_view name, const Value& value, CallArgs args);
  // The error of a template that refuses its input, in its own words.
  Error raise(std::string words);
  // Everything that may be changed after it was made is kept and emptied at the end: values may
  // then hold each other in circles, or in long chains, without harm.
  void keep(ListPtr list) { lists_.push_back(std::move(list)); }
  void keep(NamespacePtr space) { spaces_.push_back(std::move(space)); }

 private:
  enum class Flow { kNormal, kBreak, kContinue };

  // interpreter.cpp: statements
  Result<Flow> execute(const Block& block);
  Result<Flow> execute(const Stmt& statement);
  Result<Flow> execute_if(const IfStmt& statement);
  Result<Flow> execute_for(const ForStmt& statement);
  Result<std::vector<Value>> loop_items(const ForStmt& statement);
  Status execute_set(const Target& target, Value value);
  Status execute_set_block(const SetBlockStmt& statement);
  Status execute_call_block(const CallBlockStmt& statement);
  Status execute_filter_block(const FilterBlockStmt& statement);
  Result<Flow> execute_with(const WithStmt& statement);
  Status unpack(const Target& target, const Value& value);
  Status emit(const TracedText& text);
  // What `block` writes, in a scope of its own.
  Result<TracedText> capture(const Block& block, ScopePtr scope);
  Value make_macro(const MacroStmt& macro);
  Result<Value> call_macro(const MacroStmt& macro, const ScopePtr& scope, CallArgs args);
  Status bind_parameters(const MacroStmt& macro, CallArgs args, Scope& scope);

  // evaluate.cpp: expressions
  Result<Value> evaluate(const Expr& expr);
  Result<Value> evaluate_node(const Expr& expr);
  Result<std::vector<Value>> evaluate_all(const std::vector<ExprPtr>& items);
  Result<Value> evaluate_dict(const Expr& expr);
  Result<Value> evaluate_chain(const Expr& expr);
  Result<Value> evaluate_concat(const Expr& expr);
  Result<Value> evaluate_logic(const Expr& expr);
  Result<Value> evaluate_comparison(const Expr& expr);
  Result<Value> evaluate_conditional(const Expr& expr);
  Result<Value> evaluate_slice(const Expr& expr);
  Result<Value> evaluate_call(const Expr& expr, CallArgs extra);
  Result<Value> evaluate_filter(const Expr& expr, const Value* block_text);
  Result<CallArgs> evaluate_arguments(const Expr& expr, std::size_t fixed);
  Result<Value> slice(const Value& object, const Value& start, const Value& stop,
                      const Value& step);
  Value lookup(std::string_view name) const;

  // To be asked before depth_ grows.
  Status check_depth() const;

  Budget budget_;
  std::chrono::system_clock::time_point now_;
  ScopePtr scope_;
  TracedText* out_ = nullptr;  // where the running block writes
  int line_ = 1;
  int depth_ = 0;
  int macro_depth_ = 0;
  bool raised_ = false;
  std::vector<ScopePtr> captured_;  // by macros
  std::vector<ListPtr> lists_;
  std::vector<NamespacePtr> spaces_;
};

}  // namespace aquilon::chat::jinja
