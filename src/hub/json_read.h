// Strict reading of JSON that came from a file or the network (base/strict_json.h): typed look-ups
// with errors that name the field.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::hub {

// Errors: those of parse_strict_json.
Result<boost::json::value> parse_json(std::string_view text, std::string_view what);

// Fields of an object. An absent field or null gives nothing; a field of another type is kCorrupt.
class JsonFields {
 public:
  // Errors: kCorrupt when the value is no object. The value must outlive the result.
  static Result<JsonFields> of(const boost::json::value& value, std::string_view what);

  Result<std::optional<std::string>> text(std::string_view key) const;
  Result<std::optional<std::uint64_t>> size(std::string_view key) const;  // at most 2^50
  Result<std::optional<bool>> boolean(std::string_view key) const;
  // The field as text, empty when absent.
  Result<std::string> text_or_empty(std::string_view key) const;
  // The same, and kCorrupt when absent or empty.
  Result<std::string> required_text(std::string_view key) const;
  const boost::json::value* find(std::string_view key) const;
  Error wrong(std::string_view key, std::string_view expected) const;

 private:
  JsonFields(const boost::json::object& object, std::string_view what)
      : object_(&object), what_(what) {}
  const boost::json::object* object_;
  std::string what_;
};

}  // namespace aquilon::hub
