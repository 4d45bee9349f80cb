// Which layers see a window only.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "model/config_reader_internal.h"

namespace aquilon::model {

// [L] positions that a token of the layer sees; 0: all. The window is one number for all layers
// that have one, or one for each layer; which have one is said by a list of booleans, by a period
// or by the family. Errors: kCorrupt.
Result<std::vector<std::size_t>> read_windows(const ConfigReader& reader, const Family& family,
                                              std::size_t n_layers);

}  // namespace aquilon::model
