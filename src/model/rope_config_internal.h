// The rotary embedding that a file asks for.
#pragma once

#include "base/result.h"
#include "model/config.h"
#include "model/config_reader_internal.h"

namespace aquilon::model {

// Sets rope, local_rope and rope_layout; the rest of the shape is known. Errors: kCorrupt, and
// kUnsupported with the scalings that we run.
Status read_rope(const ConfigReader& reader, ModelConfig& config);

}  // namespace aquilon::model
