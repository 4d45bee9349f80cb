#include "constraint/grammar.h"

#include <algorithm>

#include "constraint/cfg_reader_internal.h"
#include "constraint/grammar_core_internal.h"
#include "constraint/parts_internal.h"
#include "constraint/pattern_internal.h"
#include "constraint/schema_compiler_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::size_t kMaxNodes = 400'000;

// A machine that is being made, and what that costs.
class Compiling {
 public:
  explicit Compiling(const GrammarOptions& options)
      : options_(options), budget_(options.budget != nullptr ? *options.budget : own_) {
    auto store = std::make_unique<RegexStore>(kMaxNodes);
    allowed_ = std::min(budget_.work, kCompileWork);
    store->meter().limit_memory(options.memory_bytes);
    store->meter().allow(allowed_, budget_.stop);
    machine_ = std::make_unique<Machine>(std::move(store), options.whitespace,
                                         MachineLimits{.memory_bytes = options.memory_bytes});
  }
  ~Compiling() {
    if (machine_ != nullptr) settle();
  }
  Compiling(const Compiling&) = delete;
  Compiling& operator=(const Compiling&) = delete;

  Machine& machine() { return *machine_; }
  RegexStore& store() { return machine_->regexes(); }
  std::shared_ptr<GrammarCore> core(State start) {
    settle();
    return std::make_shared<GrammarCore>(std::move(machine_), start, options_.memory_bytes);
  }

 private:
  void settle() {
    budget_.take(allowed_ - store().meter().left());
    store().meter().allow(kCompileWork);  // the first step allows its own
  }

  const GrammarOptions& options_;
  CompileBudget own_;
  CompileBudget& budget_;
  std::size_t allowed_ = 0;
  std::unique_ptr<Machine> machine_;
};

Error too_much(std::string_view what, RegexStore& store) {
  return make_error(
      Code::kUnsupported, "the {} {}", what,
      store.exhausted() ? store.meter().shortage() : "needs too many states to be enforced");
}

Error no_text(std::string_view what) {
  return make_error(Code::kInvalidArgument, "no text satisfies the {}", what);
}

}  // namespace

Result<Grammar> Grammar::json_schema(const boost::json::value& schema,
                                     const GrammarOptions& options, SchemaRefusal* refusal) {
  Compiling compiling(options);
  SchemaCompiler compiler(schema, compiling.store(), options.schema_key_order);
  if (auto refused = compiler.compile(compiling.machine().schema())) {
    Error error =
        make_error(Code::kInvalidArgument, "the schema at '{}'{}: {}", "#" + refused->pointer,
                   refused->keyword.empty() ? "" : ", " + refused->keyword, refused->reason);
    if (refusal != nullptr) *refusal = std::move(*refused);
    return error;
  }
  return Grammar(compiling.core(compiling.machine().start_schema()));
}

Result<Grammar> Grammar::json_object(const GrammarOptions& options) {
  return json_schema(boost::json::object{{"type", "object"}}, options);
}

Result<Grammar> Grammar::regex(std::string_view pattern, const GrammarOptions& options) {
  Compiling compiling(options);
  const RegexId id = AQ_TRY(
      compile_pattern(compiling.store(), pattern, {.spelling = Spelling::kPlain, .search = false}));
  const bool empty = compiling.store().is_empty(id);
  if (compiling.store().exhausted()) return too_much("regular expression", compiling.store());
  if (empty) return no_text("regular expression");
  return Grammar(compiling.core(compiling.machine().start_regex(id)));
}

Result<Grammar> Grammar::choice(std::span<const std::string> texts, const GrammarOptions& options) {
  if (texts.empty()) return Error{Code::kInvalidArgument, "there is no choice to choose from"};
  for (const std::string& text : texts)
    if (text.empty()) return Error{Code::kInvalidArgument, "one of the choices is empty"};
  Compiling compiling(options);
  const RegexId id = compiling.store().literals({texts.begin(), texts.end()});
  if (compiling.store().exhausted()) return too_much("list of choices", compiling.store());
  return Grammar(compiling.core(compiling.machine().start_regex(id)));
}

namespace {

Result<std::shared_ptr<GrammarCore>> cfg_core(Result<CfgSource> source, Compiling& compiling) {
  if (!source.ok()) return std::move(source).error();
  Machine& machine = compiling.machine();
  AQ_RETURN_IF_ERROR(compile_cfg(*source, machine.regexes(), machine.cfg()));
  const State start = machine.start_cfg();
  if (machine.exhausted()) return too_much("grammar", machine.regexes());
  if (start == kDead) return no_text("grammar");
  return compiling.core(start);
}

}  // namespace

Result<Grammar> Grammar::gbnf(std::string_view text, const GrammarOptions& options) {
  Compiling compiling(options);
  return Grammar(AQ_TRY(cfg_core(parse_gbnf(text, compiling.store()), compiling)));
}

Result<Grammar> Grammar::lark(std::string_view text, const GrammarOptions& options) {
  Compiling compiling(options);
  return Grammar(AQ_TRY(cfg_core(parse_lark(text, compiling.store()), compiling)));
}

Result<Grammar> Grammar::parts(const Part& part, const GrammarOptions& options) {
  Compiling compiling(options);
  return Grammar(AQ_TRY(cfg_core(parts_source(part, compiling.machine()), compiling)));
}

std::size_t Grammar::memory_bytes() const {
  const std::lock_guard lock(core_->mutex());
  return core_->memory_bytes();
}

}  // namespace aquilon::constraint
