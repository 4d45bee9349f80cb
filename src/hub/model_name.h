// Names: of models in the store, of GGUF files, of repositories on the hub. All come from people or
// from the network and become parts of paths and URLs, so the allowed characters are few.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aquilon::hub {

// [a-z0-9._-], 1 to 96 of them, first one a letter or digit, and no "..".
bool is_model_name(std::string_view text);

// A plain file name ending in .gguf: [A-Za-z0-9._+-], 6 to 200 of them, first one a letter or
// digit.
bool is_gguf_file_name(std::string_view text);

// The same with any ending: a file of a model's folder. Not the store's own manifest.json.
bool is_model_file_name(std::string_view text);

// 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);

// A model on the hub: `org/repo`, `org/repo:QUANT` or `org/repo:file.gguf`.
struct HubReference {
  std::string repo;      // org/repo
  std::string selector;  // quant or file (may have folders), empty if none

  bool operator==(const HubReference&) const = default;
};

// Nothing when the text has not that form.
std::optional<HubReference> parse_hub_reference(std::string_view text);

// The name in the store for a file of a repository: the repository's own name in small letters
// without
// "-gguf", then the quant: Qwen/Qwen2.5-0.5B-GGUF, Q4_K_M -> qwen2.5-0.5b-q4_k_m.
std::string store_name(std::string_view repo, std::string_view quant);

}  // namespace aquilon::hub
