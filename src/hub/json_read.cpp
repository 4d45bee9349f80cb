#include "hub/json_read.h"

#include "base/strict_json.h"

namespace aquilon::hub {
namespace {

constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 50;  // no file is larger than 1 PiB

}  // namespace

Result<boost::json::value> parse_json(std::string_view text, std::string_view what) {
  return parse_strict_json(text, what);
}

Result<JsonFields> JsonFields::of(const boost::json::value& value, std::string_view what) {
  if (!value.is_object()) return make_error(Code::kCorrupt, "{} is not a JSON object", what);
  return JsonFields(value.get_object(), what);
}

const boost::json::value* JsonFields::find(std::string_view key) const {
  const boost::json::value* found = object_->if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

Error JsonFields::wrong(std::string_view key, std::string_view expected) const {
  return make_error(Code::kCorrupt, "{}: '{}' is not {}", what_, key, expected);
}

Result<std::optional<std::string>> JsonFields::text(std::string_view key) const {
  const boost::json::value* found = find(key);
  if (found == nullptr) return std::optional<std::string>();
  if (!found->is_string()) return wrong(key, "a text");
  return std::optional<std::string>(std::string(std::string_view(found->get_string())));
}

Result<std::optional<std::uint64_t>> JsonFields::size(std::string_view key) const {
  const boost::json::value* found = find(key);
  if (found == nullptr) return std::optional<std::uint64_t>();
  const std::int64_t* number = found->if_int64();
  if (number == nullptr || *number < 0 || static_cast<std::uint64_t>(*number) > kMaxSize)
    return wrong(key, "a possible size");
  return std::optional<std::uint64_t>(static_cast<std::uint64_t>(*number));
}

Result<std::optional<bool>> JsonFields::boolean(std::string_view key) const {
  const boost::json::value* found = find(key);
  if (found == nullptr) return std::optional<bool>();
  if (!found->is_bool()) return wrong(key, "true or false");
  return std::optional<bool>(found->get_bool());
}

Result<std::string> JsonFields::text_or_empty(std::string_view key) const {
  return AQ_TRY(text(key)).value_or("");
}

Result<std::string> JsonFields::required_text(std::string_view key) const {
  std::string found = AQ_TRY(text_or_empty(key));
  if (found.empty()) return make_error(Code::kCorrupt, "{}: '{}' is missing", what_, key);
  return found;
}

}  // namespace aquilon::hub
