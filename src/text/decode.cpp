#include "text/tokenizer.h"
#include "text/utf8_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

std::string decode(const Tokenizer& tokenizer, std::span<const TokenId> ids, bool with_control) {
  std::string out;
  bool space_in_front = tokenizer.traits().space_in_front;
  for (const TokenId id : ids) {
    const TokenKind kind = tokenizer.kind(id);
    std::string_view bytes = tokenizer.token_bytes(id);
    const bool control = kind == TokenKind::kControl || kind == TokenKind::kUnknown;
    if (control && !with_control) continue;
    if (!control && space_in_front) {
      if (kind != TokenKind::kByte && bytes.starts_with(' ')) bytes.remove_prefix(1);
      space_in_front = false;
    }
    out += bytes;
  }
  return out;
}

std::string Utf8Stream::push(std::string_view bytes) {
  const std::string input = pending_.append(bytes);
  pending_.clear();
  std::string out;
  out.reserve(input.size());
  const char* const end = input.data() + input.size();
  for (const char* p = input.data(); p != end;) {
    const Utf8Step step = utf8_step(p, end);
    if (step.state == Utf8State::kUnfinished) {
      pending_.assign(p, end);
      break;
    }
    if (step.state == Utf8State::kComplete) {
      out.append(p, step.length);
    } else {
      out += kReplacement;
    }
    p += step.length;
  }
  return out;
}

std::string Utf8Stream::finish() {
  if (pending_.empty()) return {};
  pending_.clear();
  return std::string(kReplacement);
}

}  // namespace aquilon::text
