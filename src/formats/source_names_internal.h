// What keys and tensors of GGUF's vocabulary are called in the files of a folder, for messages.
#pragma once

#include <string>

#include "formats/gguf.h"
#include "formats/tensor_names_internal.h"

namespace aquilon::formats {

// `path`: of config.json or params.json.
SourceNames source_names(NameStyle style, std::string path);

}  // namespace aquilon::formats
