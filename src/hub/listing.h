// What the hub says about a repository: its commit, licence and files. Parsed from the hub's JSON,
// which is not trusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::hub {

struct RepoInfo {
  std::string commit;   // 40 hexadecimal digits
  std::string licence;  // "apache-2.0", empty when not given
  bool gated = false;   // its licence must be accepted on the hub first
};

// A GGUF file of a repository.
struct RemoteFile {
  std::string
      path;  // in the repository; every part is a plain name, the last one is_gguf_file_name
  std::uint64_t bytes = 0;
  std::string sha256;   // of large files, empty for small ones
  std::string git_oid;  // of small files (Digest::git_blob); always there when sha256 is empty

  std::string file_name() const { return path.substr(path.rfind('/') + 1); }
  bool operator==(const RemoteFile&) const = default;
};

// GET /api/models/{repo}/revision/{revision}. Errors: kCorrupt.
Result<RepoInfo> parse_repo_info(std::string_view json);

// One page of GET /api/models/{repo}/tree/{revision}?recursive=true. Other files than GGUF ones and
// those with unusual names are left out. Errors: kCorrupt: a path that leaves the repository, an
// impossible size or checksum.
Result<std::vector<RemoteFile>> parse_listing_page(std::string_view json);

// The address of the next page from a Link header (RFC 8288), empty if there is none.
std::string next_page(std::string_view link_header);

}  // namespace aquilon::hub
