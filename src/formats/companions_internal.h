// The end of describing a folder, alike for both layouts.
#pragma once

#include <cstdint>
#include <string_view>

#include "formats/description_builder_internal.h"
#include "formats/folder_files_internal.h"
#include "formats/weight_files_internal.h"

namespace aquilon::formats {

// The files of a tokenizer and a chat template in a folder.
CompanionFiles find_companions(const FolderFiles& folder);

// Name, vocabulary, companions and maps.
Result<GgufFile> finish_folder(FolderFiles& folder, const WeightFiles& weights,
                               std::string_view architecture, std::uint64_t vocabulary,
                               DescriptionBuilder builder);

}  // namespace aquilon::formats
