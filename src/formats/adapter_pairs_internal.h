// The two halves of each pair of an adapter, as its file names them one by one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "formats/adapter_file.h"

namespace aquilon::formats {

enum class AdapterSide { kA, kB };

class AdapterPairs {
 public:
  explicit AdapterPairs(std::string path) : path_(std::move(path)) {}

  // Errors: kCorrupt for a half that is there already.
  Status add(const std::string& target, AdapterSide side, const std::string& label,
             const tensor::MatrixView& matrix);
  // The pairs by target, their scales unset. Errors: kCorrupt for a pair without its other half, or
  // whose ranks differ, or if there is none.
  Result<std::vector<AdapterPair>> finish() const;

 private:
  struct Halves {
    std::string label;
    std::optional<tensor::MatrixView> a, b;
  };
  std::string path_;
  std::map<std::string, Halves> by_target_;
};

}  // namespace aquilon::formats
