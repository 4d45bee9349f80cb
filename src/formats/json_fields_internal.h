// Strict reading of the JSON files of a model folder: bounded, no key twice, look-ups whose errors
// name file and key. A key that is null counts as absent.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::formats {

// One JSON object. Errors: kCorrupt for what is not JSON, has a key twice in one object or another
// value on top; kUnsupported above 2^20 values. Depth is bounded at 32.
Result<boost::json::object> read_json_object(std::string_view text, const std::string& file);

// Fields of an object. A view: object and file name must outlive it.
class JsonFields {
 public:
  // `path` is what comes before a key in messages: "text_config.".
  JsonFields(const boost::json::object& object, std::string_view file, std::string path = {})
      : object_(&object), file_(file), path_(std::move(path)) {}

  std::string_view file() const { return file_; }
  const boost::json::value* find(std::string_view key) const;  // null if absent or null
  bool has(std::string_view key) const { return find(key) != nullptr; }
  bool mentions(std::string_view key) const { return object_->contains(key); }  // also as null

  // A whole number from `min` to `max`; an absent one is `otherwise`, or kCorrupt without that.
  Result<std::uint64_t> count(std::string_view key, std::uint64_t min, std::uint64_t max,
                              std::optional<std::uint64_t> otherwise = {}) const;
  // A finite number above 0.
  Result<double> positive(std::string_view key, std::optional<double> otherwise = {}) const;
  Result<bool> flag(std::string_view key, bool otherwise) const;
  Result<std::string> text(std::string_view key, std::string_view otherwise) const;
  // Absent: nothing.
  Result<std::optional<JsonFields>> object(std::string_view key) const;
  const boost::json::object& all() const { return *object_; }

  // That no other key has a value. Errors: kUnsupported, naming one that has.
  Status only(std::initializer_list<std::string_view> known) const;
  // That a part that we do not run is not there: absent, null, false, 0 or `neutral`.
  // Errors: kUnsupported, naming the key; `what` says what the part is.
  Status refuse(std::string_view key, std::string_view what, double neutral = 0) const;

  Error wrong(std::string_view key, std::string_view expected) const;  // kCorrupt
  Error unsupported(std::string_view key, std::string_view what) const;

 private:
  const boost::json::object* object_;
  std::string_view file_;
  std::string path_;
};

}  // namespace aquilon::formats
