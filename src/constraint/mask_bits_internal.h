// Single tokens in masks, with all others of the same bytes.
#pragma once

#include <span>

#include "constraint/vocabulary.h"

namespace aquilon::constraint {

inline void set_token(std::span<MaskWord> mask, const Vocabulary& vocabulary, TokenId token) {
  for (; token >= 0; token = vocabulary.same_bytes(token))
    mask[static_cast<std::size_t>(token) / 64] |= 1ULL << (token % 64);
}

inline void clear_token(std::span<MaskWord> mask, const Vocabulary& vocabulary, TokenId token) {
  for (; token >= 0; token = vocabulary.same_bytes(token))
    mask[static_cast<std::size_t>(token) / 64] &= ~(1ULL << (token % 64));
}

inline bool has_token(std::span<const MaskWord> mask, TokenId token) {
  return mask[static_cast<std::size_t>(token) / 64] >> (token % 64) & 1;
}

}  // namespace aquilon::constraint
