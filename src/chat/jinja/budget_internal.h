// What one rendering may use. A template comes from a file that somebody downloaded, so neither its
// time nor its memory may depend on its good will.
#pragma once

#include <cstdint>

#include "base/checked_math.h"
#include "base/result.h"

namespace aquilon::chat::jinja {

// Evaluated nodes, visited list elements, and string bytes at kBytesPerStep each.
inline constexpr std::uint64_t kMaxSteps = 4'000'000;
inline constexpr std::uint64_t kBytesPerStep = 256;
// The output, and any single string.
inline constexpr std::uint64_t kMaxTextBytes = 16ull << 20;
// All strings made during one rendering together.
inline constexpr std::uint64_t kMaxCreatedBytes = 256ull << 20;
// Macros within macros.
inline constexpr int kMaxMacroDepth = 64;
// Nested evaluations of any kind: bounds the stack, to about 1 MiB.
inline constexpr int kMaxEvalDepth = 500;
// Nesting of values in values: input JSON, and lists that a template builds.
inline constexpr int kMaxValueDepth = 100;
inline constexpr std::int64_t kMaxRange = 100'000;  // as jinja2's sandbox

class Budget {
 public:
  // `n` units of work.
  Status spend(CheckedSize n) {
    steps_ += n;
    if (steps_.at_most(kMaxSteps)) return {};
    return make_error(Code::kInvalidArgument, "the template needs more than {} steps", kMaxSteps);
  }

  // Reading through `n` bytes.
  Status spend_bytes(CheckedSize n) {
    bytes_read_ += n;
    const auto total = bytes_read_.value();
    if (!total) return spend(kMaxSteps + 1);
    const std::uint64_t whole = *total / kBytesPerStep;
    bytes_read_ = *total % kBytesPerStep;
    return spend(whole + 1);
  }

  // About to make a string of `n` bytes: to be asked before allocating.
  Status allow_text(CheckedSize n) {
    if (!n.at_most(kMaxTextBytes)) {
      return make_error(Code::kInvalidArgument, "the template makes a text of more than {} MiB",
                        kMaxTextBytes >> 20);
    }
    created_ += n;
    if (!created_.at_most(kMaxCreatedBytes)) {
      return make_error(Code::kInvalidArgument,
                        "the template makes more than {} MiB of text on the way",
                        kMaxCreatedBytes >> 20);
    }
    return spend_bytes(n);
  }

 private:
  CheckedSize steps_;
  CheckedSize bytes_read_;
  CheckedSize created_;
};

}  // namespace aquilon::chat::jinja
