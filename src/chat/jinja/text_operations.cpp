#include <algorithm>
#include <cstring>

#include "chat/jinja/text_operations_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {

std::size_t find_bytes(std::string_view text, std::string_view what, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (what.empty()) return from;
  if (what.size() == 1) return text.find(what[0], from);
  // glibc's memmem is linear in the worst case; std::string::find is not.
  const void* found = memmem(text.data() + from, text.size() - from, what.data(), what.size());
  if (!found) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t find_last_bytes(std::string_view text, std::string_view what) {
  if (what.size() > text.size()) return std::string_view::npos;
  const std::string backwards(text.rbegin(), text.rend());
  const std::string wanted(what.rbegin(), what.rend());
  const std::size_t found = find_bytes(backwards, wanted);
  return found == std::string_view::npos ? found : text.size() - found - what.size();
}

namespace {

// Offsets of the places where `from` is replaced: matches, or before each character and at the end.
std::vector<std::size_t> replace_places(std::string_view text, std::string_view from,
                                        std::uint64_t limit) {
  std::vector<std::size_t> places;
  std::size_t at = 0;
  while (places.size() < limit) {
    at = find_bytes(text, from, at);
    if (at == std::string_view::npos) break;
    places.push_back(at);
    if (from.empty() && at == text.size()) break;
    at += from.empty() ? decode_at(text, at).size : from.size();
  }
  return places;
}

}  // namespace

Result<Value> replace_text(Budget& budget, const TracedText& text, const TracedText& from,
                           const TracedText& to, std::int64_t count) {
  AQ_RETURN_IF_ERROR(budget.spend_bytes(text.size()));
  const std::uint64_t limit = count < 0 ? UINT64_MAX : static_cast<std::uint64_t>(count);
  const auto places = replace_places(text.bytes(), from.bytes(), limit);
  AQ_RETURN_IF_ERROR(budget.spend(places.size()));
  AQ_RETURN_IF_ERROR(
      budget.allow_text(CheckedSize(to.footprint()) * places.size() + text.footprint()));
  TracedText result;
  std::size_t done = 0;
  for (const std::size_t place : places) {
    result.append_slice(text, done, place);
    result.append(to);
    done = place + from.size();
  }
  result.append_slice(text, done, text.size());
  return Value(std::move(result));
}

namespace {

using Piece = Bounds;

std::vector<Piece> split_at_spaces(std::string_view text, std::uint64_t limit) {
  std::vector<Piece> pieces;
  std::size_t at = strip_bounds(text, true, false).begin;
  while (at < text.size()) {
    if (pieces.size() == limit) {
      pieces.push_back({at, text.size()});
      break;
    }
    const std::size_t begin = at;
    while (at < text.size() && !is_space(decode_at(text, at).value)) at += decode_at(text, at).size;
    pieces.push_back({begin, at});
    while (at < text.size() && is_space(decode_at(text, at).value)) at += decode_at(text, at).size;
  }
  return pieces;
}

// From the right; the pieces come out last first.
std::vector<Piece> rsplit_at_spaces(std::string_view text, std::uint64_t limit) {
  std::vector<Piece> pieces;
  std::size_t end = strip_bounds(text, false, true).end;
  while (end > 0) {
    if (pieces.size() == limit) {
      pieces.push_back({0, end});
      break;
    }
    std::size_t begin = end;
    while (begin > 0) {
      const std::size_t last = last_character(text.substr(0, begin));
      if (is_space(decode_at(text, last).value)) break;
      begin = last;
    }
    pieces.push_back({begin, end});
    end = strip_bounds(text.substr(0, begin), false, true).end;
  }
  return pieces;
}

std::vector<Piece> split_at(std::string_view text, std::string_view separator,
                            std::uint64_t limit) {
  std::vector<Piece> pieces;
  std::size_t begin = 0;
  while (pieces.size() < limit) {
    const std::size_t at = find_bytes(text, separator, begin);
    if (at == std::string_view::npos) break;
    pieces.push_back({begin, at});
    begin = at + separator.size();
  }
  pieces.push_back({begin, text.size()});
  return pieces;
}

// From the right: on the reversed text, so that overlapping matches are those of Python.
std::vector<Piece> rsplit_at(std::string_view text, std::string_view separator,
                             std::uint64_t limit) {
  const std::string backwards(text.rbegin(), text.rend());
  const std::string wanted(separator.rbegin(), separator.rend());
  std::vector<Piece> pieces = split_at(backwards, wanted, limit);
  for (Piece& piece : pieces) piece = {text.size() - piece.end, text.size() - piece.begin};
  return pieces;
}

}  // namespace

Result<Value> split_text(Budget& budget, const TracedText& text, const TracedText* separator,
                         std::int64_t limit, bool from_right) {
  if (separator && separator->empty()) {
    return make_error(Code::kInvalidArgument, "cannot split at an empty separator");
  }
  AQ_RETURN_IF_ERROR(budget.spend_bytes(text.size()));
  const std::uint64_t most = limit < 0 ? UINT64_MAX : static_cast<std::uint64_t>(limit);
  std::vector<Piece> pieces;
  if (separator) {
    pieces = from_right ? rsplit_at(text.bytes(), separator->bytes(), most)
                        : split_at(text.bytes(), separator->bytes(), most);
  } else {
    pieces =
        from_right ? rsplit_at_spaces(text.bytes(), most) : split_at_spaces(text.bytes(), most);
  }
  if (from_right) std::reverse(pieces.begin(), pieces.end());
  AQ_RETURN_IF_ERROR(budget.spend(pieces.size()));
  AQ_RETURN_IF_ERROR(budget.allow_text(text.footprint()));
  std::vector<Value> items;
  items.reserve(pieces.size());
  for (const Piece& piece : pieces) items.emplace_back(text.slice(piece.begin, piece.end));
  return Value::list(std::move(items));
}

Result<Value> partition_text(Budget& budget, const TracedText& text, const TracedText& separator,
                             bool from_right) {
  if (separator.empty()) {
    return make_error(Code::kInvalidArgument, "cannot split at an empty separator");
  }
  AQ_RETURN_IF_ERROR(budget.allow_text(text.footprint()));
  const std::size_t at = from_right ? find_last_bytes(text.bytes(), separator.bytes())
                                    : find_bytes(text.bytes(), separator.bytes());
  if (at == std::string_view::npos) {
    if (from_right) return Value::tuple({TracedText(), TracedText(), text});
    return Value::tuple({text, TracedText(), TracedText()});
  }
  const std::size_t after = at + separator.size();
  return Value::tuple({text.slice(0, at), separator, text.slice(after, text.size())});
}

std::vector<Line> split_lines(std::string_view text) {
  std::vector<Line> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    const bool ends = (c.value >= 0x0A && c.value <= 0x0D) ||
                      (c.value >= 0x1C && c.value <= 0x1E) || c.value == 0x85 ||
                      c.value == 0x2028 || c.value == 0x2029;
    std::size_t next = at + c.size;
    if (ends) {
      if (c.value == '\r' && next < text.size() && text[next] == '\n') ++next;
      lines.push_back({begin, at, next});
      begin = next;
    }
    at = next;
  }
  if (begin < text.size()) lines.push_back({begin, text.size(), text.size()});
  return lines;
}

