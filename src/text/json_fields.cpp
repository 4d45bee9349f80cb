#include <exception>

#include "base/strict_json.h"
#include "text/json_fields_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {

namespace json = boost::json;

Result<std::uint64_t> number_of(const json::object& object, std::string_view key,
                                std::uint64_t most, std::string_view file) {
  const json::value* const v = member(object, key);
  std::int64_t number = -1;
  if (v && v->is_int64()) number = v->get_int64();
  if (number < 0 || static_cast<std::uint64_t>(number) > most) {
    return make_error(Code::kCorrupt, "{}: '{}' is {}, a number from 0 to {} is needed", file, key,
                      v ? json::serialize(*v).substr(0, 40) : "missing", most);
  }
  return static_cast<std::uint64_t>(number);
}

Status with_json_file(std::string_view text, std::string_view file, std::size_t max_bytes,
                      const std::function<Status(const json::object&)>& use) try {
  if (text.size() > max_bytes) {
    return make_error(Code::kCorrupt, "{} has {} bytes, more than {}", file, text.size(),
                      max_bytes);
  }
  json::monotonic_resource memory;
  const json::value root = AQ_TRY(parse_strict_json(text, file, std::size_t(-1), &memory));
  if (!root.is_object()) return make_error(Code::kCorrupt, "{} is not a JSON object", file);
  return use(root.get_object());
} catch (const std::exception& e) {  // out of memory
  return make_error(Code::kOutOfMemory, "{} could not be read: {}", file, e.what());
}

}  // namespace aquilon::text
