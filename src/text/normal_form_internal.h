// Unicode's normal form C, which some tokenizers put texts into.
#pragma once

#include <string>
#include <string_view>

namespace aquilon::text {

// True if nothing would change, by a quick look: no character from U+0300 on.
bool is_surely_nfc(std::string_view text);

// The normal form; bytes of invalid UTF-8 stay as they are. Time: linear, but for long runs of
// combining marks, which are sorted.
std::string to_nfc(std::string_view text);

}  // namespace aquilon::text
