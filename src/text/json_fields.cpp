#include <exception>

#include "text/json_fields_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;

}  // namespace

Result<std::uint64_t> number_of(const json::object& object, std::string_view key,
                                std::uint64_t most, std::string_view file) {
  const json::value* const v = member(object, key);
  std::int64_t number = -1;
  if (v && v->is_int64()) number = v->get_int64();
  if (number < 0 || static_cast<std::uint64_t>(number) > most) {
    return make_error(Code::kCorrupt, "{}: '{}' is not a number from 0 to {}", file, key, most);
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
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  json::stream_parser parser(&memory, options);
  const std::size_t read = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (error) {
    return make_error(Code::kCorrupt, "{} is not valid JSON near byte {}: {}", file, read,
                      error.message());
  }
  const json::value root = parser.release();
  if (!root.is_object()) return make_error(Code::kCorrupt, "{} is not a JSON object", file);
  return use(root.get_object());
} catch (const std::exception& e) {  // out of memory
  return make_error(Code::kOutOfMemory, "{} could not be read: {}", file, e.what());
}

}  // namespace aquilon::text
