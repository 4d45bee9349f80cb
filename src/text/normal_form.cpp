#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/utf8.h"
#include "text/normal_form_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::size_t kMaxPart = std::size_t{1} << 20;  // utf8proc needs 4 bytes a byte, or more

// A place from `at` on where a text may be cut without changing the result: before an ASCII byte,
// which never composes with what stands before it.
std::size_t cut_after(std::string_view text, std::size_t at) {
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80) ++at;
  return at;
}

int options_of(NormalForm form) {
  switch (form) {
    case NormalForm::kD:
      return UTF8PROC_DECOMPOSE;
    case NormalForm::kKc:
      return UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    case NormalForm::kKd:
      return UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
    default:
      return UTF8PROC_COMPOSE;
  }
}

// `text` is well-formed.
void append_normal(std::string_view text, NormalForm form, std::string& out) {
  utf8proc_uint8_t* made = nullptr;
  const auto flags = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | options_of(form));
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &made, flags);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(made, &std::free);
  if (size < 0) {  // out of memory: better the text as it came than none
    out += text;
  } else {
    out.append(reinterpret_cast<const char*>(made), static_cast<std::size_t>(size));
  }
}

}  // namespace

bool is_surely_nfc(std::string_view text) {
  // U+0300 is CC 80: lower leads are of characters that compose with nothing before them.
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0xCC; });
}

std::string to_normal_form(std::string_view text, NormalForm form) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t good = 0;
    while (good < text.size() && good < kMaxPart) {
      const std::size_t length = utf8_length(text.substr(good));
      if (length == 0) break;
      good += length;
    }
    // A part that is cut for its size ends where nothing can compose over the cut.
    if (good >= kMaxPart) {
      const std::size_t cut = cut_after(text, good);
      if (is_utf8(text.substr(good, cut - good))) good = cut;
    }
    append_normal(text.substr(0, good), form, out);
    text.remove_prefix(good);
    if (!text.empty() && utf8_length(text) == 0) {
      out.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace aquilon::text
