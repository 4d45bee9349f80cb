// The parsed template. Immutable, owned by its root; every node's height is bounded by the parser,
// so walking it cannot overflow the stack.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "chat/jinja/value_internal.h"

namespace aquilon::chat::jinja {

enum class ExprKind {
  kConst,        // constant
  kName,         // name
  kList,         // items
  kTuple,        // items
  kDict,         // items: key, value, key, value, ...
  kNegate,       // -items[0]
  kPlus,         // +items[0]
  kNot,          // not items[0]
  kArithmetic,   // items[0] operators[0] items[1] operators[1] ..., from the left
  kConcat,       // items joined by ~
  kAnd,          // all items
  kOr,           // any item
  kCompare,      // items[0] operators[0] items[1] operators[1] ..., as a chain
  kConditional,  // items[0] if items[1] else items[2] (null: undefined)
  kAttribute,    // items[0].name
  kItem,         // items[0][items[1]]
  kSlice,        // items[0][items[1]:items[2]:items[3]], each of the last three may be null
  kCall,         // items[0](arguments)
  kFilter,       // items[0] | name(arguments); items[0] null: the text of a filter block
  kTest,         // items[0] is name(arguments)
};

enum class Operator {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;

struct Expr {
  ExprKind kind;
  int line;
  int height = 1;
  Value constant = {};
  std::string name = {};
  std::vector<ExprPtr> items = {};
  std::vector<Operator> operators = {};
  std::vector<std::string> keywords = {};  // of arguments: the last items, one name each
  ExprPtr more_arguments = {};             // *these
  ExprPtr more_keywords = {};              // **these
};

struct Stmt;
using Block = std::vector<Stmt>;

// Where a value goes: a name, an attribute of a namespace (`ns.x`), or several targets.
struct Target {
  std::string name = {};
  std::string attribute = {};
  std::vector<Target> parts = {};
};

struct TextStmt {
  TextPtr text;
};
struct PrintStmt {
  ExprPtr value;
};
struct Branch {
  ExprPtr test;  // null: else
  Block body;
};
struct IfStmt {
  std::vector<Branch> branches;
};
struct ForStmt {
  Target target;
  ExprPtr iterable;
  ExprPtr test;  // may be null
  Block body;
  Block otherwise;
};
struct SetStmt {
  Target target;
  ExprPtr value;
};
struct SetBlockStmt {
  Target target;
  ExprPtr filter;  // may be null
  Block body;
};
struct Parameter {
  std::string name;
  ExprPtr fallback;  // null: undefined when left out
};
struct MacroStmt {
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
  bool takes_caller = false;   // its body says `caller`
  bool takes_varargs = false;  // ... `varargs`
  bool takes_kwargs = false;   // ... `kwargs`
};
struct CallBlockStmt {
  ExprPtr call;
  MacroStmt caller;
};
struct FilterBlockStmt {
  ExprPtr filter;
  Block body;
};
struct WithStmt {
  std::vector<std::pair<Target, ExprPtr>> values;
  Block body;
};
struct BreakStmt {};
struct ContinueStmt {};

struct Stmt {
  int line;
  std::variant<TextStmt, PrintStmt, IfStmt, ForStmt, SetStmt, SetBlockStmt, MacroStmt,
               CallBlockStmt, FilterBlockStmt, WithStmt, BreakStmt, ContinueStmt>
      node;
};

}  // namespace aquilon::chat::jinja
