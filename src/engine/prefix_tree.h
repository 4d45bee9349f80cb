// Keys and values that outlive their sequence, found again by the tokens they belong to.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>

#include "model/kv_cache.h"
#include "text/tokenizer.h"  // TokenId

namespace aquilon::engine {

// Who may share what was computed: the same tenants and, since keys and values depend on it, the
// same adapter at the same strength (0: none).
struct PrefixScope {
  std::uint64_t salt = 0;
  std::uint64_t adapter = 0;

  auto operator<=>(const PrefixScope&) const = default;
};

// A tree of whole pages: a node is the 16 tokens of a page that follow those of its parents. Nodes
// share their pages with sequences; those that no sequence uses can be given back, the longest
// unused first.
//
// Prefixes are found only in the scope that they were kept in.
// Threads: one user at a time, together with the sequences of the pool.
class PrefixTree {
 public:
  explicit PrefixTree(std::shared_ptr<model::KvPool> pool);
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  // Gives `cache`, which is empty, the longest beginning of `tokens` that is kept. Whole pages are
  // shared; of a last page in which the tokens part or end the cache sees the common part, and
  // copies it before it writes. Returns the cache's length.
  std::size_t find(std::span<const text::TokenId> tokens, const PrefixScope& scope,
                   model::KvCache& cache);
  // Keeps the whole pages of `cache`, whose positions are those of `tokens`. Where the same tokens
  // are kept already, the cache changes over to the pages kept. Requires: cache.length() tokens.
  void keep(std::span<const text::TokenId> tokens, const PrefixScope& scope, model::KvCache& cache);
  // Gives a page back that only the tree holds; false if there is none.
  bool evict();
  // Gives all of them back.
  void clear();

  std::size_t pages() const { return used_.size(); }
  // Those that no sequence uses.
  std::size_t idle_pages() const;

 private:
  static constexpr std::size_t kTokens = kernels::kPagePositions;
  using Tokens = std::array<text::TokenId, kTokens>;
  using Key = std::pair<PrefixScope, Tokens>;  // the scope first: its nodes are neighbours
  struct Node;
  using Children = std::map<Key, std::unique_ptr<Node>>;
  struct Node {
    Node* parent = nullptr;
    Children children;
    Children::iterator place;        // in the parent's children
    std::list<Node*>::iterator use;  // in used_
    model::PageId page = 0;
  };
  struct Match {
    Node* node = nullptr;
    std::size_t tokens = 0;
  };

  // The child with the most tokens in common, if any.
  static Match closest(Node& node, const Key& key);
  Node* add(Node& parent, const Key& key, model::PageId page);
  void touch(Node* node);
  void remove(Node* node);

  std::shared_ptr<model::KvPool> pool_;
  Node root_;
  std::list<Node*> used_;  // longest unused first; a node stands before its parent
};

}  // namespace aquilon::engine
