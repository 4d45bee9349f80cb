#include "apps/id_list.h"

#include <charconv>
#include <cstring>

#include "base/file.h"

namespace aquilon::apps {

Result<std::vector<text::TokenId>> parse_ids(std::string_view list, std::string_view flag) {
  std::vector<text::TokenId> ids;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    std::string_view part = list.substr(at, comma - at);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    text::TokenId id = 0;
    const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), id);
    if (problem != std::errc{} || end != part.data() + part.size())
      return make_error(Code::kInvalidArgument, "{}: '{}' is no token id; write ids as 1,2,3", flag,
                        part);
    ids.push_back(id);
    at = comma + 1;
  }
  return ids;
}

Result<std::vector<text::TokenId>> read_ids_file(const std::string& path) {
  static_assert(sizeof(text::TokenId) == 4 && std::endian::native == std::endian::little);
  const std::string bytes = AQ_TRY(read_file(path));
  if (bytes.size() % sizeof(text::TokenId) != 0)
    return make_error(Code::kInvalidArgument, "{} has {} bytes; ids are 4 bytes each", path,
                      bytes.size());
  std::vector<text::TokenId> ids(bytes.size() / sizeof(text::TokenId));
  std::memcpy(ids.data(), bytes.data(), bytes.size());
  return ids;
}

}  // namespace aquilon::apps
