// Which files of a repository are the model that was asked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/listing.h"

namespace aquilon::hub {

struct Selection {
  std::string quant;              // "Q4_K_M", empty when the name holds none
  std::vector<RemoteFile> files;  // the parts in order, or the one file
};

// The quant in a file's name (or in its folder's, for split files): "Q4_K_M", "UD-Q4_K_XL", "F16";
// capital letters, empty if none.
std::string quant_of(std::string_view path);

// `selector`: a file of the repository (by path or by name; any part of a split file stands for
// all), a quant, or empty for the best compromise there is (Q4_K_M, then its neighbours). Errors:
// kNotFound (nothing matches), kInvalidArgument (several match), both listing what there is;
// kCorrupt (a split file that lacks parts).
Result<Selection> select_files(const std::vector<RemoteFile>& listing, std::string_view selector);

}  // namespace aquilon::hub
