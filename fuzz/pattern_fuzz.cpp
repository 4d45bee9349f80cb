// A regular expression, "\n---\n", and a text: compiling and matching end in bounded time, and no
// byte that is allowed leads to a place without any way to the end.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "follow_answer.h"

using namespace aquilon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kSeparator = "\n---\n";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find(kSeparator);
  const auto grammar = constraint::Grammar::regex(input.substr(0, cut), {.memory_bytes = 32 << 20});
  fuzz::follow(grammar, cut == input.npos ? "" : input.substr(cut + kSeparator.size()));
  return 0;
}
