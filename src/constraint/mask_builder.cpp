#include <algorithm>

#include "constraint/mask_bits_internal.h"
#include "constraint/mask_builder_internal.h"

namespace aquilon::constraint {

MaskEntry MaskBuilder::compute(State state) {
  MaskEntry entry;
  bases_.clear();
  threads_.clear();
  keys_.clear();
  State others = kDead;
  machine_.split(state, threads_, keys_, others);
  for (const Threads& threads : threads_) add_lexeme(threads, entry.tokens);
  for (const State key : keys_) add_key(key, entry.tokens);
  walk_all(vocabulary_->all(), others, entry.tokens);
  finish(entry);
  return entry;
}

MaskEntry MaskBuilder::compute_plainly(State state) {
  MaskEntry entry;
  bases_.clear();
  walk_all(vocabulary_->all(), state, entry.tokens);
  finish(entry);
  return entry;
}

// Several bases, or many tokens, become one mask.
void MaskBuilder::finish(MaskEntry& entry) {
  const std::size_t words = vocabulary_->mask_words();
  std::sort(bases_.begin(), bases_.end(),
            [](const auto& a, const auto& b) { return a.data() < b.data(); });
  bases_.erase(std::unique(bases_.begin(), bases_.end(),
                           [](const auto& a, const auto& b) { return a.data() == b.data(); }),
               bases_.end());
  if (bases_.size() <= 1 && entry.tokens.size() <= words * 2) {
    if (!bases_.empty()) entry.base = bases_[0];
    entry.tokens.shrink_to_fit();
    return;
  }
  entry.dense.assign(words, 0);
  for (const std::span<const MaskWord> base : bases_)
    for (std::size_t i = 0; i < words; ++i) entry.dense[i] |= base[i];
  for (const TokenId token : entry.tokens) set_token(entry.dense, *vocabulary_, token);
  entry.tokens = {};
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
  for (std::uint32_t i = begin; i < end;) {
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
    walk_rests({*mask.string, mask.min, mask.max, {}},
               machine_.after_lexeme(threads, kEmptyText, {}), out);
}

void MaskBuilder::add_key(State state, Tokens& out) {
  const auto key = machine_.free_key(state);
  if (!key) {
    const bool any = machine_.takes_any_name(state);
    if (any) bases_.push_back(vocabulary_->inside_strings(kUnbounded));
    return walk_all(any ? vocabulary_->crossing() : vocabulary_->all(), state, out);
  }
  const StringTokens& string = vocabulary_->string_tokens(false);
  bases_.push_back(vocabulary_->inside_strings(kUnbounded));
  for (const StringTokens::Entry& entry : string.inside) out.push_back(entry.token);
  Tokens declared;
  const TokenTree& tree = vocabulary_->crossing();
  walk_declared(*key, state, 0, static_cast<std::uint32_t>(tree.nodes.size()), out, declared);
  std::sort(declared.begin(), declared.end());
  walk_rests({string, 0, kUnbounded, declared}, key->after, out);
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

// Ends of a string all lead to one configuration: the rests of tokens behind the quote are walked
// once for all.
void MaskBuilder::walk_rests(const Ends& ends, State start, Tokens& out) {
  if (start == kDead) return;
  const StringTokens& string = ends.string;
  const auto take = [&](std::uint32_t rest) {
    for (std::uint32_t k = string.rests[rest].first_exit; k < string.rests[rest + 1].first_exit;
         ++k) {
      const StringTokens::Entry& exit = string.exits[k];
      if (exit.characters < ends.min || exit.characters > ends.max) continue;
      if (!std::binary_search(ends.but.begin(), ends.but.end(), exit.token))
        out.push_back(exit.token);
    }
  };
  reserve_path(string.max_depth);
  path_[0] = start;
  path_first_[0] = machine_.first(start);
  take(0);
  for (std::uint32_t i = 1; i + 1 < string.rests.size();) {
    const StringTokens::Rest& rest = string.rests[i];
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
      if (exit.characters >= mask.min && exit.characters <= mask.max &&
          ends_item(threads, vocabulary_->bytes(exit.token)))
        out.push_back(exit.token);
    return;
  }
  Tokens candidates;
  walk_rests({*mask.string, mask.min, mask.max, {}}, end->after, candidates);
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
