#include <bit>

#include "formats/gguf_parser_internal.h"

namespace aquilon::formats {

static_assert(std::endian::native == std::endian::little,
              "numbers are read as they lie in the file");

Status GgufParser::run() {
  AQ_RETURN_IF_ERROR(read_header());
  AQ_RETURN_IF_ERROR(read_metadata());
  return read_tensors();
}

Status GgufParser::read_header() {
  const auto magic = AQ_TRY(cursor_.take(kGgufMagic.size(), "magic"));
  if (std::memcmp(magic.data(), kGgufMagic.data(), magic.size()) != 0)
    return cursor_.error_at(0, Code::kCorrupt,
                            "magic: not a GGUF file (it would start with 'GGUF')");

  const std::uint64_t start = cursor_.offset();
  const auto version = AQ_TRY(cursor_.number<std::uint32_t>("version"));
  if (version != 0 && (version & 0xFFFF) == 0)
    return cursor_.error_at(start, Code::kUnsupported,
                            "version: a big-endian GGUF file; only little-endian ones are read");
  if (version != 2 && version != 3)
    return cursor_.error_at(
        start, Code::kUnsupported,
        fmt::format("version: GGUF version {} is not read; versions 2 and 3 are", version));
  file_.version_ = version;

  tensor_count_ = AQ_TRY(cursor_.count("tensor count", kGgufMinTensorBytes, kGgufMaxTensors));
  entry_count_ = AQ_TRY(cursor_.count("metadata count", kGgufMinEntryBytes, kGgufMaxEntries));
  return {};
}

}  // namespace aquilon::formats
