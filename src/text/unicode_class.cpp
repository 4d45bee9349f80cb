#include "text/unicode_class.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

struct CodePointRange {
  std::uint32_t first;
  std::uint32_t last;
};

#include "text/unicode_class_ranges.inc"

void mark(std::span<std::uint8_t> classes, std::span<const CodePointRange> ranges,
          std::uint8_t value) {
  for (const CodePointRange& r : ranges) {
    const auto run = classes.subspan(r.first, r.last - r.first + 1);
    std::fill(run.begin(), run.end(), value);
  }
}

std::vector<std::uint8_t> classes_of_all_code_points() {
  std::vector<std::uint8_t> classes(0x110000, kOther);
  mark(classes, kPunctuationRanges, kOther | kSplit);
  for (const char c : std::string_view("$+<=>^~|")) {
    classes[static_cast<std::uint8_t>(c)] = kOther | kSplit;
  }
  mark(classes, kMarkRanges, kOther | kHead | kTail);
  mark(classes, kLetterRanges, kLetter | kHead | kTail);
  mark(classes, kCapitalRanges, kLetter | kHead);
  mark(classes, kSmallRanges, kLetter | kTail);
  mark(classes, kNumberRanges, kNumber);
  mark(classes, kSpaceRanges, kSpace);
  classes['\r'] = classes['\n'] = kNewline;
  return classes;
}

}  // namespace

const UnicodeClasses& UnicodeClasses::get() {
  static const UnicodeClasses instance;
  return instance;
}

UnicodeClasses::UnicodeClasses() {
  const std::vector<std::uint8_t> classes = classes_of_all_code_points();
  std::map<Block, std::uint16_t> known;
  for (std::size_t i = 0; i < block_of_.size(); ++i) {
    Block block;
    std::copy_n(classes.begin() + static_cast<std::ptrdiff_t>(i * kBlock), kBlock, block.begin());
    if (i > 0 && block == blocks_[block_of_[i - 1]]) {  // most are like their neighbour
      block_of_[i] = block_of_[i - 1];
      continue;
    }
    const auto [it, fresh] = known.try_emplace(block, static_cast<std::uint16_t>(blocks_.size()));
    if (fresh) blocks_.push_back(block);
    block_of_[i] = it->second;
  }
  for (std::size_t c = 0; c < 0x80; ++c) ascii_[c] = classes[c];
}

}  // namespace aquilon::text
