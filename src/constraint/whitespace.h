// How much whitespace JSON may have between its tokens.
#pragma once

#include <cstdint>

namespace aquilon::constraint {

// In one gap: up to `blanks` spaces, tabs or carriage returns, or one line end among them and up to
// `indent` more after it. Bounded, because models that are free to may write blanks for ever.
struct WhitespacePolicy {
  std::uint32_t blanks = 8;
  std::uint32_t line_ends = 1;
  std::uint32_t indent = 32;

  static WhitespacePolicy compact() { return {0, 0, 0}; }
};

}  // namespace aquilon::constraint
