// Methods of str.
#include <algorithm>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/format_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/text_operations_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

template <Case kRule>
Result<Value> change_case_method(Interpreter& in, const Value& self, const Arguments&) {
  return change_case(in.budget(), *self.text(), kRule);
}

template <bool kLeft, bool kRight>
Result<Value> strip(Interpreter& in, const Value& self, const Arguments& args) {
  return strip_text(in.budget(), *self.text(), AQ_TRY(args.text(0)), kLeft, kRight);
}

template <bool kFromRight>
Result<Value> split(Interpreter& in, const Value& self, const Arguments& args) {
  const std::int64_t limit = AQ_TRY(args.integer(1, -1));
  return split_text(in.budget(), *self.text(), AQ_TRY(args.text(0)), limit, kFromRight);
}

// A text argument that must be there.
Result<const TracedText*> needed_text(const Arguments& args, std::size_t index) {
  const TracedText* text = AQ_TRY(args.text(index));
  if (text) return text;
  return type_error("use as a string", *args[index]);
}

template <bool kFromRight>
Result<Value> partition(Interpreter& in, const Value& self, const Arguments& args) {
  return partition_text(in.budget(), *self.text(), *AQ_TRY(needed_text(args, 0)), kFromRight);
}

Result<Value> splitlines(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText& text = *self.text();
  AQ_RETURN_IF_ERROR(in.budget().allow_text(text.footprint()));
  const bool keep = args.flag(0, false);
  std::vector<Value> lines;
  for (const Line& line : split_lines(text.bytes())) {
    AQ_RETURN_IF_ERROR(in.budget().spend(1));
    lines.emplace_back(text.slice(line.begin, keep ? line.next : line.end));
  }
  return Value::list(std::move(lines));
}

Result<Value> replace(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText* from = AQ_TRY(needed_text(args, 0));
  const TracedText* to = AQ_TRY(needed_text(args, 1));
  return replace_text(in.budget(), *self.text(), *from, *to, AQ_TRY(args.integer(2, -1)));
}

Result<Value> join(Interpreter& in, const Value& self, const Arguments& args) {
  std::vector<TextPtr> parts;
  for (const Value& item : AQ_TRY(iterate(in.budget(), *args[0]))) {
    if (!item.text()) return type_error("join", item);
    parts.push_back(*item.get_if<TextPtr>());
  }
  return join_text(in.budget(), *self.text(), parts);
}

// The part between the optional character positions of parameters `first` and `first` + 1.
Result<Bounds> window(const TracedText& text, const Arguments& args, std::size_t first) {
  Bounds bounds{0, text.size()};
  if (!args[first] && !args[first + 1]) return bounds;
  const auto size = static_cast<std::int64_t>(count_characters(text.bytes()));
  const auto offset = [&](std::int64_t at) {
    at = std::clamp(at < 0 ? at + size : at, std::int64_t{0}, size);
    return offset_of_character(text.bytes(), static_cast<std::size_t>(at));
  };
  const std::int64_t start = AQ_TRY(args.integer(first, 0));
  bounds.begin = offset(start);
  bounds.end = offset(AQ_TRY(args.integer(first + 1, size)));
  if (bounds.begin > bounds.end || start > size) return Bounds{text.size() + 1, text.size()};
  return bounds;
}

bool has_affix(std::string_view text, std::string_view affix, bool at_end) {
  return at_end ? text.ends_with(affix) : text.starts_with(affix);
}

template <bool kAtEnd>
Result<Value> affix(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText& text = *self.text();
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text.size()));
  const Bounds bounds = AQ_TRY(window(text, args, 1));
  if (bounds.begin > bounds.end) return Value(false);
  const std::string_view part =
      std::string_view(text.bytes()).substr(bounds.begin, bounds.end - bounds.begin);
  const List* choices = args[0]->list();
  if (!choices || !choices->tuple) {
    return Value(has_affix(part, AQ_TRY(needed_text(args, 0))->bytes(), kAtEnd));
  }
  for (const Value& choice : choices->items) {
    if (!choice.text()) return type_error("use as a string", choice);
    AQ_RETURN_IF_ERROR(in.budget().spend_bytes(choice.text()->size()));
    if (has_affix(part, choice.text()->bytes(), kAtEnd)) return Value(true);
  }
  return Value(false);
}

