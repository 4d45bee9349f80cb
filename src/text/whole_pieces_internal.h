// Which tokens the merges make out of their own bytes: then the token is the answer for a piece of
// text with these bytes. Found out when it is first needed: for all tokens at once it would cost
// more than the rest of loading.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "text/tokenizer.h"  // TokenId

namespace aquilon::text {

// Threads: safe; all of them come to the same answer.
class WholePieces {
 public:
  explicit WholePieces(std::size_t tokens) : states_(new std::atomic<State>[tokens]()) {}

  void set_whole(TokenId id) { state(id) = State::kYes; }
  bool known_whole(TokenId id) const {
    return state(id).load(std::memory_order_relaxed) == State::kYes;
  }
  // `merged`: what the merges make of the bytes of `id`.
  void learn(TokenId id, std::span<const TokenId> merged) const {
    if (state(id).load(std::memory_order_relaxed) != State::kUnknown) return;
    const bool whole = merged.size() == 1 && merged[0] == id;
    state(id).store(whole ? State::kYes : State::kNo, std::memory_order_relaxed);
  }

 private:
  enum class State : std::uint8_t { kUnknown, kYes, kNo };
  std::atomic<State>& state(TokenId id) const { return states_[static_cast<std::size_t>(id)]; }

  std::unique_ptr<std::atomic<State>[]> states_;
};

}  // namespace aquilon::text
