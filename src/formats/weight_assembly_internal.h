// Puts the tensors of a folder into a description, under GGUF's names and with GGUF's meaning.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/description_builder_internal.h"
#include "formats/fp8_weights_internal.h"
#include "formats/tensor_names_internal.h"
#include "formats/weight_files_internal.h"

namespace aquilon::formats {

struct AssemblyRules {
  NameStyle style;
  std::string_view architecture;         // for messages
  std::optional<bool> tied;              // the output is the embeddings; nothing said: as stored
  float query_factor = 1;                // on the query norm (TensorMeaning::Values::kQueryNorm)
  bool fp8 = false;                      // the configuration speaks of FP8: it needs factors
  std::optional<Fp8Blocks> blocks = {};  // of FP8 factors
};

// Returns the rows of the embeddings. Weights stay in their files; norms that are
// stored less one and FP8 with factors are computed. Errors: kCorrupt and kUnsupported name file
// and tensor: an unknown name, a type that we don't compute with, a shape that is no matrix or
// vector, FP8 without factors; kCorrupt for embeddings, or an output that is not tied, that are
// missing.
Result<std::uint64_t> assemble_weights(FolderFiles& folder, const WeightFiles& weights,
                                       const AssemblyRules& rules, DescriptionBuilder& builder);

}  // namespace aquilon::formats
