#include "engine/ngram_index.h"

#include <algorithm>
#include <bit>

namespace aquilon::engine {
namespace {

using text::TokenId;

constexpr std::size_t kLeastSlots = 64;
constexpr std::size_t kProbes = 32;  // of a half-full table hardly ever more than ten

std::uint64_t hash_of(std::span<const TokenId> words) {
  std::uint64_t hash = 0;
  for (const TokenId id : words)
    hash = std::rotl(hash + static_cast<std::uint64_t>(id) + 1, 23) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 32;
}

}  // namespace

// Where `words` stand in the table or may be put; the last one tried where all are taken.
std::size_t NgramIndex::slot_of(std::span<const TokenId> text,
                                std::span<const TokenId> words) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash_of(words) & mask;
  for (std::size_t i = 1; i < kProbes; ++i, slot = (slot + 1) & mask) {
    if (slots_[slot] == 0) break;
    const auto there = text.subspan(slots_[slot] - n_, n_);
    if (std::equal(there.begin(), there.end(), words.begin())) break;
  }
  return slot;
}

void NgramIndex::put(std::span<const TokenId> text, std::size_t end) {
  std::uint32_t& slot = slots_[slot_of(text, text.subspan(end - n_, n_))];
  used_ += slot == 0 ? 1 : 0;
  slot = static_cast<std::uint32_t>(end);
}

void NgramIndex::extend(std::span<const TokenId> text) {
  for (std::size_t end = std::max(n_, last_ + 1); end < text.size(); ++end) {
    if (2 * (used_ + 1) > slots_.size()) {
      std::vector<std::uint32_t> old(std::max(kLeastSlots, 2 * slots_.size()));
      old.swap(slots_);
      used_ = 0;
      for (const std::uint32_t place : old)
        if (place != 0) put(text, place);
    }
    put(text, end);
    last_ = end;
  }
}

std::span<const TokenId> NgramIndex::behind(std::span<const TokenId> text,
                                            std::span<const TokenId> words) const {
  if (slots_.empty()) return {};
  const std::size_t end = slots_[slot_of(text, words)];
  if (end == 0 || !std::equal(words.begin(), words.end(), text.begin() + (end - n_))) return {};
  return text.subspan(end);
}

}  // namespace aquilon::engine
