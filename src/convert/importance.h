// Importance matrices: how large the activations are that meet each column of each matrix, in
// llama-imatrix's GGUF files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::formats {
class GgufFile;
}

namespace aquilon::convert {

// What was collected for one tensor, a matrix or a stack of them.
struct ColumnSums {
  std::uint64_t columns = 0;
  std::vector<float> squares;  // [matrices, columns] sums of squared activations
  std::vector<float> counts;   // [matrices] activations that were summed
};

struct Importance {
  std::string path;                                        // of the file; for messages
  std::map<std::string, ColumnSums, std::less<>> tensors;  // by name: "blk.0.attn_q.weight"
  std::vector<std::string> datasets;                       // texts that it was collected on
  std::uint32_t chunks = 0;
  std::uint32_t chunk_tokens = 0;

  // Errors: those of GgufFile::open; kCorrupt names the entry that is no such sums, or no numbers.
  static Result<Importance> read(const std::string& path);
  static Result<Importance> read(const formats::GgufFile& file);
  // Errors: those of GgufWriter.
  Status write(const std::string& path) const;

  // Mean squares of a tensor's columns, those of a matrix scaled to 1 on average, none below
  // a thousandth, matrix after matrix; a matrix that met nothing has 1 everywhere. Empty for a
  // tensor that is not there. Errors: kInvalidArgument if the tensor has other columns than the
  // model's.
  Result<std::vector<float>> weights(std::string_view tensor, std::uint64_t matrices,
                                     std::uint64_t columns) const;
};

}  // namespace aquilon::convert
