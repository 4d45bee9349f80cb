#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

#include "base/utf8.h"
#include "formats/safetensors_header_internal.h"

namespace aquilon::formats {
namespace {

namespace json = boost::json;
using tensor::DType;

constexpr SafetensorsType kTypes[] = {
    {"F32", 32, DType::kF32},
    {"F16", 16, DType::kF16},
    {"BF16", 16, DType::kBF16},
    {kSafetensorsFp8, 8, DType::kF8_E4M3},
    {"BOOL", 8, {}},
    {"U8", 8, {}},
    {"I8", 8, {}},
    {"F8_E5M2", 8, {}},
    {"F8_E8M0", 8, {}},
    {"F8_E4M3FNUZ", 8, {}},
    {"F8_E5M2FNUZ", 8, {}},
    {"F4", 4, {}},
    {"F6_E2M3", 6, {}},
    {"F6_E3M2", 6, {}},
    {"I16", 16, {}},
    {"U16", 16, {}},
    {"I32", 32, {}},
    {"U32", 32, {}},
    {"F64", 64, {}},
    {"I64", 64, {}},
    {"U64", 64, {}},
    {"C64", 64, {}},
};

const SafetensorsType* find_type(std::string_view name) {
  for (const SafetensorsType& type : kTypes)
    if (type.name == name) return &type;
  return nullptr;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kSafetensorsMaxNameBytes && is_utf8(name) &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// Follows the parser through the one shape that a header may have.
struct HeaderHandler {
  using error_code = boost::system::error_code;
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = 1 << 16;
  static constexpr std::size_t max_string_size = 1 << 24;  // texts of __metadata__ are skipped

  // What the next value is.
  enum class At { kHeader, kEntry, kMetadata, kMetadataText, kField, kType, kShape, kOffsets };

  std::vector<SafetensorsEntry> entries;
  std::string problem;
  Code code = Code::kCorrupt;
  At at = At::kHeader;
  bool in_array = false;
  bool metadata_seen = false;
  std::string text;  // of the key or value that is being read
  std::size_t offsets = 0;
  bool has_type = false, has_shape = false, has_offsets = false;

  bool fail(error_code& ec, std::string what, Code kind = Code::kCorrupt) {
    problem = std::move(what);
    code = kind;
    ec = json::error::syntax;
    return false;
  }
  bool fail_entry(error_code& ec, std::string_view what, Code kind = Code::kCorrupt) {
    return fail(ec, fmt::format("tensor '{}': {}", entries.back().name, what), kind);
  }
  bool unexpected(error_code& ec) {
    switch (at) {
      case At::kHeader:
        return fail(ec, "header: must be an object of tensors");
      case At::kMetadata:
      case At::kMetadataText:
        return fail(ec, "header: __metadata__ must be an object of texts");
      case At::kType:
        return fail_entry(ec, "dtype: must be a text");
      case At::kShape:
        return fail_entry(ec, "shape: must be a list of whole numbers");
      case At::kOffsets:
        return fail_entry(ec, "data_offsets: must be a list of two whole numbers");
      default:
        return fail_entry(ec, "must be an object with dtype, shape and data_offsets");
    }
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code& ec) {
    if (in_array || (at != At::kHeader && at != At::kEntry && at != At::kMetadata))
      return unexpected(ec);
    if (at == At::kHeader && depth == 1) return unexpected(ec);
    ++depth;
    if (at == At::kEntry) at = At::kField;
    if (at == At::kMetadata) at = At::kMetadataText;
    return true;
  }
  bool on_object_end(std::size_t, error_code& ec) {
    --depth;
    if (depth == 1 && at == At::kField) {
      if (!has_type) return fail_entry(ec, "dtype: is missing");
      if (!has_shape) return fail_entry(ec, "shape: is missing");
      if (!has_offsets) return fail_entry(ec, "data_offsets: are missing");
    }
    at = At::kHeader;
    return true;
  }

  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code& ec) {
    text.append(part.data(), part.size());
    std::string key = std::move(text);
    text.clear();
    if (at == At::kMetadataText) return true;
    return depth == 1 ? begin_entry(std::move(key), ec) : begin_field(key, ec);
  }
  bool begin_entry(std::string name, error_code& ec) {
    if (name == "__metadata__") {
      if (metadata_seen) return fail(ec, "header: __metadata__ is given twice");
      metadata_seen = true;
      at = At::kMetadata;
      return true;
    }
    if (!is_name(name))
      return fail(ec, fmt::format("tensor {}: name: must be 1 to {} bytes of UTF-8 without control "
                                  "characters",
                                  entries.size(), kSafetensorsMaxNameBytes));
    if (entries.size() == kSafetensorsMaxTensors)
      return fail(
          ec, fmt::format("header: more than the {} tensors that are read", kSafetensorsMaxTensors),
          Code::kUnsupported);
    entries.emplace_back().name = std::move(name);
    has_type = has_shape = has_offsets = false;
    offsets = 0;
    at = At::kEntry;
    return true;
  }
  bool begin_field(std::string_view key, error_code& ec) {
    bool* seen = nullptr;
    if (key == "dtype") at = At::kType, seen = &has_type;
    if (key == "shape") at = At::kShape, seen = &has_shape;
    if (key == "data_offsets") at = At::kOffsets, seen = &has_offsets;
    if (seen == nullptr)
      return fail_entry(ec, fmt::format("'{}' is no field of the format", key.substr(0, 80)));
    if (*seen) return fail_entry(ec, fmt::format("{}: is given twice", key));
    *seen = true;
    return true;
  }

  bool on_array_begin(error_code& ec) {
    if (in_array || (at != At::kShape && at != At::kOffsets)) return unexpected(ec);
    in_array = true;
    return true;
  }
  bool on_array_end(std::size_t, error_code& ec) {
    if (at == At::kOffsets && offsets != 2) return unexpected(ec);
    in_array = false;
    at = At::kField;
    return true;
  }

  bool on_string_part(json::string_view part, std::size_t, error_code& ec) {
    if (at == At::kMetadataText) return true;
    if (at != At::kType) return unexpected(ec);
    text.append(part.data(), std::min<std::size_t>(part.size(), 80));
    return true;
  }
  bool on_string(json::string_view part, std::size_t total, error_code& ec) {
    if (!on_string_part(part, total, ec)) return false;
    if (at == At::kMetadataText) return true;
    entries.back().type = find_type(text);
    if (entries.back().type == nullptr)
      return fail_entry(ec, fmt::format("dtype: '{}' is no type that we know", text.substr(0, 80)),
                        Code::kUnsupported);
    text.clear();
    at = At::kField;
    return true;
  }

  bool on_uint64(std::uint64_t value, json::string_view, error_code& ec) {
    if (!in_array) return unexpected(ec);
    SafetensorsEntry& entry = entries.back();
    if (at == At::kShape) {
      if (entry.shape.size() == kSafetensorsMaxDims)
        return fail_entry(ec,
                          fmt::format("shape: has more than the {} dimensions that are read",
                                      kSafetensorsMaxDims),
                          Code::kUnsupported);
      entry.shape.push_back(value);
      return true;
    }
    if (offsets == 2) return unexpected(ec);
    (offsets++ == 0 ? entry.begin : entry.end) = value;
    return true;
  }
  bool on_int64(std::int64_t value, json::string_view digits, error_code& ec) {
    return value < 0 ? unexpected(ec) : on_uint64(static_cast<std::uint64_t>(value), digits, ec);
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_double(double, json::string_view, error_code& ec) { return unexpected(ec); }
  bool on_bool(bool, error_code& ec) { return unexpected(ec); }
  bool on_null(error_code& ec) { return unexpected(ec); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  int depth = 0;
};

}  // namespace

Result<std::vector<SafetensorsEntry>> read_safetensors_header(std::string_view header,
                                                              const std::string& file) {
  json::basic_parser<HeaderHandler> parser(json::parse_options{});
  boost::system::error_code ec;
  const std::size_t used = parser.write_some(false, header.data(), header.size(), ec);
  if (!ec && used < header.size()) ec = json::error::extra_data;
  HeaderHandler& handler = parser.handler();
  if (!ec) return std::move(handler.entries);
  if (!handler.problem.empty()) return Error{handler.code, file + ": " + handler.problem};
  return make_error(Code::kCorrupt, "{}: header: not JSON at byte {}: {}", file, used + 8,
                    ec.message());
}

}  // namespace aquilon::formats
