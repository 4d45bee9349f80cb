#include "hub/manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace aquilon::hub {
namespace {

const std::string kSha(64, 'a');

Manifest example() {
  return {.name = "m",
          .repo = "org/repo",
          .revision = "0123abcd",
          .requested = "main",
          .licence = "Apache-2.0 \"quoted\"\n",
          .added = "2026-01-02T03:04:05Z",
          .files = {{"m-00001-of-00002.gguf", "q/m-00001-of-00002.gguf", 5, kSha},
                    {"m-00002-of-00002.gguf", "q/m-00002-of-00002.gguf", 7, kSha}}};
}

TEST(Manifest, SurvivesTheRoundTrip) {
  const auto parsed = Manifest::parse(example().to_json());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(*parsed, example());
  EXPECT_EQ(parsed->total_bytes(), 12u);
}

TEST(Manifest, RefusesWhatItCannotTrust) {
  const auto replaced = [](const std::string& from, const std::string& to) {
    std::string json = example().to_json();
    const std::size_t at = json.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return json.replace(at, from.size(), to);
  };
  const std::string cases[] = {
      "",
      "null",
      replaced("\"format\": 1", "\"format\": 2"),
      replaced("\"name\": \"m\"", "\"name\": \"../m\""),
      replaced("\"name\": \"m-00001-of-00002.gguf\"", "\"name\": \"../../m.gguf\""),
      replaced("\"name\": \"m-00002-of-00002.gguf\"", "\"name\": \"m-00001-of-00002.gguf\""),
      replaced("\"bytes\": 5", "\"bytes\": 9223372036854775808"),
      replaced("\"bytes\": 5", "\"bytes\": 5.5"),
      replaced(kSha, "short"),
      example().to_json().substr(0, 200),
      std::string(100000, '['),
  };
  for (const std::string& json : cases)
    EXPECT_FALSE(Manifest::parse(json).ok()) << json.substr(0, 300);
}

}  // namespace
}  // namespace aquilon::hub
