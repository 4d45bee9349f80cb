// The byte-level alphabet of GPT-2's vocabularies: each byte has a printable character that stands
// for it in the written form of tokens (Ġ for a space). ASCII and Latin-1 print themselves where
// they can; the other bytes have U+0100 and up, in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aquilon::text {

// Appends the bytes that `written` stands for; false, with `out` as it was, if a character of it is
// not in the alphabet.
bool append_alphabet_bytes(std::string_view written, std::string& out);

// The written form of `bytes`.
std::string alphabet_form(std::string_view bytes);

}  // namespace aquilon::text