template <bool kAtEnd>
Result<Value> remove_affix(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText& text = *self.text();
  const TracedText& affix = *AQ_TRY(needed_text(args, 0));
  if (!has_affix(text.bytes(), affix.bytes(), kAtEnd)) return self;
  AQ_RETURN_IF_ERROR(in.budget().allow_text(text.footprint()));
  return Value(kAtEnd ? text.slice(0, text.size() - affix.size())
                      : text.slice(affix.size(), text.size()));
}

// find, rfind, index, rindex: the position in characters.
template <bool kFromRight, bool kMustBe>
Result<Value> find(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText& text = *self.text();
  const std::string& wanted = AQ_TRY(needed_text(args, 0))->bytes();
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(CheckedSize(text.size()) * 3));
  const Bounds bounds = AQ_TRY(window(text, args, 1));
  if (bounds.begin <= bounds.end) {
    const std::string_view part = std::string_view(text.bytes()).substr(0, bounds.end);
    const std::string_view rest = part.substr(bounds.begin);
    const std::size_t at = kFromRight ? find_last_bytes(rest, wanted) : find_bytes(rest, wanted);
    if (at != std::string_view::npos) {
      const std::size_t before = count_characters(part.substr(0, bounds.begin + at));
      return Value(static_cast<std::int64_t>(before));
    }
  }
  if (kMustBe) return make_error(Code::kInvalidArgument, "substring not found");
  return Value(std::int64_t{-1});
}

Result<Value> count(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText& text = *self.text();
  const std::string& wanted = AQ_TRY(needed_text(args, 0))->bytes();
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(CheckedSize(text.size()) * 2));
  const Bounds bounds = AQ_TRY(window(text, args, 1));
  if (bounds.begin > bounds.end) return Value(std::int64_t{0});
  const std::string_view part =
      std::string_view(text.bytes()).substr(bounds.begin, bounds.end - bounds.begin);
  if (wanted.empty()) return Value(static_cast<std::int64_t>(count_characters(part) + 1));
  std::int64_t found = 0;
  for (std::size_t at = 0; (at = find_bytes(part, wanted, at)) != std::string_view::npos;) {
    AQ_RETURN_IF_ERROR(in.budget().spend(1));
    ++found;
    at += wanted.size();
  }
  return Value(found);
}

template <bool (*kClass)(std::int32_t), bool kEmpty = false>
Result<Value> all_of_class(Interpreter& in, const Value& self, const Arguments&) {
  const std::string& text = self.text()->bytes();
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text.size()));
  if (text.empty()) return Value(kEmpty);
  for (std::size_t at = 0; at < text.size(); at += decode_at(text, at).size) {
    if (!kClass(decode_at(text, at).value)) return Value(false);
  }
  return Value(true);
}

bool is_alphanumeric(std::int32_t c) {
  return is_alpha(c) || is_decimal(c) || is_digit(c) || is_numeric(c);
}
bool is_ascii(std::int32_t c) {
  return c >= 0 && c < 0x80;
}

template <bool kUpper>
Result<Value> all_of_case(Interpreter& in, const Value& self, const Arguments&) {
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(self.text()->size()));
  return Value(all_cased(self.text()->bytes(), kUpper));
}

Result<Value> istitle(Interpreter& in, const Value& self, const Arguments&) {
  const std::string& text = self.text()->bytes();
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text.size()));
  bool any = false;
  bool within = false;
  for (std::size_t at = 0; at < text.size(); at += decode_at(text, at).size) {
    const std::int32_t c = decode_at(text, at).value;
    const bool capital = is_upper(c) || is_title(c);
    if (capital ? within : is_lower(c) && !within) return Value(false);
    within = capital || is_lower(c);
    any = any || within;
  }
  return Value(any);
}

enum class Side { kLeft, kRight, kBoth };

