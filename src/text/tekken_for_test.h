// Mistral's Tekken vocabulary as a tekken.json, from the ranks that ../shared holds. Tests only.
#pragma once

#include <boost/json.hpp>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace aquilon::text {

inline std::string shared_tokenizer_for_test(const std::string& name) {
  const char* const set = std::getenv("AQUILON_SHARED");
  return std::string(set && *set ? set : AQUILON_SOURCE_DIR "/../shared") + "/data/tokenizers/" +
         name;
}

inline std::string tekken_ranks_for_test() {
  return shared_tokenizer_for_test("tekken_240718.ranks.json");
}

// `specials`: none for the old list.
inline std::string tekken_json_for_test(std::string_view version,
                                        const std::vector<std::string>& specials) {
  boost::json::object root = boost::json::parse(*read_file(tekken_ranks_for_test())).as_object();
  root["config"].as_object()["version"] = version;
  const std::string line(root["bpe_ranks"].as_string());
  root.erase("bpe_ranks");
  boost::json::array vocab;
  for (std::size_t at = line.find(' ', 2) + 1; at != 0;) {  // behind "! 0 "
    const std::size_t end = line.find(' ', at);
    vocab.push_back(boost::json::object{{"rank", vocab.size()},
                                        {"token_bytes", line.substr(at, end - at)},
                                        {"token_str", nullptr}});
    at = end == line.npos ? 0 : end + 1;
  }
  root["vocab"] = std::move(vocab);
  if (!specials.empty()) {
    boost::json::array list;
    for (const std::string& token : specials)
      list.push_back(
          boost::json::object{{"rank", list.size()}, {"token_str", token}, {"is_control", true}});
    root["special_tokens"] = std::move(list);
  }
  return boost::json::serialize(root);
}

}  // namespace aquilon::text
