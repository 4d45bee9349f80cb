// A byte that chooses a dialect, a byte that says how the text is cut, and an answer's text.
// However it is cut, the same words and calls come out of it; without a call, all of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "chat/tools/call_reader.h"

using namespace aquilon;

namespace {

struct Told {
  std::string words, calls;
};

void add(const std::vector<chat::AnswerPiece>& pieces, Told& told) {
  for (const chat::AnswerPiece& piece : pieces) {
    told.words += piece.text;
    if (piece.call)
      told.calls += piece.call->name + "(" + piece.call->id + piece.call->arguments + ")";
  }
}

Told read(const chat::Dialect& dialect, std::string_view text, std::size_t each) {
  chat::CallReader reader(dialect, {"get", "get_more"});
  Told told;
  while (!text.empty()) {
    add(reader.push(text.substr(0, each)), told);
    text.remove_prefix(std::min(each, text.size()));
  }
  add(reader.finish(), told);
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const auto all = chat::dialects();
  const chat::Dialect& dialect = all[data[0] % all.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Told whole = read(dialect, text, size);
  const Told cut = read(dialect, text, std::size_t{1} + data[1] % 16);
  AQ_CHECK(whole.words == cut.words);
  AQ_CHECK(whole.calls == cut.calls);
  if (whole.calls.empty()) AQ_CHECK(whole.words == text);
  return 0;
}
