#include "constraint/grammar.h"

#include "constraint/cfg_reader_internal.h"
#include "constraint/grammar_core_internal.h"
#include "constraint/parts_internal.h"
#include "constraint/pattern_internal.h"
#include "constraint/schema_compiler_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::size_t kMaxNodes = 400'000;
constexpr std::size_t kCompileWork = 6'000'000;  // derivatives; some 0.3 s

std::unique_ptr<Machine> make_machine(const GrammarOptions& options) {
  auto store = std::make_unique<RegexStore>(kMaxNodes);
  store->allow_work(kCompileWork);
  return std::make_unique<Machine>(std::move(store), options.whitespace,
                                   MachineLimits{.memory_bytes = options.memory_bytes});
}

Error no_text(std::string_view what) {
  return make_error(Code::kInvalidArgument, "no text satisfies the {}", what);
}

std::shared_ptr<GrammarCore> make_core(std::unique_ptr<Machine> machine, State start,
                                       const GrammarOptions& options) {
  return std::make_shared<GrammarCore>(std::move(machine), start, options.memory_bytes);
}

}  // namespace

Result<Grammar> Grammar::json_schema(const boost::json::value& schema,
                                     const GrammarOptions& options, SchemaRefusal* refusal) {
  std::unique_ptr<Machine> machine = make_machine(options);
  SchemaCompiler compiler(schema, machine->regexes(), options.schema_key_order);
  if (auto refused = compiler.compile(machine->schema())) {
    Error error =
        make_error(Code::kInvalidArgument, "the schema at '{}'{}: {}", "#" + refused->pointer,
                   refused->keyword.empty() ? "" : ", " + refused->keyword, refused->reason);
    if (refusal != nullptr) *refusal = std::move(*refused);
    return error;
  }
  const State start = machine->start_schema();
  return Grammar(make_core(std::move(machine), start, options));
}

Result<Grammar> Grammar::json_object(const GrammarOptions& options) {
  return json_schema(boost::json::object{{"type", "object"}}, options);
}

Result<Grammar> Grammar::regex(std::string_view pattern, const GrammarOptions& options) {
  std::unique_ptr<Machine> machine = make_machine(options);
  const RegexId id = AQ_TRY(compile_pattern(machine->regexes(), pattern,
                                            {.spelling = Spelling::kPlain, .search = false}));
  const bool empty = machine->regexes().is_empty(id);
  if (machine->regexes().exhausted())
    return Error{Code::kUnsupported,
                 "the regular expression needs too many states to be enforced: a simpler one is "
                 "needed"};
  if (empty) return no_text("regular expression");
  const State start = machine->start_regex(id);
  return Grammar(make_core(std::move(machine), start, options));
}

Result<Grammar> Grammar::choice(std::span<const std::string> texts, const GrammarOptions& options) {
  if (texts.empty()) return Error{Code::kInvalidArgument, "there is no choice to choose from"};
  std::size_t bytes = 0;
  for (const std::string& text : texts) {
    if (text.empty()) return Error{Code::kInvalidArgument, "one of the choices is empty"};
    bytes += text.size();
  }
  if (bytes > kMaxNodes / 2)
    return make_error(Code::kUnsupported, "the choices have {} bytes; at most {} are enforced",
                      bytes, kMaxNodes / 2);
  std::unique_ptr<Machine> machine = make_machine(options);
  std::vector<std::string> copy(texts.begin(), texts.end());
  const State start = machine->start_regex(machine->regexes().literals(copy));
  return Grammar(make_core(std::move(machine), start, options));
}

namespace {

Result<std::shared_ptr<GrammarCore>> cfg_core(Result<CfgSource> source,
                                              std::unique_ptr<Machine> machine,
                                              const GrammarOptions& options) {
  if (!source.ok()) return std::move(source).error();
  AQ_RETURN_IF_ERROR(compile_cfg(*source, machine->regexes(), machine->cfg()));
  const State start = machine->start_cfg();
  if (machine->exhausted())
    return Error{Code::kUnsupported, "the grammar needs too many states to be enforced"};
  if (start == kDead) return no_text("grammar");
  return make_core(std::move(machine), start, options);
}

}  // namespace

Result<Grammar> Grammar::gbnf(std::string_view text, const GrammarOptions& options) {
  std::unique_ptr<Machine> machine = make_machine(options);
  auto source = parse_gbnf(text, machine->regexes());
  return Grammar(AQ_TRY(cfg_core(std::move(source), std::move(machine), options)));
}

Result<Grammar> Grammar::lark(std::string_view text, const GrammarOptions& options) {
  std::unique_ptr<Machine> machine = make_machine(options);
  auto source = parse_lark(text, machine->regexes());
  return Grammar(AQ_TRY(cfg_core(std::move(source), std::move(machine), options)));
}

Result<Grammar> Grammar::parts(const Part& part, const GrammarOptions& options) {
  std::unique_ptr<Machine> machine = make_machine(options);
  auto source = parts_source(part, *machine);
  return Grammar(AQ_TRY(cfg_core(std::move(source), std::move(machine), options)));
}

std::size_t Grammar::memory_bytes() const {
  const std::lock_guard lock(core_->mutex());
  return core_->memory_bytes();
}

}  // namespace aquilon::constraint
