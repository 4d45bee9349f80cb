// Where the last words of a growing text stood before: found in constant time, however long it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"  // TokenId

namespace aquilon::engine {

// The latest place of every run of `n` tokens of one text that something follows: a hash table of
// places, up to 16 bytes a token. A text made to collide loses places, not time. Threads: one user
// at a time.
class NgramIndex {
 public:
  explicit NgramIndex(std::size_t n) : n_(n) {}  // n > 0

  // Takes in what `text` has beyond the last call. Requires: it begins as it did then.
  void extend(std::span<const text::TokenId> text);
  // The tokens of `text`, as last taken in, behind the latest place of `words`; empty: none.
  //   words  [n]
  std::span<const text::TokenId> behind(std::span<const text::TokenId> text,
                                        std::span<const text::TokenId> words) const;

 private:
  std::size_t slot_of(std::span<const text::TokenId> text,
                      std::span<const text::TokenId> words) const;
  void put(std::span<const text::TokenId> text, std::size_t end);

  std::size_t n_;
  std::size_t last_ = 0;              // end of the last run taken in
  std::size_t used_ = 0;              // slots
  std::vector<std::uint32_t> slots_;  // ends of runs; 0: free. A power of two of them
};

}  // namespace aquilon::engine