// ljust pads on the right, and so on.
template <Side kPadding>
Result<Value> justify(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText& text = *self.text();
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text.size()));
  const TracedText* fill = AQ_TRY(args.text(1));
  if (fill && fill->size() != 1) {
    return make_error(Code::kUnsupported, "padding with anything but one ASCII character");
  }
  const std::int64_t width = AQ_TRY(args.integer(0, 0));
  const auto size = static_cast<std::int64_t>(count_characters(text.bytes()));
  if (width <= size) return self;
  const std::int64_t missing = width - size;
  std::int64_t left = kPadding == Side::kLeft ? missing : 0;
  if (kPadding == Side::kBoth) left = missing / 2 + (missing & width & 1);  // Python's choice
  return pad_text(in.budget(), text, left, missing - left, fill ? fill->bytes()[0] : ' ');
}

Result<Value> zfill(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText& text = *self.text();
  AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text.size()));
  const auto size = static_cast<std::int64_t>(count_characters(text.bytes()));
  const std::int64_t width = AQ_TRY(args.integer(0, 0));
  if (width <= size) return self;
  const bool sign = text.bytes().starts_with('-') || text.bytes().starts_with('+');
  const TracedText digits = text.slice(sign ? 1 : 0, text.size());
  const Value padded = AQ_TRY(pad_text(in.budget(), digits, width - size, 0, '0'));
  TracedText result = text.slice(0, sign ? 1 : 0);
  result.append(*padded.text());
  return Value(std::move(result));
}

Result<Value> format(Interpreter& in, const Value& self, const Arguments& args) {
  return brace_format(in.budget(), *self.text(), args.rest());
}

constexpr Builtin kMethods[] = {
    {"capitalize", change_case_method<Case::kCapitalize>},
    {"casefold", change_case_method<Case::kLower>},
    {"center", justify<Side::kBoth>, "!width fillchar"},
    {"count", count, "!sub start end"},
    {"endswith", affix<true>, "!suffix start end"},
    {"find", find<false, false>, "!sub start end"},
    {"format", format, "*"},
    {"index", find<false, true>, "!sub start end"},
    {"isalnum", all_of_class<is_alphanumeric>},
    {"isalpha", all_of_class<is_alpha>},
    {"isascii", all_of_class<is_ascii, true>},
    {"isdecimal", all_of_class<is_decimal>},
    {"isdigit", all_of_class<is_digit>},
    {"islower", all_of_case<false>},
    {"isnumeric", all_of_class<is_numeric>},
    {"isprintable", all_of_class<is_printable, true>},
    {"isspace", all_of_class<is_space>},
    {"istitle", istitle},
    {"isupper", all_of_case<true>},
    {"join", join, "!iterable"},
    {"ljust", justify<Side::kRight>, "!width fillchar"},
    {"lower", change_case_method<Case::kLower>},
    {"lstrip", strip<true, false>, "chars"},
    {"partition", partition<false>, "!sep"},
    {"removeprefix", remove_affix<false>, "!prefix"},
    {"removesuffix", remove_affix<true>, "!suffix"},
    {"replace", replace, "!old !new count"},
    {"rfind", find<true, false>, "!sub start end"},
    {"rindex", find<true, true>, "!sub start end"},
    {"rjust", justify<Side::kLeft>, "!width fillchar"},
    {"rpartition", partition<true>, "!sep"},
    {"rsplit", split<true>, "sep maxsplit"},
    {"rstrip", strip<false, true>, "chars"},
    {"split", split<false>, "sep maxsplit"},
    {"splitlines", splitlines, "keepends"},
    {"startswith", affix<false>, "!prefix start end"},
    {"strip", strip<true, true>, "chars"},
    {"swapcase", change_case_method<Case::kSwap>},
    {"title", change_case_method<Case::kTitle>},
    {"upper", change_case_method<Case::kUpper>},
    {"zfill", zfill, "!width"},
};

}  // namespace

std::span<const Builtin> text_methods() {
  return kMethods;
}

}  // namespace aquilon::chat::jinja
