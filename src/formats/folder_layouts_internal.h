// The two layouts of a model folder.
#pragma once

#include "base/result.h"
#include "formats/folder_files_internal.h"
#include "formats/gguf.h"

namespace aquilon::formats {

// config.json and model*.safetensors. Errors: see open_model.
Result<GgufFile> describe_hugging_face(FolderFiles folder);

// params.json and consolidated*.safetensors. Errors: see open_model.
Result<GgufFile> describe_mistral(FolderFiles folder);

}  // namespace aquilon::formats
