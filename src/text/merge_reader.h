// From the merges of a file ("left right", best first) to the table of rules.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/bpe_merge.h"
#include "text/vocabulary.h"

namespace aquilon::text {

// Works in blocks, so that the processor fetches the slots of a whole block of look-ups at once:
// loading 150,000 merges is otherwise mostly waiting for memory.
class MergeReader {
 public:
  explicit MergeReader(const Vocabulary& vocabulary) : vocabulary_(vocabulary), table_(0) {}

  // Rules by rank. A merge gives none where a part or the result is a control token: only special
  // matching may produce those. Errors: kCorrupt names the merge and what is wrong with it.
  Result<MergeTable> read(std::span<const std::string> merges);

 private:
  static constexpr std::size_t kBlock = 32;

  // A merge taken apart. Bytes are in bytes_: left [left, right), right [right, end); empty if the
  // written form is not in the alphabet.
  struct Parts {
    std::string_view left_form, right_form;
    std::size_t left, right, end;
    std::uint64_t left_hash, right_hash;
  };
  struct Entry {
    TokenId left, right;
    MergeTable::Rule rule;
  };

  Status take_apart(std::string_view merge, std::size_t rank, Parts& parts);
  Status look_up(std::string_view merge, std::size_t rank, const Parts& parts);
  TokenId find(std::string_view form, std::string_view bytes, std::uint64_t hash) const;
  TokenId find_joined(const Parts& parts);
  void enter_found();

  std::string_view bytes(std::size_t begin, std::size_t end) const {
    return std::string_view(bytes_).substr(begin, end - begin);
  }

  const Vocabulary& vocabulary_;
  MergeTable table_;
  std::string bytes_;  // of the block's parts
  std::array<Parts, kBlock> block_;
  std::vector<Entry> found_;  // to be entered once their slots have arrived
  TokenId next_ = 0;          // the guess of find_joined
};

}  // namespace aquilon::text
