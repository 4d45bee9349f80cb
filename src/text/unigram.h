// The unigram model: of all ways to cut a text into pieces, the one with the highest sum of scores.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"  // TokenId
#include "text/vocabulary.h"

namespace aquilon::text {

// Immutable after construction; threads may share it.
class UnigramModel {
 public:
  static constexpr std::size_t kMaxPieceBytes = 512;  // bounds the time per byte of text
  static constexpr TokenId kUnknown = -1;

  struct Piece {
    TokenId id;
    std::uint32_t bytes;
  };

  // As SentencePiece has it: pieces of kind kNormal and kUserDefined take part, sums are f32. No
  // piece is longer than kMaxPieceBytes.
  UnigramModel(const Vocabulary& vocabulary, const std::vector<float>& scores);
  // As PyPI's tokenizers have it: tokens take part as they are written (with a space for "▁"), but
  // for control tokens and the unknown one, which text must not spell; sums are f64. A score that
  // is no number: a token beside the model.
  UnigramModel(const Vocabulary& vocabulary, const std::vector<std::string>& written,
               const std::vector<double>& scores);

  // Appends the best cut of `text`; kUnknown stands for one character without a piece. Time: the
  // bytes of the text times those of the longest piece that it begins with there.
  void cut(std::string_view text, std::vector<Piece>& out) const;

 private:
  struct Edge {             // from a trie node by a byte: open addressing
    std::uint64_t key = 0;  // node << 8 | byte, plus one
    std::uint32_t target = 0;
  };
  std::uint32_t step(std::uint32_t node, std::uint8_t byte) const;  // 0: nowhere
  std::uint32_t grow(std::uint32_t node, std::uint8_t byte);
  void make_room(std::size_t bytes);
  void add(std::string_view bytes, TokenId id, double score);
  double sum(double a, double b) const {
    return single_ ? static_cast<double>(static_cast<float>(a + b)) : a + b;
  }

  struct Node {
    TokenId id = -1;  // of the piece that ends here
    double score = 0;
  };
  std::vector<Node> nodes_;  // the root is 0
  std::vector<Edge> edges_;
  std::uint64_t mask_ = 0;
  std::uint64_t seed_ = 0;
  double unknown_score_ = 0;
  bool single_ = true;  // sums are rounded to f32
};

}  // namespace aquilon::text
