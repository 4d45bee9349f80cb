// The code point view of strings that Python has: counting, cutting, classes and case.
// Bytes that are not valid UTF-8 count as one character each and belong to no class.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aquilon::chat::jinja {

struct CodePoint {
  std::int32_t value;  // -1: not valid UTF-8
  std::size_t size;    // bytes, at least 1
};

// Requires offset < text.size().
CodePoint decode_at(std::string_view text, std::size_t offset);
// Offset of the last character of a non-empty text.
std::size_t last_character(std::string_view text);
void append_utf8(std::string& out, std::int32_t code_point);
std::size_t count_characters(std::string_view text);
// Byte offset of character `index`; text.size() when there are not so many.
std::size_t offset_of_character(std::string_view text, std::size_t index);

// Python's str.isspace and what str.strip removes.
bool is_space(std::int32_t code_point);
bool is_printable(std::int32_t code_point);
bool is_alpha(std::int32_t code_point);
bool is_decimal(std::int32_t code_point);
bool is_digit(std::int32_t code_point);
bool is_numeric(std::int32_t code_point);
bool is_upper(std::int32_t code_point);
bool is_lower(std::int32_t code_point);
bool is_title(std::int32_t code_point);

// Every character that has a case is upper (or lower), and at least one is: str.isupper,
// str.islower.
bool all_cased(std::string_view text, bool upper);

// Case of one character, which may become several ("ß" is "SS" in upper case).
std::string to_upper(std::string_view character);
std::string to_lower(std::string_view character);
std::string to_title(std::string_view character);

// Begin and end of `text` without the spaces (or the characters in `chars`) around it.
struct Bounds {
  std::size_t begin;
  std::size_t end;
};
Bounds strip_bounds(std::string_view text, bool left, bool right);
Bounds strip_bounds(std::string_view text, std::string_view chars, bool left, bool right);

}  // namespace aquilon::chat::jinja
