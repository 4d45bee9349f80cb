#include "base/strict_json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <exception>
#include <string>
#include <vector>

namespace aquilon {
namespace {

namespace json = boost::json;

constexpr std::size_t kShownBytes = 80;  // of a key in a message

// Builds the value as Boost's own parser does, and counts. Keys are watched only where it is known
// that one comes twice: most files are large and sound.
struct StrictHandler {
  using error_code = boost::system::error_code;
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  json::value_stack stack;
  std::size_t max_values;
  std::size_t values = 0;
  std::size_t keys = 0;
  bool watch_keys;
  std::vector<std::vector<std::string>> open_keys;  // one list an open object
  std::string key;                                  // the one being read
  std::string number;                               // the same
  std::string problem;
  Code code = Code::kCorrupt;

  StrictHandler(std::size_t most, bool watch, json::storage_ptr memory)
      : max_values(most), watch_keys(watch) {
    stack.reset(std::move(memory));
  }

  bool fail(error_code& ec, std::string what, Code kind = Code::kCorrupt) {
    problem = std::move(what);
    code = kind;
    ec = json::error::syntax;
    return false;
  }
  bool counted(error_code& ec) {
    if (++values <= max_values) return true;
    return fail(ec, fmt::format("more than the {} values that are read", max_values),
                Code::kUnsupported);
  }
  // "the key 'a' is given twice in 'model.vocab'"
  std::string twice(std::string_view name) const {
    std::string path;
    for (std::size_t i = 0; i + 1 < open_keys.size(); ++i)
      path += (path.empty() ? "" : ".") + open_keys[i].back().substr(0, kShownBytes);
    return fmt::format("the key '{}' is given twice{}", name.substr(0, kShownBytes),
                       path.empty() ? "" : fmt::format(" in '{}'", path));
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& ec) {
    if (watch_keys) open_keys.emplace_back();
    return counted(ec);
  }
  bool on_object_end(std::size_t n, error_code& ec) {
    if (watch_keys) {
      std::vector<std::string>& names = open_keys.back();
      std::sort(names.begin(), names.end());
      const auto at = std::adjacent_find(names.begin(), names.end());
      if (at != names.end()) return fail(ec, twice(*at));
      open_keys.pop_back();
    }
    keys += n;
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(error_code& ec) { return counted(ec); }
  bool on_array_end(std::size_t n, error_code&) {
    stack.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    if (watch_keys) key.append(part.data(), part.size());
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    if (watch_keys) {
      key.append(part.data(), part.size());
      open_keys.back().push_back(std::move(key));
      key.clear();
    }
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
  bool on_number_part(json::string_view part, error_code&) {
    number.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t i, json::string_view, error_code& ec) {
    number.clear();
    stack.push_int64(i);
    return counted(ec);
  }
  bool on_uint64(std::uint64_t u, json::string_view, error_code& ec) {
    number.clear();
    stack.push_uint64(u);
    return counted(ec);
  }
  // The parser's own value may be off by the last bit.
  bool on_double(double d, json::string_view part, error_code& ec) {
    number.append(part.data(), part.size());
    double exact = d;
    if (std::from_chars(number.data(), number.data() + number.size(), exact).ec != std::errc())
      exact = d;  // beyond what a double holds: 0 or infinity
    number.clear();
    stack.push_double(exact);
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

struct Parsed {
  json::value value;
  std::size_t keys;  // that the text gives; a key that comes twice is one member of the value
};

Result<Parsed> parse(std::string_view text, std::string_view name, std::size_t max_values,
                     bool watch_keys, const json::storage_ptr& memory) {
  json::basic_parser<StrictHandler> parser(json::parse_options{}, max_values, watch_keys, memory);
  boost::system::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) ec = json::error::extra_data;
  StrictHandler& handler = parser.handler();
  if (ec && handler.problem.empty())
    return make_error(Code::kCorrupt, "{}: not valid JSON at byte {}: {}", name, used,
                      ec.message());
  if (ec) return make_error(handler.code, "{}: {}", name, handler.problem);
  return Parsed{handler.stack.release(), handler.keys};
}

// Members of all objects; the depth is the parser's.
std::size_t count_members(const json::value& value) {
  std::size_t members = 0;
  if (const json::object* object = value.if_object()) {
    members = object->size();
    for (const json::key_value_pair& member : *object) members += count_members(member.value());
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) members += count_members(element);
  }
  return members;
}

}  // namespace

Result<json::value> parse_strict_json(std::string_view text, std::string_view name,
                                      std::size_t max_values, json::storage_ptr memory) try {
  Parsed parsed = AQ_TRY(parse(text, name, max_values, false, memory));
  if (count_members(parsed.value) == parsed.keys) return std::move(parsed.value);
  Parsed watched = AQ_TRY(parse(text, name, max_values, true, {}));  // says which
  return make_error(Code::kCorrupt, "{}: one of its {} keys is given twice", name, watched.keys);
} catch (const std::exception& e) {
  return make_error(Code::kOutOfMemory, "{}: could not be read: {}", name, e.what());
}

}  // namespace aquilon
