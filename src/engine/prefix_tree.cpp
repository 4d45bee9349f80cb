#include "engine/prefix_tree.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/check.h"

namespace aquilon::engine {
namespace {

constexpr text::TokenId kNone = std::numeric_limits<text::TokenId>::min();  // equals no token

}  // namespace

PrefixTree::PrefixTree(std::shared_ptr<model::KvPool> pool) : pool_(std::move(pool)) {}

PrefixTree::~PrefixTree() {
  clear();
}

// Trusts nothing but who is whose child: it is also called when an invariant is broken. No deep
// recursion.
void PrefixTree::clear() {
  std::vector<Children> left;
  left.push_back(std::move(root_.children));
  while (!left.empty()) {
    const Children children = std::move(left.back());
    left.pop_back();
    for (const auto& [key, node] : children) {
      pool_->release(node->page);
      left.push_back(std::move(node->children));
    }
  }
  root_.children.clear();
  used_.clear();
}

std::size_t PrefixTree::find(std::span<const text::TokenId> tokens, const PrefixScope& scope,
                             model::KvCache& cache) {
  std::vector<model::PageId> pages;
  std::size_t length = 0;
  Node* node = &root_;
  while (length < tokens.size()) {
    Key key{scope, {}};
    key.second.fill(kNone);
    const auto rest = tokens.subspan(length);
    std::copy_n(rest.begin(), std::min(rest.size(), kTokens), key.second.begin());
    const Match match = closest(*node, key);
    if (match.tokens == 0) break;
    node = match.node;
    pages.push_back(node->page);
    length += match.tokens;
    if (match.tokens < kTokens) break;
  }
  touch(node);
  cache.adopt(pages, length);
  return length;
}

// Keys are ordered, so the nearest is the key itself or one of its neighbours.
PrefixTree::Match PrefixTree::closest(Node& node, const Key& key) {
  Match best;
  const auto try_child = [&](Children::iterator child) {
    if (child->first.first != key.first) return;
    const Tokens& theirs = child->first.second;
    const auto parted = std::mismatch(theirs.begin(), theirs.end(), key.second.begin()).first;
    const auto common = static_cast<std::size_t>(parted - theirs.begin());
    if (common > best.tokens) best = {child->second.get(), common};
  };
  const auto at = node.children.lower_bound(key);
  if (at != node.children.end()) try_child(at);
  if (at != node.children.begin()) try_child(std::prev(at));
  return best;
}

void PrefixTree::keep(std::span<const text::TokenId> tokens, const PrefixScope& scope,
                      model::KvCache& cache) {
  AQ_CHECK(tokens.size() == cache.length());
  Node* node = &root_;
  for (std::size_t i = 0; (i + 1) * kTokens <= tokens.size(); ++i) {
    Key key{scope, {}};
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(i * kTokens), kTokens,
                key.second.begin());
    const auto child = node->children.find(key);
    if (child == node->children.end()) {
      node = add(*node, key, cache.pages()[i]);
    } else {
      node = child->second.get();
      if (cache.pages()[i] != node->page) cache.replace(i, node->page);
    }
  }
  touch(node);
}

PrefixTree::Node* PrefixTree::add(Node& parent, const Key& key, model::PageId page) {
  pool_->retain(page);
  const auto place = parent.children.emplace(key, std::make_unique<Node>()).first;
  Node* node = place->second.get();
  node->parent = &parent;
  node->place = place;
  node->page = page;
  node->use = used_.insert(used_.end(), node);
  return node;
}

// From the node upwards, so that each stands before its parent.
void PrefixTree::touch(Node* node) {
  for (; node != &root_; node = node->parent) used_.splice(used_.end(), used_, node->use);
}

bool PrefixTree::evict() {
  // A sequence that shares a node's page shares those of its parents as well: the first node that
  // is not shared has no children.
  for (Node* node : used_)
    if (pool_->references(node->page) == 1 && node->children.empty()) {
      remove(node);
      return true;
    }
  return false;
}

std::size_t PrefixTree::idle_pages() const {
  return static_cast<std::size_t>(std::count_if(
      used_.begin(), used_.end(), [&](const Node* n) { return pool_->references(n->page) == 1; }));
}

void PrefixTree::remove(Node* node) {
  AQ_CHECK(node->children.empty());
  pool_->release(node->page);
  used_.erase(node->use);
  node->parent->children.erase(node->place);
}

}  // namespace aquilon::engine
