// Any bytes are a GGUF file: opened or refused, and what was opened can be read to its last weight.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "formats/gguf.h"
#include "quant/decode.h"

using namespace aquilon;

namespace {

void look_up(const formats::GgufFile& file, const formats::GgufFile::Entry& entry) {
  AQ_CHECK(file.find(entry.key) == &entry.value);
  (void)file.get_uint(entry.key, 1 << 20);
  (void)file.get_float(entry.key);
  (void)file.get_bool(entry.key);
  (void)file.get_string(entry.key);
  (void)file.get_array(entry.key, formats::GgufType::kString);
}

void decode(const formats::GgufFile& file, const formats::GgufTensor& tensor) {
  AQ_CHECK(file.find_tensor(tensor.name) == &tensor);
  if (tensor.dims.size() > 2) return;
  const tensor::MatrixView matrix = file.matrix(tensor);
  std::vector<float> row(std::min<std::size_t>(matrix.columns, 1 << 16));
  if (row.size() != matrix.columns) return;
  for (std::size_t r = 0; r < matrix.rows; ++r)
    quant::decode(matrix.dtype, matrix.row(r), row.size(), row.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = formats::GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file.ok()) {
    AQ_CHECK(file.error().message.starts_with("fuzz: at byte "));
    return 0;
  }
  for (const auto& entry : file->metadata()) look_up(*file, entry);
  for (const auto& tensor : file->tensors()) decode(*file, tensor);
  return 0;
}
