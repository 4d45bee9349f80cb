#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>

#include "base/strict_json.h"
#include "formats/json_fields_internal.h"

namespace aquilon::formats {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxValues = 1 << 20;  // an index of 100,000 tensors has 100,003
constexpr std::size_t kShownBytes = 80;      // of a value in a message

std::string shown(const json::value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_double()) return fmt::format("{}", value.get_double());
  std::string text = json::serialize(value);
  if (text.size() > kShownBytes) return "a long text";
  return text;
}

}  // namespace

Result<json::object> read_json_object(std::string_view text, const std::string& file) {
  json::value value = AQ_TRY(parse_strict_json(text, file, kMaxValues));
  if (!value.is_object()) return make_error(Code::kCorrupt, "{}: is no JSON object", file);
  return std::move(value.get_object());
}

const json::value* JsonFields::find(std::string_view key) const {
  const json::value* found = object_->if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

Error JsonFields::wrong(std::string_view key, std::string_view expected) const {
  const json::value* value = find(key);
  if (value == nullptr)
    return make_error(Code::kCorrupt, "{}: '{}{}' is missing, {} is needed", file_, path_, key,
                      expected);
  return make_error(Code::kCorrupt, "{}: '{}{}' is {}, {} is needed", file_, path_, key,
                    shown(*value), expected);
}

Error JsonFields::unsupported(std::string_view key, std::string_view what) const {
  const json::value* value = find(key);
  return make_error(Code::kUnsupported, "{}: '{}{}' is {}, which is not supported{}{}", file_,
                    path_, key, value == nullptr ? "missing" : shown(*value),
                    what.empty() ? "" : "; ", what);
}

Status JsonFields::only(std::initializer_list<std::string_view> known) const {
  for (const json::key_value_pair& member : *object_) {
    const std::string_view key(member.key().data(), member.key().size());
    const bool is_known = std::find(known.begin(), known.end(), key) != known.end();
    if (!is_known && !member.value().is_null())
      return unsupported(key, "the key is unknown here, and may change answers");
  }
  return {};
}

Status JsonFields::refuse(std::string_view key, std::string_view what, double neutral) const {
  const json::value* value = find(key);
  if (value == nullptr || (value->is_bool() && !value->get_bool())) return {};
  if (value->is_number()) {
    const double number = value->to_number<double>();
    if (number == 0 || number == neutral) return {};
  }
  return unsupported(key, what);
}

Result<std::uint64_t> JsonFields::count(std::string_view key, std::uint64_t min, std::uint64_t max,
                                        std::optional<std::uint64_t> otherwise) const {
  const json::value* value = find(key);
  if (value == nullptr && otherwise) return *otherwise;
  std::optional<std::uint64_t> number;
  if (value != nullptr && value->is_uint64()) number = value->get_uint64();
  if (value != nullptr && value->is_int64() && value->get_int64() >= 0)
    number = static_cast<std::uint64_t>(value->get_int64());
  if (number && *number >= min && *number <= max) return *number;
  return wrong(key, fmt::format("a whole number from {} to {}", min, max));
}

Result<double> JsonFields::positive(std::string_view key, std::optional<double> otherwise) const {
  const json::value* value = find(key);
  if (value == nullptr && otherwise) return *otherwise;
  if (value != nullptr && value->is_number()) {
    const double number = value->to_number<double>();
    // As f32 too, in which form GGUF would hold it.
    if (std::isfinite(static_cast<float>(number)) && static_cast<float>(number) > 0) return number;
  }
  return wrong(key, "a number above 0");
}

Result<bool> JsonFields::flag(std::string_view key, bool otherwise) const {
  const json::value* value = find(key);
  if (value == nullptr) return otherwise;
  if (value->is_bool()) return value->get_bool();
  return wrong(key, "true or false");
}

Result<std::string> JsonFields::text(std::string_view key, std::string_view otherwise) const {
  const json::value* value = find(key);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return std::string(std::string_view(value->get_string()));
  return wrong(key, "a text");
}

Result<std::optional<JsonFields>> JsonFields::object(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr) return std::optional<JsonFields>();
  if (!value->is_object()) return wrong(key, "an object");
  return std::optional(JsonFields(value->get_object(), file_, path_ + std::string(key) + "."));
}

}  // namespace aquilon::formats
