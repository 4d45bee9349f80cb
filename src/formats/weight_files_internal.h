// All tensors of a folder's safetensors files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/folder_files_internal.h"
#include "formats/safetensors.h"

namespace aquilon::formats {

// What the weight files of a layout are called: "model" (model.safetensors,
// model-00001-of-00002.safetensors, model.safetensors.index.json) or "consolidated".
class WeightFiles {
 public:
  struct Weight {
    const SafetensorsTensor* tensor;
    const std::string* path;  // of its file, for messages
  };

  // The weight files of that stem are there, whole or in parts.
  static bool present(const FolderFiles& folder, std::string_view stem);
  // Opens the index's files where there is one, else the one file, else all parts. Errors: those of
  // SafetensorsFile::parse; kNotFound names a file that is missing; kCorrupt names a tensor that
  // two files give, that the index has and its file lacks, or a count of parts that is wrong;
  // kUnsupported names pickled weights where there are no others.
  static Result<WeightFiles> open(FolderFiles& folder, std::string_view stem);

  std::vector<Weight> all() const;                             // file by file, in each in its order
  const SafetensorsTensor* find(std::string_view name) const;  // null when absent
  std::uint64_t bytes() const { return bytes_; }

 private:
  WeightFiles() = default;

  Status add(FolderFiles& folder, const std::string& name);
  Status sort();
  // The file of that name holds the tensors that `index` says.
  Status check_held(const std::string& name, const std::vector<std::string>& tensors,
                    const std::string& index) const;

  std::vector<SafetensorsFile> files_;
  std::vector<std::string> names_;  // of files_
  std::vector<Weight> by_name_;
  std::uint64_t bytes_ = 0;
};

}  // namespace aquilon::formats
