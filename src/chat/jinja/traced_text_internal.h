// TracedText: bytes that remember where they came from. Trusted bytes were written by the template
// itself; everything else came from a request. All template strings are of this type.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"  // ByteRange

namespace aquilon::chat::jinja {

using text::ByteRange;

// Grows at its end only; once shared it is never changed. Cost of every member: linear in the bytes
// and runs that it touches, finding the first run is logarithmic.
class TracedText {
 public:
  TracedText() = default;
  static TracedText trusted(std::string bytes);
  static TracedText untrusted(std::string bytes);

  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  // Trusted ranges: sorted, disjoint, not adjacent.
  std::span<const ByteRange> runs() const { return runs_; }
  bool trusted_at(std::size_t offset) const;

  void append(std::string_view bytes, bool trusted);
  void append(const TracedText& other) { append_slice(other, 0, other.size()); }
  // Bytes [begin, end) of `other`, each as trusted as it was there. Requires begin <= end <= size.
  void append_slice(const TracedText& other, std::size_t begin, std::size_t end);
  TracedText slice(std::size_t begin, std::size_t end) const;

  // What it weighs in memory.
  std::size_t footprint() const { return bytes_.size() + runs_.size() * sizeof(ByteRange); }

 private:
  void add_run(std::size_t begin, std::size_t end);
  std::size_t first_run_after(std::size_t offset) const;

  std::string bytes_;
  std::vector<ByteRange> runs_;
};

using TextPtr = std::shared_ptr<const TracedText>;

}  // namespace aquilon::chat::jinja
