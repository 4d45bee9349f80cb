#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <vector>

#include "formats/json_fields_internal.h"

namespace aquilon::formats {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxValues = 1 << 20;  // an index of 100,000 tensors has 100,003
constexpr std::size_t kShownBytes = 80;      // of a value in a message

// Builds the value as Boost's own parser does; counts values and watches keys on the way.
struct StrictHandler {
  using error_code = boost::system::error_code;
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  json::value_stack stack;
  std::vector<std::vector<std::string>> open_keys;  // one list an open object
  std::string key;                                  // the one being read
  std::size_t values = 0;
  std::string problem;
  Code code = Code::kCorrupt;

  StrictHandler() { stack.reset(); }

  bool fail(error_code& ec, std::string what, Code kind = Code::kCorrupt) {
    problem = std::move(what);
    code = kind;
    ec = json::error::syntax;
    return false;
  }
  bool counted(error_code& ec) {
    if (++values <= kMaxValues) return true;
    return fail(ec, fmt::format("more than the {} values that are read", kMaxValues),
                Code::kUnsupported);
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& ec) {
    open_keys.emplace_back();
    return counted(ec);
  }
  bool on_object_end(std::size_t n, error_code& ec) {
    std::vector<std::string>& keys = open_keys.back();
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end())
      return fail(ec, fmt::format("the key '{}' is given twice", twice->substr(0, kShownBytes)));
    open_keys.pop_back();
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(error_code& ec) { return counted(ec); }
  bool on_array_end(std::size_t n, error_code&) {
    stack.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    key.append(part.data(), part.size());
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    key.append(part.data(), part.size());
    open_keys.back().push_back(std::move(key));
    key.clear();
    stack.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, error_code& ec) {
    stack.push_string(part);
    return counted(ec);
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t i, json::string_view, error_code& ec) {
    stack.push_int64(i);
    return counted(ec);
  }
  bool on_uint64(std::uint64_t u, json::string_view, error_code& ec) {
    stack.push_uint64(u);
    return counted(ec);
  }
  bool on_double(double d, json::string_view, error_code& ec) {
    stack.push_double(d);
    return counted(ec);
  }
  bool on_bool(bool b, error_code& ec) {
    stack.push_bool(b);
    return counted(ec);
  }
  bool on_null(error_code& ec) {
    stack.push_null();
    return counted(ec);
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

std::string shown(const json::value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  std::string text = json::serialize(value);
  if (text.size() > kShownBytes) return "a long text";
  return text;
}

}  // namespace

Result<json::object> read_json_object(std::string_view text, const std::string& file) {
  json::basic_parser<StrictHandler> parser(json::parse_options{});
  boost::system::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) ec = json::error::extra_data;
  StrictHandler& handler = parser.handler();
  if (ec && handler.problem.empty())
    return make_error(Code::kCorrupt, "{}: not JSON at byte {}: {}", file, used, ec.message());
  if (ec) return Error{handler.code, file + ": " + handler.problem};
  json::value value = handler.stack.release();
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
