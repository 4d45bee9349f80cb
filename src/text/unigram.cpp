#include "text/unigram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "text/byte_hash_internal.h"
#include "text/piece_normalizer.h"  // append_with_spaces
#include "text/utf8_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr float kUnknownPenalty = 10.0f;  // below the worst piece, as in SentencePiece

}  // namespace

UnigramModel::UnigramModel(const Vocabulary& vocabulary, const std::vector<float>& scores) {
  std::size_t bytes = 0;
  float best = -3.4e38f, worst = 3.4e38f;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    bytes += vocabulary.bytes(id).size();
    if (vocabulary.kind(id) != TokenKind::kNormal) continue;
    best = std::max(best, scores[i]);
    worst = std::min(worst, scores[i]);
  }
  unknown_score_ = worst - kUnknownPenalty;
  make_room(bytes);
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view text = vocabulary.bytes(id);
    if (text.empty()) continue;
    if (vocabulary.kind(id) == TokenKind::kNormal) add(text, id, scores[i]);
    // So high that such a piece is always taken.
    if (vocabulary.kind(id) == TokenKind::kUserDefined) {
      add(text, id, static_cast<float>(static_cast<float>(text.size()) * best - 0.1));
    }
  }
}

UnigramModel::UnigramModel(const Vocabulary& vocabulary, const std::vector<std::string>& written,
                           const std::vector<double>& scores)
    : single_(false) {
  std::size_t bytes = 0;
  double worst = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < written.size(); ++i) {
    bytes += written[i].size();
    if (!std::isnan(scores[i])) worst = std::min(worst, scores[i]);
  }
  unknown_score_ = worst - static_cast<double>(kUnknownPenalty);
  make_room(bytes);
  std::string text;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const TokenKind kind = vocabulary.kind(id);
    if (std::isnan(scores[i]) || kind == TokenKind::kControl || kind == TokenKind::kUnknown)
      continue;
    text.clear();
    append_with_spaces(written[i], text);
    if (!text.empty()) add(text, id, scores[i]);
  }
}

void UnigramModel::make_room(std::size_t bytes) {
  nodes_.resize(1);
  edges_.resize(std::bit_ceil(std::max<std::size_t>(bytes * 4 / 3, 16)));
  mask_ = edges_.size() - 1;
  seed_ = hash_seed();
}

std::uint32_t UnigramModel::step(std::uint32_t node, std::uint8_t byte) const {
  const std::uint64_t key = (std::uint64_t{node} << 8 | byte) + 1;
  for (std::uint64_t i = hash_pair(key, seed_) & mask_; edges_[i].key != 0; i = (i + 1) & mask_) {
    if (edges_[i].key == key) return edges_[i].target;
  }
  return 0;
}

std::uint32_t UnigramModel::grow(std::uint32_t node, std::uint8_t byte) {
  if (const std::uint32_t known = step(node, byte)) return known;
  const std::uint64_t key = (std::uint64_t{node} << 8 | byte) + 1;
  std::uint64_t i = hash_pair(key, seed_) & mask_;
  while (edges_[i].key != 0) i = (i + 1) & mask_;
  edges_[i] = {key, static_cast<std::uint32_t>(nodes_.size())};
  nodes_.emplace_back();
  return edges_[i].target;
}

void UnigramModel::add(std::string_view bytes, TokenId id, double score) {
  std::uint32_t node = 0;
  for (const char byte : bytes) node = grow(node, static_cast<std::uint8_t>(byte));
  nodes_[node] = {id, score};
}

void UnigramModel::cut(std::string_view text, std::vector<Piece>& out) const {
  struct Best {  // way to a place in the text
    double score = 0;
    TokenId id = -1;
    std::uint32_t bytes = 0;  // of its last piece; 0: no way known
  };
  std::vector<Best> ends(text.size() + 1);
  const auto offer = [&](std::size_t end, double score, TokenId id, std::size_t bytes) {
    Best& best = ends[end];
    if (best.bytes == 0 || score > best.score)
      best = {score, id, static_cast<std::uint32_t>(bytes)};
  };
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step character = utf8_step(text.data() + at, text.data() + text.size());
    const std::size_t length = character.state == Utf8State::kComplete ? character.length : 1;
    bool known = false;
    std::uint32_t node = 0;
    for (std::size_t end = at; end < text.size();) {
      node = step(node, static_cast<std::uint8_t>(text[end++]));
      if (node == 0) break;
      if (nodes_[node].id < 0) continue;
      offer(end, sum(ends[at].score, nodes_[node].score), nodes_[node].id, end - at);
      known |= end - at == length;
    }
    if (!known) offer(at + length, sum(ends[at].score, unknown_score_), kUnknown, length);
    at += length;
  }
  const std::size_t first = out.size();
  for (std::size_t at = text.size(); at > 0; at -= ends[at].bytes) {
    out.push_back({ends[at].id, ends[at].bytes});
  }
  std::reverse(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
}

}  // namespace aquilon::text
