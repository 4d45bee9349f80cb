// From the tree to a language, last part first: the language of what follows is known when a part
// is translated, so that $ and lookahead are intersections with it.
#include "constraint/pattern_internal.h"
#include "constraint/pattern_parser_internal.h"

namespace aquilon::constraint {
namespace {

using Kind = PatternNode::Kind;

bool has_context(const PatternNode& node) {
  if (node.kind == Kind::kBegin || node.kind == Kind::kEnd || node.kind == Kind::kAhead ||
      node.kind == Kind::kNotAhead)
    return true;
  for (const PatternNode& part : node.parts)
    if (has_context(part)) return true;
  return false;
}

// Whether it may match without reading anything.
bool may_be_empty(const PatternNode& node) {
  switch (node.kind) {
    case Kind::kCharacters:
      return false;
    case Kind::kSequence:
      for (const PatternNode& part : node.parts)
        if (!may_be_empty(part)) return false;
      return true;
    case Kind::kChoice:
      for (const PatternNode& part : node.parts)
        if (may_be_empty(part)) return true;
      return false;
    case Kind::kRepeat:
      return node.min == 0 || may_be_empty(node.parts[0]);
    default:
      return true;
  }
}

class Translator {
 public:
  Translator(RegexStore& store, Spelling spelling) : store_(store), spelling_(spelling) {
    any_ = any_character(store, CodePoints{{0, 0x10FFFF}}, spelling);
    all_ = store.star(any_);
  }

  // Texts that begin with a match of `node` and go on as `rest`. `at_start`: nothing was read yet.
  Result<RegexId> before(const PatternNode& node, RegexId rest, bool at_start) {
    if (!store_.spend(1)) return kNothing;
    if (!has_context(node)) return store_.concat(plain(node), rest);
    switch (node.kind) {
      case Kind::kBegin:
        return at_start ? rest : kNothing;
      case Kind::kEnd:
        return store_.nullable(rest) ? kEmptyText : kNothing;
      case Kind::kAhead:
        return store_.both(AQ_TRY(before(node.parts[0], all_, at_start)), rest);
      case Kind::kNotAhead:
        return store_.minus(rest, AQ_TRY(before(node.parts[0], all_, at_start)));
      case Kind::kChoice: {
        std::vector<RegexId> ways;
        for (const PatternNode& part : node.parts)
          ways.push_back(AQ_TRY(before(part, rest, at_start)));
        return store_.any_of(std::move(ways));
      }
      case Kind::kSequence:
        return sequence(node.parts, rest, at_start);
      case Kind::kRepeat:
        return repeat(node, rest, at_start);
      default:
        return kNothing;
    }
  }

  // Any text that contains a match; with `search` off, any that is one.
  Result<RegexId> whole(const PatternNode& node, bool search) {
    if (!search) return before(node, kEmptyText, true);
    if (!has_context(node)) return store_.concat(all_, store_.concat(plain(node), all_));
    const RegexId at_start = AQ_TRY(before(node, all_, true));
    const RegexId later = AQ_TRY(before(node, all_, false));
    return store_.either(at_start, store_.concat(any_, store_.concat(all_, later)));
  }

 private:
  Result<RegexId> sequence(const std::vector<PatternNode>& parts, RegexId rest, bool at_start) {
    RegexId later = rest, at_once = rest;  // what follows, where something was read and where not
    for (std::size_t i = parts.size(); i-- > 0;) {
      if (at_start) at_once = AQ_TRY(first(parts[i], later, at_once));
      later = AQ_TRY(before(parts[i], later, false));
    }
    return at_start ? at_once : later;
  }

  // `part` at the start, before `later` or, where it reads nothing, before `at_once`.
  Result<RegexId> first(const PatternNode& part, RegexId later, RegexId at_once) {
    // Anchors and lookahead read nothing: what follows them is at the start as well.
    if (has_context(part) && part.kind != Kind::kRepeat && part.kind != Kind::kChoice &&
        part.kind != Kind::kSequence)
      return before(part, at_once, true);
    const RegexId read = AQ_TRY(before(part, later, true));
    if (!may_be_empty(part)) return read;
    return store_.either(read, AQ_TRY(if_empty(part, at_once)));
  }

  // `rest` where `part` matches the empty text at the start.
  Result<RegexId> if_empty(const PatternNode& part, RegexId rest) {
    if (!has_context(part) || !store_.spend(1)) return rest;
    if (part.kind == Kind::kChoice) {
      std::vector<RegexId> ways;
      for (const PatternNode& way : part.parts)
        if (may_be_empty(way)) ways.push_back(AQ_TRY(if_empty(way, rest)));
      return store_.any_of(std::move(ways));
    }
    if (part.kind == Kind::kSequence) {
      for (std::size_t i = part.parts.size(); i-- > 0;)
        rest = AQ_TRY(if_empty(part.parts[i], rest));
      return rest;
    }
    if (part.kind == Kind::kRepeat)
      return part.min == 0 ? Result<RegexId>(rest) : if_empty(part.parts[0], rest);
    return before(part, rest, true);
  }

  Result<RegexId> repeat(const PatternNode& node, RegexId rest, bool at_start) {
    if (node.max == kUnbounded || node.max > 4)
      return Error{Code::kUnsupported,
                   "an anchor or lookahead within a repetition cannot be enforced"};
    RegexId result = rest;
    for (std::uint32_t i = node.max; i-- > 0;) {
      const bool first = at_start && (i == 0 || may_be_empty(node.parts[0]));
      const RegexId once = AQ_TRY(before(node.parts[0], result, first));
      result = i >= node.min ? store_.either(once, rest) : once;
    }
    return result;
  }

  RegexId plain(const PatternNode& node) {
    switch (node.kind) {
      case Kind::kCharacters:
        if (!store_.spend(8 + 8 * node.characters.ranges().size())) return kNothing;
        return any_character(store_, node.characters, spelling_);
      case Kind::kSequence: {
        RegexId id = kEmptyText;
        for (std::size_t i = node.parts.size(); i-- > 0;)
          id = store_.concat(plain(node.parts[i]), id);
        return id;
      }
      case Kind::kChoice: {
        std::vector<RegexId> ways;
        for (const PatternNode& part : node.parts) ways.push_back(plain(part));
        return store_.any_of(std::move(ways));
      }
      case Kind::kRepeat:
        return store_.repeat(plain(node.parts[0]), node.min, node.max);
      default:
        return kEmptyText;
    }
  }

  RegexStore& store_;
  Spelling spelling_;
  RegexId any_ = kNothing, all_ = kNothing;
};

}  // namespace

Result<RegexId> compile_pattern(RegexStore& store, std::string_view pattern,
                                const PatternOptions& options) {
  const PatternNode tree = AQ_TRY(parse_pattern(pattern));
  Translator translator(store, options.spelling);
  const RegexId id = AQ_TRY(translator.whole(tree, options.search));
  if (store.exhausted())
    return make_error(Code::kUnsupported, "the pattern {}", store.meter().shortage());
  return id;
}

}  // namespace aquilon::constraint
