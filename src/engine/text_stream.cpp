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
                       bool drop_first_space, std::vector<text::TokenId> shown)
    : tokenizer_(tokenizer),
      stop_(std::move(stop)),
      shown_(std::move(shown)),
      drop_space_(drop_first_space) {}

std::string TextStream::push(text::TokenId id, bool may_stop) {
  if (tokenizer_.kind(id) == text::TokenKind::kControl &&
      std::find(shown_.begin(), shown_.end(), id) == shown_.end())
    return {};
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
  // The one that is complete first: so the answer is the same however its tokens cut it.
  std::size_t cut = std::string::npos;
  std::size_t end = std::string::npos;
  std::size_t hold = 0;
  for (std::size_t i = 0; i < stop_.size(); ++i) {
    hold = std::max(hold, begun(held_, stop_[i]));
    const std::size_t at = held_.find(stop_[i]);
    if (at == std::string::npos) continue;
    const std::size_t own_end = at + stop_[i].size();
    if (own_end > end || (own_end == end && at >= cut)) continue;
    cut = at;
    end = own_end;
    met_ = i;
  }
  std::string certain = held_.substr(0, met_ ? cut : held_.size() - hold);
  held_.erase(0, met_ ? std::string::npos : certain.size());
  return certain;
}

std::string TextStream::finish() {
  if (met_) return {};
  held_ += utf8_.finish();
  std::string rest = take_certain();
  if (!met_) rest += std::exchange(held_, {});
  return rest;
}

}  // namespace aquilon::engine
