// Token ids as people write them on a command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace aquilon::apps {

// "1,2,3" (spaces allowed). Errors: kInvalidArgument, naming the bad part; `flag` is named in it.
Result<std::vector<text::TokenId>> parse_ids(std::string_view list, std::string_view flag);

// A file of int32, little-endian. Errors: those of read_file; kInvalidArgument for a size that is
// no multiple of four.
Result<std::vector<text::TokenId>> read_ids_file(const std::string& path);

}  // namespace aquilon::apps
