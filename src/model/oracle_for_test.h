// The tiny reference models of tests/data/oracle (see SOURCES.md there) and, where the larger set
// is at hand ($AQUILON_SHARED/data/oracle/hf), of that.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "text/tokenizer.h"

namespace aquilon::model {

inline std::string shared_folder_for_test() {
  const char* set = std::getenv("AQUILON_SHARED");
  return set != nullptr ? set : std::string(AQUILON_SOURCE_DIR) + "/../shared";
}

// The case's folder, or empty where this machine does not have it.
inline std::string oracle_folder_for_test(const std::string& name) {
  for (const std::string& root : {shared_folder_for_test() + "/data/oracle/hf/",
                                  std::string(AQUILON_SOURCE_DIR) + "/tests/data/oracle/"})
    if (std::filesystem::exists(root + name + "/manifest.json")) return root + name;
  return {};
}

template <class T>
std::vector<T> read_numbers_for_test(const std::string& path) {
  const std::string bytes = read_file(path).value();
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  return numbers;
}

inline boost::json::value read_manifest_for_test(const std::string& folder) {
  return boost::json::parse(read_file(folder + "/manifest.json").value());
}

// The tokens of one entry of `sequences`, written in it or in a file beside it.
inline std::vector<text::TokenId> sequence_tokens_for_test(const boost::json::value& sequence,
                                                           const std::string& folder) {
  if (const auto* tokens = sequence.as_object().if_contains("tokens"))
    return boost::json::value_to<std::vector<text::TokenId>>(*tokens);
  return read_numbers_for_test<text::TokenId>(
      folder + "/" + boost::json::value_to<std::string>(sequence.at("tokens_file")));
}

}  // namespace aquilon::model
