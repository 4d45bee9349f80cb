// Any bytes are a LoRA adapter, as a GGUF file and as PEFT's folder: refused with its name, or
// opened with pairs whose every weight can be read. An input is a byte that says which, then the
// GGUF file, or adapter_config.json behind its length in two bytes and adapter_model.safetensors.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "formats/adapter_file.h"
#include "quant/decode.h"

using namespace aquilon;

namespace {

void read(const tensor::MatrixView& matrix) {
  std::vector<float> row(matrix.columns);
  for (std::size_t r = 0; r < matrix.rows; ++r)
    quant::decode(matrix.dtype, matrix.row(r), row.size(), row.data());
}

void check(const Result<formats::AdapterFile>& file) {
  if (!file.ok()) {
    AQ_CHECK(file.error().message.starts_with("fuzz"));
    return;
  }
  AQ_CHECK(!file->pairs().empty());
  for (const formats::AdapterPair& pair : file->pairs()) {
    AQ_CHECK(pair.a.rows > 0 && pair.a.rows == pair.b.columns && std::isfinite(pair.scale));
    read(pair.a);
    read(pair.b);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::span<const std::byte> rest = std::as_bytes(std::span(data + 1, size - 1));
  if (data[0] % 2 == 0) {
    check(formats::AdapterFile::parse_gguf(rest, "fuzz"));
    return 0;
  }
  if (rest.size() < 2) return 0;
  const std::size_t length =
      std::to_integer<std::size_t>(rest[0]) | std::to_integer<std::size_t>(rest[1]) << 8;
  rest = rest.subspan(2);
  const auto config = rest.first(std::min(length, rest.size()));
  check(formats::AdapterFile::parse_folder(
      "fuzz", {{"adapter_config.json", config},
               {"adapter_model.safetensors", rest.subspan(config.size())}}));
  return 0;
}
