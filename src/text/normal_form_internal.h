// Unicode's normal forms, into which some tokenizers put texts.
#pragma once

#include <string>
#include <string_view>

namespace aquilon::text {

// True if nothing would change, by a quick look: no character from U+0300 on.
bool is_surely_nfc(std::string_view text);

enum class NormalForm { kC, kD, kKc, kKd };

// The normal form; bytes of invalid UTF-8 stay as they are. Time: linear, but for long runs of
// combining marks, which are sorted.
std::string to_normal_form(std::string_view text, NormalForm form);
inline std::string to_nfc(std::string_view text) {
  return to_normal_form(text, NormalForm::kC);
}

}  // namespace aquilon::text
