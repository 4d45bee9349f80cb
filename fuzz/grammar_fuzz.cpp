// 'g' or 'l', then a grammar in GBNF or Lark's notation, "\n---\n", and a text: reading and
// matching end in bounded time, and a place that was reached has a way on or is an end.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "follow_answer.h"

using namespace aquilon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view kSeparator = "\n---\n";
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = input.find(kSeparator);
  const constraint::GrammarOptions options{.memory_bytes = 32 << 20};
  const auto grammar = data[0] == 'l' ? constraint::Grammar::lark(input.substr(0, cut), options)
                                      : constraint::Grammar::gbnf(input.substr(0, cut), options);
  fuzz::follow(grammar, cut == input.npos ? "" : input.substr(cut + kSeparator.size()));
  return 0;
}