namespace {

std::string swap_case(std::string_view character, std::int32_t value) {
  return is_upper(value) ? to_lower(character) : to_upper(character);
}

bool has_case(std::int32_t c) {
  return is_upper(c) || is_lower(c) || is_title(c);
}

// A capital sigma at the end of a word has a small letter of its own.
bool is_final_sigma(std::string_view text, std::size_t at, bool after_letter) {
  const CodePoint c = decode_at(text, at);
  const std::size_t next = at + c.size;
  return c.value == 0x3A3 && after_letter &&
         (next == text.size() || !has_case(decode_at(text, next).value));
}

bool starts_filter_word(std::int32_t c) {
  return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
}

// The character in its new case; `start`: it begins a word, or the text.
std::string converted(std::string_view character, std::int32_t value, Case rule, bool start) {
  switch (rule) {
    case Case::kUpper:
      return to_upper(character);
    case Case::kLower:
      return to_lower(character);
    case Case::kSwap:
      return swap_case(character, value);
    case Case::kFilterTitle:
      return start ? to_upper(character) : to_lower(character);
    default:
      return start ? to_title(character) : to_lower(character);
  }
}

}  // namespace

Result<Value> change_case(Budget& budget, const TracedText& text, Case rule) {
  AQ_RETURN_IF_ERROR(budget.spend(text.size() / 8));  // slower than copying
  AQ_RETURN_IF_ERROR(budget.allow_text(CheckedSize(text.footprint()) * 3));
  const std::string& bytes = text.bytes();
  TracedText result;
  bool start = true;
  bool after_letter = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const CodePoint c = decode_at(bytes, at);
    const std::string_view character = std::string_view(bytes).substr(at, c.size);
    const bool lower = rule == Case::kLower || (rule != Case::kUpper && !start);
    const bool sigma = lower && is_final_sigma(bytes, at, after_letter);
    result.append(sigma ? "\u03C2" : converted(character, c.value, rule, start),
                  text.trusted_at(at));
    after_letter = has_case(c.value);
    start = (rule == Case::kFilterTitle && starts_filter_word(c.value)) ||
            (rule == Case::kTitle && !after_letter);
    at += c.size;
  }
  return Value(std::move(result));
}

Result<Value> strip_text(Budget& budget, const TracedText& text, const TracedText* chars, bool left,
                         bool right) {
  AQ_RETURN_IF_ERROR(budget.allow_text(text.footprint()));
  if (chars) AQ_RETURN_IF_ERROR(budget.spend(chars->size()));
  const Bounds bounds = chars ? strip_bounds(text.bytes(), chars->bytes(), left, right)
                              : strip_bounds(text.bytes(), left, right);
  return Value(text.slice(bounds.begin, bounds.end));
}

Result<Value> pad_text(Budget& budget, const TracedText& text, std::int64_t left,
                       std::int64_t right, char fill) {
  const auto before = static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0));
  const auto after = static_cast<std::uint64_t>(std::max<std::int64_t>(right, 0));
  AQ_RETURN_IF_ERROR(budget.allow_text(CheckedSize(text.footprint()) + before + after));
  TracedText result = TracedText::untrusted(std::string(before, fill));
  result.append(text);
  result.append(std::string(after, fill), false);
  return Value(std::move(result));
}

Result<Value> join_text(Budget& budget, const TracedText& separator,
                        const std::vector<TextPtr>& parts) {
  CheckedSize size = CheckedSize(separator.footprint()) * parts.size();
  for (const TextPtr& part : parts) size += part->footprint();
  AQ_RETURN_IF_ERROR(budget.spend(parts.size()));
  AQ_RETURN_IF_ERROR(budget.allow_text(size));
  TracedText result;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) result.append(separator);
    result.append(*parts[i]);
  }
  return Value(std::move(result));
}

}  // namespace aquilon::chat::jinja
