#include <algorithm>

#include "base/check.h"
#include "chat/jinja/traced_text_internal.h"

namespace aquilon::chat::jinja {

TracedText TracedText::trusted(std::string bytes) {
  TracedText text;
  text.bytes_ = std::move(bytes);
  if (!text.bytes_.empty()) text.runs_.push_back({0, text.bytes_.size()});
  return text;
}

TracedText TracedText::untrusted(std::string bytes) {
  TracedText text;
  text.bytes_ = std::move(bytes);
  return text;
}

std::size_t TracedText::first_run_after(std::size_t offset) const {
  const auto found = std::partition_point(
      runs_.begin(), runs_.end(), [offset](const ByteRange& run) { return run.end <= offset; });
  return static_cast<std::size_t>(found - runs_.begin());
}

bool TracedText::trusted_at(std::size_t offset) const {
  const std::size_t run = first_run_after(offset);
  return run < runs_.size() && runs_[run].begin <= offset;
}

void TracedText::add_run(std::size_t begin, std::size_t end) {
  if (begin == end) return;
  if (!runs_.empty() && runs_.back().end == begin) {
    runs_.back().end = end;
  } else {
    runs_.push_back({begin, end});
  }
}

void TracedText::append(std::string_view bytes, bool trusted) {
  const std::size_t begin = bytes_.size();
  bytes_.append(bytes);
  if (trusted) add_run(begin, bytes_.size());
}

void TracedText::append_slice(const TracedText& other, std::size_t begin, std::size_t end) {
  AQ_DCHECK(begin <= end && end <= other.size());
  const std::size_t base = bytes_.size();
  const std::size_t first = other.first_run_after(begin);
  const std::size_t runs = other.runs_.size();  // `other` may be *this
  bytes_.append(other.bytes_, begin, end - begin);
  for (std::size_t i = first; i < runs && other.runs_[i].begin < end; ++i) {
    const ByteRange run = other.runs_[i];
    add_run(base + std::max(run.begin, begin) - begin, base + std::min(run.end, end) - begin);
  }
}

TracedText TracedText::slice(std::size_t begin, std::size_t end) const {
  TracedText part;
  part.append_slice(*this, begin, end);
  return part;
}

}  // namespace aquilon::chat::jinja
