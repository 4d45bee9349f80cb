// The JSON Schema test suite and schemas that people publish, where they are at hand (../shared, or
// AQUILON_SHARED): no valid instance is rejected and no invalid one accepted; what is refused is
// counted, and may only become less.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "constraint/grammar_for_test.h"

namespace aquilon::constraint {
namespace {

namespace json = boost::json;

std::string shared_folder() {
  const char* set = std::getenv("AQUILON_SHARED");
  return set != nullptr ? set : std::string(AQUILON_SOURCE_DIR) + "/../shared";
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// As Boost writes it, but for doubles: digits as people write them.
void write(const json::value& value, std::string& out) {
  if (const json::object* object = value.if_object()) {
    out += '{';
    for (const auto& [key, member] : *object) {
      if (out.back() != '{') out += ", ";
      out += json::serialize(json::string(key)) + ": ";
      write(member, out);
    }
    out += '}';
  } else if (const json::array* list = value.if_array()) {
    out += '[';
    for (const json::value& item : *list) {
      if (out.back() != '[') out += ", ";
      write(item, out);
    }
    out += ']';
  } else if (value.is_double()) {
    out += fmt::format("{}", value.get_double());
    if (out.find_last_of(".e") == out.npos) out += ".0";
  } else {
    out += json::serialize(value);
  }
}

// Tests whose answers differ by intent: what JSON Schema leaves open, or a spelling that is not
// offered. Each is the group's description.
std::set<std::string> known_differences() {
  std::set<std::string> names;
  std::ifstream file(std::string(AQUILON_SOURCE_DIR) + "/tests/data/json_schema/differences.txt");
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') names.insert(line);
  return names;
}

struct Count {
  int groups = 0, refused = 0, tests = 0;
};

void run_suite(const std::filesystem::path& folder, const std::string& draft,
               const std::set<std::string>& differences, Count& count) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    json::error_code ec;
    json::parse_options options;
    options.max_depth = 512;
    const json::value groups = json::parse(read(entry.path()), ec, {}, options);
    ASSERT_FALSE(ec) << entry.path();
    for (const json::value& group : groups.as_array()) {
      json::value schema = group.at("schema");
      if (schema.is_object() && !schema.as_object().contains("$schema") && draft != "draft2020-12")
        schema.as_object()["$schema"] =
            "http://json-schema.org/draft-0" + draft.substr(5) + "/schema#";
      const std::string name = fmt::format("{}/{}: {}", draft, entry.path().filename().string(),
                                           std::string(group.at("description").as_string()));
      ++count.groups;
      SchemaRefusal refusal;
      const auto grammar = Grammar::json_schema(schema, {}, &refusal);
      bool any_valid = false;
      for (const json::value& test : group.at("tests").as_array())
        any_valid = any_valid || test.at("valid").as_bool();
      if (!grammar.ok()) {
        ++count.refused;
        if (any_valid && !differences.contains(name))
          ADD_FAILURE() << "refused, and not in the list: " << name << "\n"
                        << refusal.pointer << " " << refusal.keyword << ": " << refusal.reason;
        continue;
      }
      for (const json::value& test : group.at("tests").as_array()) {
        ++count.tests;
        std::string text;
        write(test.at("data"), text);
        const std::string full = name + " / " + std::string(test.at("description").as_string());
        if (differences.contains(full)) continue;
        EXPECT_EQ(accepts(*grammar, text), test.at("valid").as_bool()) << full << "\n"
                                                                       << text << "\n"
                                                                       << json::serialize(schema);
      }
    }
  }
}

class OfficialSuite : public testing::TestWithParam<const char*> {};

TEST_P(OfficialSuite, AnswersAsItSays) {
  const std::string draft = GetParam();
  const std::string folder =
      shared_folder() + "/data/json-schema/JSON-Schema-Test-Suite/tests/" + draft;
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the suite is not at hand: " << folder;
  Count count;
  run_suite(folder, draft, known_differences(), count);
  if (draft != "draft2020-12" || !HasFailure())
    fmt::print("{}: {} groups, {} refused, {} tests\n", draft, count.groups, count.refused,
               count.tests);
}

INSTANTIATE_TEST_SUITE_P(Drafts, OfficialSuite, testing::Values("draft2020-12", "draft7", "draft4"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(PublishedSchemas, NothingValidIsRejectedAndNothingInvalidAccepted) {
  const std::string folder = shared_folder() + "/data/json-schema/maskbench-dev";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "not at hand: " << folder;
  int schemas = 0, refused = 0, tests = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      json::error_code ec;
      json::parse_options options;
      options.max_depth = 512;
      const json::value value = json::parse(line, ec, {}, options);
      ASSERT_FALSE(ec) << entry.path();
      ++schemas;
      SchemaRefusal refusal;
      const auto grammar = Grammar::json_schema(value.at("schema"), {}, &refusal);
      if (!grammar.ok()) {
        ++refused;
        fmt::print("refused: {} at '{}', {}: {}\n", std::string(value.at("id").as_string()),
                   refusal.pointer, refusal.keyword, refusal.reason);
        continue;
      }
      for (const json::value& test : value.at("tests").as_array()) {
        ++tests;
        std::string text;
        write(test.at("data"), text);
        EXPECT_EQ(accepts(*grammar, text), test.at("valid").as_bool())
            << value.at("id").as_string() << "\n"
            << text.substr(0, 600);
      }
    }
  }
  EXPECT_LE(refused, 4);
  fmt::print("{} schemas, {} refused, {} instances\n", schemas, refused, tests);
}

}  // namespace
}  // namespace aquilon::constraint
