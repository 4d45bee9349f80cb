#include "engine/text_stream.h"

#include <algorithm>

namespace aquilon::engine {
namespace {

// The length of the longest end of `text` that begins `stop` without being all of it.
std::size_t begun(std::string_view text, std::string_view stop) {
  for (std::size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n)
    if (text.substr(text.size() - n) == stop.substr(0, n)) return n;
  return 0;
}

}  // namespace

TextStream::TextStream(const text::Tokenizer& tokenizer, std::vector<std::string> stop,
                       bool drop_first_space)
    : tokenizer_(tokenizer), stop_(std::move(stop)), drop_space_(drop_first_space) {}

std::string TextStream::push(text::TokenId id, bool may_stop) {
  if (tokenizer_.kind(id) == text::TokenKind::kControl) return {};
  std::string_view bytes = tokenizer_.token_bytes(id);
  if (drop_space_ && !bytes.empty()) {
    if (bytes.starts_with(' ')) bytes.remove_prefix(1);
    drop_space_ = false;
  }
  held_ += utf8_.push(bytes);
  if (!may_stop) return std::exchange(held_, {});
  return take_certain();
}

std::string TextStream::take_certain() {
  std::size_t cut = std::string::npos;
  std::size_t hold = 0;
  for (const std::string& stop : stop_) {
    cut = std::min(cut, held_.find(stop));
    hold = std::max(hold, begun(held_, stop));
  }
  stopped_ = cut != std::string::npos;
  std::string certain = held_.substr(0, stopped_ ? cut : held_.size() - hold);
  held_.erase(0, stopped_ ? std::string::npos : certain.size());
  return certain;
}

std::string TextStream::finish() {
  if (stopped_) return {};
  held_ += utf8_.finish();
  std::string rest = take_certain();
  if (!stopped_) rest += std::exchange(held_, {});
  return rest;
}

}  // namespace aquilon::engine
