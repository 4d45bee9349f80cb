// What the store knows of an installed model: manifest.json in the model's folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::hub {

struct ManifestFile {
  std::string name;    // in the model's folder
  std::string source;  // path in the repository; empty for a local file
  std::uint64_t bytes = 0;
  std::string sha256;

  bool operator==(const ManifestFile&) const = default;
};

struct Manifest {
  std::string name;       // in the store
  std::string repo;       // org/repo; empty for a local file
  std::string revision;   // commit that the files came from; empty for a local file
  std::string requested;  // branch, tag or commit that was asked for
  std::string licence;    // empty when unknown
  std::string added;      // when, UTC, ISO 8601
  // At least one. The first is the GGUF file to open; another one means the folder of all.
  std::vector<ManifestFile> files;

  std::uint64_t total_bytes() const;
  std::string to_json() const;
  // Errors: kCorrupt, naming the field. Every name in the result is valid (hub/model_name.h).
  static Result<Manifest> parse(std::string_view json);

  bool operator==(const Manifest&) const = default;
};

// Now, as in Manifest::added.
std::string utc_timestamp();

}  // namespace aquilon::hub
