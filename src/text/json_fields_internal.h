// Reading tokenizer files that are JSON: members by name, with the file's name in every error.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "base/result.h"

namespace aquilon::text {

inline std::string_view view(const boost::json::string& s) {
  return {s.data(), s.size()};
}

// The member, or null if it is absent or null.
inline const boost::json::value* member(const boost::json::object& object, std::string_view key) {
  const boost::json::value* const v = object.if_contains(key);
  return v && !v->is_null() ? v : nullptr;
}

inline bool flag(const boost::json::object& object, std::string_view key, bool otherwise = false) {
  const boost::json::value* const v = member(object, key);
  return v && v->is_bool() ? v->get_bool() : otherwise;
}

// Empty if it is absent or no text.
inline std::string_view text_of(const boost::json::object& object, std::string_view key) {
  const boost::json::value* const v = member(object, key);
  return v && v->is_string() ? view(v->get_string()) : std::string_view{};
}

// Null if it is absent or no object.
inline const boost::json::object* object_in(const boost::json::object& parent,
                                            std::string_view key) {
  const boost::json::value* const v = member(parent, key);
  return v ? v->if_object() : nullptr;
}

// A whole number from 0 to `most`. Errors: kCorrupt.
Result<std::uint64_t> number_of(const boost::json::object& object, std::string_view key,
                                std::uint64_t most, std::string_view file);

// Parses a file of at most `max_bytes` whose root is an object; `use` is called with it, and its
// memory is given back afterwards. Errors: kCorrupt (also for a key that is given twice),
// kOutOfMemory, those of `use`.
Status with_json_file(std::string_view text, std::string_view file, std::size_t max_bytes,
                      const std::function<Status(const boost::json::object&)>& use);

}  // namespace aquilon::text
