#include "convert/importance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "formats/gguf.h"
#include "formats/gguf_writer.h"

namespace aquilon::convert {
namespace {

using formats::GgufFile;
using formats::GgufTensor;
using formats::GgufType;

constexpr std::string_view kSquares = ".in_sum2";
constexpr std::string_view kCounts = ".counts";
constexpr std::string_view kDatasetsKey = "imatrix.datasets";
constexpr std::string_view kChunksKey = "imatrix.chunk_count";
constexpr std::string_view kChunkTokensKey = "imatrix.chunk_size";
constexpr float kLeast = 1e-3f;  // of the average: nothing is free to become anything

std::vector<float> values_of(const GgufTensor& tensor) {
  std::vector<float> values(tensor.bytes / sizeof(float));
  std::memcpy(values.data(), tensor.data, values.size() * sizeof(float));
  return values;
}

bool are_sums(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](float v) { return std::isfinite(v) && v >= 0; });
}

Result<ColumnSums> read_sums(const GgufFile& file, const GgufTensor& squares,
                             const std::string& name) {
  const GgufTensor* counts = file.find_tensor(name + std::string(kCounts));
  const auto wrong = [&](std::string_view what) {
    return make_error(Code::kCorrupt, "{}: the entry '{}' {}", file.path(), name, what);
  };
  if (counts == nullptr) return wrong("has sums and no counts");
  if (squares.dtype != tensor::DType::kF32 || counts->dtype != tensor::DType::kF32)
    return wrong("is not F32");
  ColumnSums sums{squares.dims[0], values_of(squares), values_of(*counts)};
  if (sums.squares.size() != sums.columns * sums.counts.size())
    return wrong(fmt::format("has {} counts for {} rows of sums", sums.counts.size(),
                             sums.squares.size() / sums.columns));
  if (!are_sums(sums.squares) || !are_sums(sums.counts)) return wrong("holds what is no sum");
  return sums;
}

// Scales one matrix's sums to means of 1 on average.
void put_weights(const float* squares, float count, std::uint64_t columns, float* to) {
  double total = 0;
  for (std::uint64_t i = 0; i < columns; ++i) total += static_cast<double>(squares[i]);
  if (!(count > 0) || !(total > 0)) {
    std::fill_n(to, columns, 1.0f);
    return;
  }
  const double scale = static_cast<double>(columns) / total;
  for (std::uint64_t i = 0; i < columns; ++i)
    to[i] = std::max(kLeast, static_cast<float>(static_cast<double>(squares[i]) * scale));
}

}  // namespace

Result<Importance> Importance::read(const std::string& path) {
  const GgufFile file = AQ_TRY(GgufFile::open(path));
  return read(file);
}

Result<Importance> Importance::read(const GgufFile& file) {
  const auto type = file.get_string("general.type");
  if (!type.ok() || *type != "imatrix")
    return make_error(Code::kCorrupt,
                      "{}: is no importance matrix (general.type); `aquilon imatrix` makes one",
                      file.path());
  Importance all;
  all.path = file.path();
  for (const GgufTensor& tensor : file.tensors()) {
    if (!tensor.name.ends_with(kSquares)) continue;
    std::string name(tensor.name.substr(0, tensor.name.size() - kSquares.size()));
    ColumnSums sums = AQ_TRY(read_sums(file, tensor, name));
    all.tensors.emplace(std::move(name), std::move(sums));
  }
  if (all.tensors.empty()) return make_error(Code::kCorrupt, "{}: holds no sums", file.path());
  constexpr std::uint64_t kMost = 0xffffffff;
  if (file.find(kChunksKey) != nullptr)
    all.chunks = static_cast<std::uint32_t>(AQ_TRY(file.get_uint(kChunksKey, kMost)));
  if (file.find(kChunkTokensKey) != nullptr)
    all.chunk_tokens = static_cast<std::uint32_t>(AQ_TRY(file.get_uint(kChunkTokensKey, kMost)));
  if (const auto datasets = file.get_array(kDatasetsKey, GgufType::kString); datasets.ok())
    all.datasets.assign((*datasets)->strings.begin(), (*datasets)->strings.end());
  return all;
}

Status Importance::write(const std::string& to) const {
  formats::GgufWriter writer;
  AQ_RETURN_IF_ERROR(writer.put_text("general.type", "imatrix"));
  const std::vector<std::string_view> names(datasets.begin(), datasets.end());
  AQ_RETURN_IF_ERROR(writer.put_texts(kDatasetsKey, names));
  AQ_RETURN_IF_ERROR(writer.put_uint(kChunksKey, GgufType::kU32, chunks));
  AQ_RETURN_IF_ERROR(writer.put_uint(kChunkTokensKey, GgufType::kU32, chunk_tokens));
  for (const auto& [name, sums] : tensors) {
    const std::uint64_t matrices = sums.counts.size();
    AQ_RETURN_IF_ERROR(writer.declare(name + std::string(kSquares), tensor::DType::kF32,
                                      {sums.columns, matrices}));
    AQ_RETURN_IF_ERROR(
        writer.declare(name + std::string(kCounts), tensor::DType::kF32, {1, matrices}));
  }
  AQ_RETURN_IF_ERROR(writer.begin(to));
  for (const auto& [name, sums] : tensors) {
    AQ_RETURN_IF_ERROR(writer.write(std::as_bytes(std::span(sums.squares))));
    AQ_RETURN_IF_ERROR(writer.write(std::as_bytes(std::span(sums.counts))));
  }
  return writer.finish();
}

Result<std::vector<float>> Importance::weights(std::string_view tensor, std::uint64_t matrices,
                                               std::uint64_t columns) const {
  const auto at = tensors.find(tensor);
  if (at == tensors.end()) return std::vector<float>();
  const ColumnSums& sums = at->second;
  if (sums.columns != columns || sums.counts.size() != matrices)
    return make_error(Code::kInvalidArgument,
                      "{}: '{}' has {} matrices of {} columns, the model's {} of {}; it was "
                      "collected on another model",
                      path, tensor, sums.counts.size(), sums.columns, matrices, columns);
  std::vector<float> weights(matrices * columns);
  for (std::uint64_t m = 0; m < matrices; ++m)
    put_weights(&sums.squares[m * columns], sums.counts[m], columns, &weights[m * columns]);
  return weights;
}

}  // namespace aquilon::convert
