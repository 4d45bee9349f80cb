// 'g' or 'l', then a grammar in GBNF or Lark's notation, "\n---\n", and a text: reading and
// matching end in bounded time, and a place that was reached has a way on or is an end.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "constraint/matcher.h"

using namespace aquilon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto vocabulary = [] {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    tokens.emplace_back();
    return *constraint::Vocabulary::make(std::move(tokens), {256});
  }();
  if (size == 0) return 0;
  constexpr std::string_view kSeparator = "\n---\n";
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = input.find(kSeparator);
  const constraint::GrammarOptions options{.memory_bytes = 32 << 20};
  const auto grammar = data[0] == 'l' ? constraint::Grammar::lark(input.substr(0, cut), options)
                                      : constraint::Grammar::gbnf(input.substr(0, cut), options);
  if (!grammar.ok()) {
    AQ_CHECK(!grammar.error().message.empty());
    return 0;
  }
  constraint::Matcher matcher(*grammar, vocabulary);
  std::vector<constraint::MaskWord> mask(vocabulary->mask_words());
  const std::string_view text = cut == input.npos ? "" : input.substr(cut + kSeparator.size());
  for (std::size_t i = 0; i <= text.size() && i < 300; ++i) {
    if (!matcher.fill_mask(mask).ok()) return 0;
    bool any = false;
    for (const constraint::MaskWord word : mask) any = any || word != 0;
    AQ_CHECK(any);
    if (i == text.size() || !matcher.accept(static_cast<unsigned char>(text[i]))) break;
  }
  return 0;
}
