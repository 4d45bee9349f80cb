// Reads the lines of tests/data/tokenizers and builds small tokenizers. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "text/tokenizer.h"

namespace aquilon::text {

inline std::string test_data_for_test(const std::string& name) {
  return std::string(AQUILON_SOURCE_DIR) + "/tests/data/tokenizers/" + name;
}

inline std::vector<boost::json::object> read_lines_for_test(const std::string& path) {
  std::vector<boost::json::object> rows;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    rows.push_back(boost::json::parse(line).as_object());
  }
  return rows;
}

template <class T>
std::vector<T> numbers_for_test(const boost::json::value& array) {
  return boost::json::value_to<std::vector<T>>(array);
}

inline std::string string_for_test(const boost::json::value& value) {
  return std::string(value.as_string());
}

inline std::unique_ptr<Tokenizer> load_json_for_test(const std::string& name) {
  auto file = read_file(test_data_for_test(name));
  EXPECT_TRUE(file.ok());
  auto made = read_tokenizer_json(file.value());
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return std::move(made).value();
}

}  // namespace aquilon::text
