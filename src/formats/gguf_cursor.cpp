#include <algorithm>

#include "base/utf8.h"
#include "formats/gguf_cursor_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::size_t kShownNameBytes = 80;  // of a name in a message

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// The name's beginning, cut between characters. Names are checked before they get here.
std::string_view shown(std::string_view name) {
  if (name.size() <= kShownNameBytes) return name;
  std::size_t end = 0;
  while (end + utf8_length(name.substr(end)) <= kShownNameBytes)
    end += utf8_length(name.substr(end));
  return name.substr(0, end);
}

}  // namespace

Error GgufCursor::error_at(std::uint64_t offset, Code code, std::string_view what) const {
  std::string subject;
  if (!subject_.kind.empty()) subject = fmt::format("{} {}", subject_.kind, subject_.index);
  if (!subject_.name.empty()) subject += fmt::format(" '{}'", shown(subject_.name));
  if (subject_.element) subject += fmt::format(": array element {}", *subject_.element);
  return make_error(code, "{}: at byte {}: {}{}{}", file_, offset, subject,
                    subject.empty() ? "" : ": ", what);
}

Error GgufCursor::truncated(std::string_view field, std::uint64_t needed) const {
  return error_at(
      at_, Code::kCorrupt,
      fmt::format("{}: {} bytes needed, {} left in the file", field, needed, remaining()));
}

Result<std::uint64_t> GgufCursor::count(std::string_view field, std::uint64_t min_bytes,
                                        std::uint64_t limit) {
  const std::uint64_t start = at_;
  const auto count = AQ_TRY(number<std::uint64_t>(field));
  if (!(CheckedSize(count) * min_bytes).at_most(remaining()))
    return error_at(start, Code::kCorrupt,
                    fmt::format("{}: {} cannot fit into the {} bytes that are left in the file",
                                field, count, remaining()));
  if (count > limit)
    return error_at(start, Code::kUnsupported,
                    fmt::format("{}: {} is more than the {} that are read", field, count, limit));
  return count;
}

Result<std::span<const std::byte>> GgufCursor::take(CheckedSize size, std::string_view field) {
  if (!size.at_most(remaining())) return truncated(field, size.value().value_or(~std::uint64_t{0}));
  const auto taken = bytes_.subspan(at_, *size.value());
  at_ += taken.size();
  return taken;
}

Result<std::string_view> GgufCursor::text(std::string_view field) {
  const std::uint64_t start = at_;
  const auto length = AQ_TRY(number<std::uint64_t>(field));
  if (length > remaining())
    return error_at(
        start, Code::kCorrupt,
        fmt::format("{}: a length of {} bytes, {} left in the file", field, length, remaining()));
  const auto* text = reinterpret_cast<const char*>(bytes_.data() + at_);
  at_ += length;
  return std::string_view(text, length);
}

Result<std::string_view> GgufCursor::name(std::string_view field, std::uint64_t max_bytes) {
  const std::uint64_t start = at_;
  const std::string_view name = AQ_TRY(text(field));
  if (name.empty() || name.size() > max_bytes)
    return error_at(
        start, Code::kCorrupt,
        fmt::format("{}: {} bytes long, 1 to {} are allowed", field, name.size(), max_bytes));
  if (!is_utf8(name))
    return error_at(start, Code::kCorrupt, fmt::format("{}: not valid UTF-8", field));
  if (std::any_of(name.begin(), name.end(), is_control))
    return error_at(start, Code::kCorrupt, fmt::format("{}: holds a control character", field));
  return name;
}

}  // namespace aquilon::formats
