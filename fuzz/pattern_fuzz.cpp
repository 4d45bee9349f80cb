// A regular expression, "\n---\n", and a text: compiling and matching end in bounded time, and no
// byte that is allowed leads to a place without any way to the end.
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
  constexpr std::string_view kSeparator = "\n---\n";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find(kSeparator);
  const auto grammar = constraint::Grammar::regex(input.substr(0, cut), {.memory_bytes = 32 << 20});
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
