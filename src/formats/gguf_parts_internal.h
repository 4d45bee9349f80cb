// Opens GGUF files, one or the parts of a split one as a whole.
#pragma once

#include <cstdint>
#include <string>

#include "formats/gguf.h"

namespace aquilon::formats {

// Part i of n is named "<stem>-<i>-of-<n>.gguf", from 1, with five digits each. What a file is
// stands in its metadata (split.no, split.count); names serve to find the others.
class GgufParts {
 public:
  static Result<GgufFile> open(const std::string& path);

 private:
  // A file by itself, with its map.
  static Result<GgufFile> open_file(const std::string& path, bool parts_allowed);
  // `part`, which lies at `path`, is the one of that number of the model that `whole` begins.
  static Status check(const GgufFile& part, const GgufFile& whole, std::uint64_t number);
  static void append(GgufFile& whole, GgufFile part);
  static Status finish(GgufFile& whole);
};

}  // namespace aquilon::formats
