// PEFT's folders: adapter_config.json and adapter_model.safetensors.
#pragma once

#include <string>
#include <string_view>

#include "formats/adapter_file.h"
#include "formats/adapter_pairs_internal.h"
#include "formats/folder_files_internal.h"
#include "formats/json_fields_internal.h"
#include "formats/peft_config_internal.h"
#include "formats/weight_files_internal.h"

namespace aquilon::formats {

class PeftReader {
 public:
  explicit PeftReader(FolderFiles folder) : folder_(std::move(folder)) {}

  // Once. Errors: those of AdapterFile::open.
  Result<AdapterFile> read();

 private:
  Status add_tensor(const WeightFiles::Weight& weight, AdapterPairs& pairs);
  Status set_scale(const PeftConfig& config, AdapterPair& pair) const;

  FolderFiles folder_;
};

}  // namespace aquilon::formats
