#include "constraint/parts.h"

#include "constraint/parts_internal.h"
#include "constraint/pattern_internal.h"
#include "constraint/schema_compiler_internal.h"

namespace aquilon::constraint {
namespace {

using Kind = CfgExpression::Kind;

constexpr int kMaxDepth = 64;

void shift(std::vector<Choice>& choices, std::uint32_t by) {
  for (Choice& choice : choices)
    if (choice.value != kNoValue) choice.value += by;
}

// Adds the tables of `more` and returns the number that its root has now.
ValueId append(SchemaProgram& to, SchemaProgram more) {
  if (to.values.empty()) to.values.emplace_back();                       // kNoValue
  const auto values = static_cast<std::uint32_t>(to.values.size()) - 1;  // its own kNoValue goes
  const auto objects = static_cast<std::uint32_t>(to.objects.size());
  const auto arrays = static_cast<std::uint32_t>(to.arrays.size());
  for (std::size_t i = 1; i < more.values.size(); ++i) {
    ValueShape& value = more.values[i];
    for (std::uint32_t& object : value.objects) object += objects;
    for (std::uint32_t& array : value.arrays) array += arrays;
    to.values.push_back(std::move(value));
  }
  for (ObjectShape& object : more.objects) {
    for (ObjectKey& key : object.keys) shift(key.choices, values);
    for (auto& entry : object.classes) shift(entry.second, values);
    to.objects.push_back(std::move(object));
  }
  for (ArrayShape& array : more.arrays) {
    for (std::vector<Choice>& item : array.items) shift(item, values);
    to.arrays.push_back(std::move(array));
  }
  to.free_keys = to.free_keys || more.free_keys;
  to.bytes += more.bytes;
  return more.root + values;
}

class Builder {
 public:
  Builder(Machine& machine, CfgSource& source)
      : machine_(machine), store_(machine.regexes()), source_(source) {}

  Result<CfgExpression> build(const Part& part, int depth) {
    if (depth > kMaxDepth) return Error{Code::kUnsupported, "parts nested too deeply"};
    switch (part.kind) {
      case Part::Kind::kText:
        return text(store_.literal(part.text));
      case Part::Kind::kControl:
        return text(store_.literal(kControlMark + part.text));
      case Part::Kind::kPattern:
        return text(AQ_TRY(
            compile_pattern(store_, part.text, {.spelling = Spelling::kPlain, .search = false})));
      case Part::Kind::kWithout:
        return without(part, depth);
      case Part::Kind::kValue:
        return value(part.schema);
      case Part::Kind::kGrammar:
        return grammar(part.text);
      case Part::Kind::kSequence:
      case Part::Kind::kChoice:
      case Part::Kind::kRepeat:
        break;
    }
    return group(part, depth);
  }

 private:
  static CfgExpression text(RegexId id) {
    CfgExpression e{Kind::kText};
    e.text = id;
    return e;
  }

  Result<CfgExpression> value(const boost::json::value& schema) {
    SchemaProgram program;
    SchemaCompiler compiler(schema, store_);
    if (const auto refused = compiler.compile(program))
      return make_error(Code::kInvalidArgument, "the schema at '{}'{}: {}", "#" + refused->pointer,
                        refused->keyword.empty() ? "" : ", " + refused->keyword, refused->reason);
    CfgExpression e{Kind::kValue};
    e.value = append(machine_.schema(), std::move(program));
    return e;
  }

  // Its rules stand behind those that are there already.
  Result<CfgExpression> grammar(std::string_view text) {
    const bool gbnf = text.find("::=") != text.npos;
    CfgSource more = AQ_TRY(gbnf ? parse_gbnf(text, store_) : parse_lark(text, store_));
    const auto before = static_cast<std::uint32_t>(source_.rules.size());
    for (CfgRule& rule : more.rules) {
      shift_rules(rule.body, before);
      source_.rules.push_back(std::move(rule));
    }
    CfgExpression e{Kind::kRule};
    e.rule = more.start + before;
    return e;
  }
  static void shift_rules(CfgExpression& e, std::uint32_t by) {
    if (e.kind == Kind::kRule) e.rule += by;
    for (CfgExpression& inner : e.parts) shift_rules(inner, by);
  }

  Result<CfgExpression> group(const Part& part, int depth) {
    CfgExpression e{part.kind == Part::Kind::kChoice ? Kind::kChoice : Kind::kSequence};
    for (const Part& inner : part.parts) {
      CfgExpression built = AQ_TRY(build(inner, depth + 1));
      e.parts.push_back(std::move(built));
    }
    if (part.kind != Part::Kind::kRepeat) return e;
    CfgExpression repeat{Kind::kRepeat};
    repeat.min = part.min;
    repeat.max = part.max;
    repeat.parts.push_back(std::move(e));
    return repeat;
  }

  // Texts, patterns, control tokens, and sequences and choices of them.
  Result<RegexId> regular(const Part& part, int depth) {
    const CfgExpression e = AQ_TRY(build(part, depth));
    return regular(e);
  }
  Result<RegexId> regular(const CfgExpression& e) {
    if (e.kind == Kind::kText) return e.text;
    if (e.kind != Kind::kSequence && e.kind != Kind::kChoice)
      return Error{Code::kInternal, "only regular parts can be left out of a text"};
    std::vector<RegexId> ids;
    for (const CfgExpression& inner : e.parts) ids.push_back(AQ_TRY(regular(inner)));
    if (e.kind == Kind::kChoice) return store_.any_of(std::move(ids));
    RegexId all = kEmptyText;
    for (std::size_t i = ids.size(); i-- > 0;) all = store_.concat(ids[i], all);
    return all;
  }

  Result<CfgExpression> without(const Part& part, int depth) {
    std::vector<RegexId> unwanted;
    for (const Part& inner : part.parts) unwanted.push_back(AQ_TRY(regular(inner, depth + 1)));
    const RegexId any = store_.star(store_.bytes(ByteSet::all()));
    const RegexId found =
        store_.concat(any, store_.concat(store_.any_of(std::move(unwanted)), any));
    if (part.text.empty()) return text(store_.complement(found));
    const RegexId begins =
        AQ_TRY(compile_pattern(store_, part.text, {.spelling = Spelling::kPlain, .search = false}));
    ByteSet blank;
    for (const char c : {' ', '\n', '\t', '\r'}) blank.add(static_cast<unsigned char>(c));
    const RegexId blanks = store_.star(store_.bytes(blank));
    return text(store_.complement(store_.any_of({found, store_.concat(begins, any), blanks})));
  }

  Machine& machine_;
  RegexStore& store_;
  CfgSource& source_;
};

}  // namespace

Result<CfgSource> parts_source(const Part& part, Machine& machine) {
  CfgSource source;
  CfgExpression body = AQ_TRY(Builder(machine, source).build(part, 0));
  source.start = static_cast<std::uint32_t>(source.rules.size());
  source.rules.push_back({"answer", std::move(body), true});
  return source;
}

}  // namespace aquilon::constraint
