#include <algorithm>

#include "constraint/mask_bits_internal.h"
#include "constraint/mask_builder_internal.h"

namespace aquilon::constraint {

MaskEntry MaskBuilder::compute(State state) {
  MaskEntry entry;
  bases_.clear();
  tokens_.clear();
  threads_.clear();
  keys_.clear();
  State others = kDead;
  machine_.split(state, threads_, keys_, others);
  for (const Threads& threads : threads_) add_lexeme(threads, tokens_);
  for (const State key : keys_) add_key(key, tokens_);
  add_others(others, tokens_);
  finish(tokens_, entry);
  return entry;
}

MaskEntry MaskBuilder::compute_plainly(State state) {
  MaskEntry entry;
  bases_.clear();
  tokens_.clear();
  walk_all(vocabulary_->all(), state, tokens_);
  finish(tokens_, entry);
  return entry;
}

// Several bases, or tokens in many words, become one mask.
void MaskBuilder::finish(const Tokens& tokens, MaskEntry& entry) {
  const std::size_t words = vocabulary_->mask_words();
  std::sort(bases_.begin(), bases_.end(),
            [](const auto& a, const auto& b) { return a.data() < b.data(); });
  bases_.erase(std::unique(bases_.begin(), bases_.end(),
                           [](const auto& a, const auto& b) { return a.data() == b.data(); }),
               bases_.end());
  bits_.resize(words);
  words_.clear();
  for (TokenId token : tokens)
    for (; token >= 0; token = vocabulary_->same_bytes(token)) {
      MaskWord& word = bits_[static_cast<std::size_t>(token) / 64];
      if (word == 0) words_.push_back(static_cast<std::uint32_t>(token) / 64);
      word |= 1ULL << (token % 64);
    }
  const bool sparse = words_.size() * sizeof(MaskEntry::Patch) < words * sizeof(MaskWord);
  if (bases_.size() <= 1 && sparse) {
    if (!bases_.empty()) entry.base = bases_[0];
    entry.patches.reserve(words_.size());
    for (const std::uint32_t word : words_) entry.patches.push_back({word, bits_[word]});
  } else {
    entry.dense = bits_;
    for (const std::span<const MaskWord> base : bases_)
      for (std::size_t i = 0; i < words; ++i) entry.dense[i] |= base[i];
  }
  for (const std::uint32_t word : words_) bits_[word] = 0;
}

void MaskBuilder::reserve_path(std::size_t depth) {
  if (path_.size() > depth) return;
  path_.resize(depth + 1);
  path_first_.resize(depth + 1);
  path_waits_.resize(depth + 1);
  path_bytes_.resize(depth + 1);
}

void MaskBuilder::walk_all(const TokenTree& tree, State start, Tokens& out) {
  if (start == kDead) return;
  begin_walk(tree, start, 0, {});
  const ByteSet first = path_first_[0];
  first.each([&](unsigned byte) {
    const std::uint32_t head = tree.heads[byte];
    if (head != TokenTree::kNoNode) walk(tree, head, tree.nodes[head].end, out);
  });
}

void MaskBuilder::begin_walk(const TokenTree& tree, State start, std::size_t depth,
                             std::string_view written) {
  reserve_path(tree.max_depth);
  path_[depth] = start;
  path_first_[depth] = machine_.first(start);
  path_waits_[depth] = machine_.keeps_texts() && machine_.in_text(start);
  std::copy(written.begin(), written.end(), path_bytes_.begin());
}

// The nodes of a range, from the places that the path holds.
void MaskBuilder::walk(const TokenTree& tree, std::uint32_t begin, std::uint32_t end, Tokens& out) {
  const TokenTree::Node* const nodes = tree.nodes.data();
  const TokenClasses& classes = vocabulary_->classes();
  for (std::uint32_t i = begin; i < end;) {
    if (known_.kinds != 0 && classes.all_below(i, known_)) {
      i = nodes[i].end;
      continue;
    }
    const TokenTree::Node node = nodes[i];
    const std::size_t depth = node.depth;
    State next = kDead;
    path_bytes_[depth - 1] = static_cast<char>(node.byte);
    const bool waits = path_waits_[depth - 1];
    if (path_first_[depth - 1].has(node.byte))
      next = waits ? machine_.step_in_walk(path_[depth - 1], {path_bytes_.data(), depth})
                   : machine_.step(path_[depth - 1], node.byte);
    if (next == kDead) {
      i = node.end;
      continue;
    }
    if (node.token >= 0) out.push_back(node.token);
    if (node.end > ++i) {
      path_[depth] = next;
      path_waits_[depth] = waits && machine_.in_text(next);
      // In the middle of strings the state often stays.
      path_first_[depth] = next == path_[depth - 1] ? path_first_[depth - 1] : machine_.first(next);
    }
  }
}

void MaskBuilder::add_lexeme(const Threads& threads, Tokens& out) {
  const LexemeMask& mask = lexemes_.of(threads.lexeme);
  if (!mask.base.empty()) bases_.push_back(mask.base);
  out.insert(out.end(), mask.tokens.begin(), mask.tokens.end());
  if (mask.string == nullptr)
    walk_exits(mask, threads, out);
  else if (threads.texts)
    end_items(mask, threads, out);
  else
    walk_ends({*mask.string, mask.min, mask.max, {}},
              machine_.after_lexeme(threads, kEmptyText, {}), out);
}

void MaskBuilder::add_key(State state, Tokens& out) {
  const auto key = machine_.free_key(state);
  if (!key) {
    const auto contents = machine_.open_name(state);
    if (contents && machine_.takes_any_name(*contents)) {
      bases_.push_back(vocabulary_->inside_strings(kUnbounded));
      return walk_all(vocabulary_->crossing(), state, out);
    }
    if (contents) known_ = lexemes_.name_loop(*contents);
    if (known_.kinds != 0) bases_.push_back(lexemes_.mask_of(known_));
    walk_all(vocabulary_->all(), state, out);
    known_ = {};
    return;
  }
  const StringTokens& string = vocabulary_->string_tokens(false);
  bases_.push_back(vocabulary_->inside_strings(kUnbounded));
  for (const StringTokens::Entry& entry : string.inside) out.push_back(entry.token);
  Tokens declared;
  const TokenTree& tree = vocabulary_->crossing();
  walk_declared(*key, state, 0, static_cast<std::uint32_t>(tree.nodes.size()), out, declared);
  std::sort(declared.begin(), declared.end());
  walk_ends({string, 0, kUnbounded, declared}, key->after, out);
}

// Tokens of that range that end a declared name; all of them are added to `seen`.
void MaskBuilder::walk_declared(const Machine::FreeKey& key, State state, std::uint32_t begin,
                                std::uint32_t end, Tokens& out, Tokens& seen) {
  if (key.node == Machine::kNoNode) return;
  const std::vector<KeyNode>& names = *key.tree;
  const TokenTree& tree = vocabulary_->crossing();
  for (std::uint32_t i = begin; i < end; i = tree.nodes[i].end) {
    const TokenTree::Node& node = tree.nodes[i];
    std::uint32_t child = names[key.node].child;
    while (child != 0 && names[child].byte != node.byte) child = names[child].sibling;
    const bool ends = child == 0 && node.byte == '"' && names[key.node].key >= 0;
    if (child == 0 && !ends) continue;
    const State next = machine_.step(state, node.byte);
    if (!ends) {
      walk_declared({key.tree, child, key.after}, next, i + 1, node.end, out, seen);
      continue;
    }
    for (std::uint32_t k = i; k < node.end; ++k)
      if (tree.nodes[k].token >= 0) seen.push_back(tree.nodes[k].token);
    if (next == kDead) continue;
    if (node.token >= 0) out.push_back(node.token);
    begin_walk(tree, next, node.depth, {});
    walk(tree, i + 1, node.end, out);
  }
}

// The bytes of the tokens below a node, up to it.
std::string_view MaskBuilder::text_at(const TokenTree& tree, std::uint32_t node) const {
  std::uint32_t at = node;
  while (tree.nodes[at].token < 0) ++at;
  return vocabulary_->bytes(tree.nodes[at].token).substr(0, tree.nodes[node].depth);
}

void MaskBuilder::walk_exits(const LexemeMask& mask, const Threads& threads, Tokens& out) {
  std::vector<std::pair<RegexId, State>> reached;  // few: mostly the lexeme's end alone
  for (const LexemeMask::Exit& exit : mask.exits) {
    const TokenTree::Node& node = mask.tree->nodes[exit.node];
    std::string_view written;
    State state = kDead;
    if (threads.texts) {
      written = text_at(*mask.tree, exit.node);
      state = machine_.after_lexeme(threads, exit.reached, written);
    } else {
      const auto known = std::find_if(reached.begin(), reached.end(),
                                      [&](const auto& pair) { return pair.first == exit.reached; });
      state =
          known != reached.end() ? known->second : machine_.after_lexeme(threads, exit.reached, {});
      if (known == reached.end()) reached.emplace_back(exit.reached, state);
    }
    if (state == kDead) continue;
    if (node.token >= 0) out.push_back(node.token);
    if (node.end == exit.node + 1) continue;
    begin_walk(*mask.tree, state, node.depth, written);
    walk(*mask.tree, exit.node + 1, node.end, out);
  }
}

// Rests of tokens are walked once for all heads.
template <class Fits>
void MaskBuilder::walk_rests(const TokenRests& tokens, State start, Fits fits, Tokens& out) {
  if (start == kDead) return;
  const auto take = [&](std::uint32_t rest) {
    const std::uint32_t end = tokens.rests[rest + 1].first_exit;
    for (std::uint32_t k = tokens.rests[rest].first_exit; k < end; ++k)
      if (fits(tokens.exits[k])) out.push_back(tokens.exits[k].token);
  };
  reserve_path(tokens.max_depth);
  path_[0] = start;
  path_first_[0] = machine_.first(start);
  take(0);
  for (std::uint32_t i = 1; i + 1 < tokens.rests.size();) {
    const TokenRests::Rest& rest = tokens.rests[i];
    State next = kDead;
    if (path_first_[rest.depth - 1].has(rest.byte))
      next = machine_.step(path_[rest.depth - 1], rest.byte);
    if (next == kDead) {
      i = rest.end;
      continue;
    }
    take(i);
    if (rest.end > ++i) {
      path_[rest.depth] = next;
      path_first_[rest.depth] = machine_.first(next);
    }
  }
}

// Ends of a string all lead to one configuration.
void MaskBuilder::walk_ends(const Ends& ends, State start, Tokens& out) {
  walk_rests(
      ends.string, start,
      [&](const TokenRests::Entry& exit) {
        return exit.head >= ends.min && exit.head <= ends.max &&
               !std::binary_search(ends.but.begin(), ends.but.end(), exit.token);
      },
      out);
}

void MaskBuilder::add_others(State others, Tokens& out) {
  if (others == kDead) return;
  const auto between = machine_.between_lexemes(others);
  if (!between) return walk_all(vocabulary_->all(), others, out);
  const std::vector<char>& fit = fitting_spaces(between->spaces);
  walk_rests(
      vocabulary_->spaced_tokens(), between->before_spaces,
      [&](const TokenRests::Entry& token) { return fit[token.head] != 0; }, out);
}

// By number of SpacedTokens::spaces.
const std::vector<char>& MaskBuilder::fitting_spaces(std::uint32_t before) {
  const auto [at, inserted] = fitting_spaces_.try_emplace(before);
  if (inserted)
    for (const std::string_view spaces : vocabulary_->spaced_tokens().spaces)
      at->second.push_back(machine_.spaces_fit(before, spaces));
  return at->second;
}

namespace {

// The place behind the quote that ends the string which the token begins in.
std::size_t behind_quote(std::string_view token) {
  std::size_t at = 0;
  while (token[at] != '"') at += token[at] == '\\' ? 2 : 1;
  return at + 1;
}

}  // namespace

bool MaskBuilder::ends_item(const Threads& threads, std::string_view token) {
  const std::size_t end = behind_quote(token);
  State state = machine_.after_lexeme(threads, kEmptyText, token.substr(0, end));
  for (std::size_t i = end; i < token.size() && state != kDead; ++i)
    state = machine_.step(state, static_cast<unsigned char>(token[i]));
  return state != kDead;
}

// Ends of an item that may not come twice: most tokens by what was written alone, others by going
// there.
void MaskBuilder::end_items(const LexemeMask& mask, const Threads& threads, Tokens& out) {
  const auto end = machine_.unique_end(threads);
  if (!end) {
    for (const StringTokens::Entry& exit : mask.string->exits)
      if (exit.head >= mask.min && exit.head <= mask.max &&
          ends_item(threads, vocabulary_->bytes(exit.token)))
        out.push_back(exit.token);
    return;
  }
  Tokens candidates;
  walk_ends({*mask.string, mask.min, mask.max, {}}, end->after, candidates);
  for (const TokenId token : candidates) {
    const std::string_view bytes = vocabulary_->bytes(token);
    // A third quote would end another item.
    const bool simple =
        bytes.find('\\') == bytes.npos && std::count(bytes.begin(), bytes.end(), '"') < 3;
    const bool fits = simple ? std::find(end->taken.begin(), end->taken.end(),
                                         bytes.substr(0, behind_quote(bytes))) == end->taken.end()
                             : ends_item(threads, bytes);
    if (fits) out.push_back(token);
  }
}

}  // namespace aquilon::constraint
