#include "hub/listing.h"

#include <gtest/gtest.h>

#include <string>

namespace aquilon::hub {
namespace {

const std::string kOid(40, 'b');
const std::string kSha(64, 'a');

std::string file_entry(const std::string& path, const std::string& size,
                       const std::string& lfs_oid = kSha) {
  return R"({"type":"file","oid":")" + kOid + R"(","size":)" + size + R"(,"path":")" + path +
         R"(","lfs":{"oid":")" + lfs_oid + R"(","size":)" + size + R"(,"pointerSize":135}})";
}

TEST(Listing, TakesGgufFilesOnly) {
  const std::string small = R"({"type":"file","oid":")" + kOid + R"(","size":9,"path":"s.gguf"})";
  const auto files =
      parse_listing_page("[" + file_entry("q/m.gguf", "1000") + "," + small +
                         R"(,{"type":"directory","oid":"x","size":0,"path":"q"})"
                         R"(,{"type":"file","oid":"x","size":1,"path":"README.md"})"
                         R"(,{"type":"file","oid":"x","size":1,"path":"unusual name.gguf"},)" +
                         R"({"type":"file","oid":"x","size":1,"path":".hidden.gguf"}])");
  ASSERT_TRUE(files.ok()) << files.error().message;
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0], (RemoteFile{"q/m.gguf", 1000, kSha, kOid}));
  EXPECT_EQ((*files)[0].file_name(), "m.gguf");
  EXPECT_EQ((*files)[1], (RemoteFile{"s.gguf", 9, "", kOid}));
  EXPECT_TRUE(parse_listing_page("[]")->empty());
}

TEST(Listing, RefusesWhatNoHubSays) {
  const std::string cases[] = {
      "",
      "<html>",
      "{}",
      "[1]",
      "[" + file_entry("../m.gguf", "1") + "]",
      "[" + file_entry("a/../../m.gguf", "1") + "]",
      "[" + file_entry("/etc/m.gguf", "1") + "]",
      "[" + file_entry("a//m.gguf", "1") + "]",
      "[" + file_entry("a\\\\m.gguf", "1") + "]",
      "[" + file_entry("a\\u0000m.gguf", "1") + "]",
      "[" + file_entry("a\\nm.gguf", "1") + "]",
      "[" + file_entry(std::string(2000, 'a') + ".gguf", "1") + "]",
      "[" + file_entry("m.gguf", "9223372036854775808") + "]",
      "[" + file_entry("m.gguf", "9223372036854775807") + "]",
      "[" + file_entry("m.gguf", "18446744073709551616") + "]",
      "[" + file_entry("m.gguf", "-1") + "]",
      "[" + file_entry("m.gguf", "0") + "]",
      "[" + file_entry("m.gguf", "1.5") + "]",
      "[" + file_entry("m.gguf", "1e400") + "]",
      "[" + file_entry("m.gguf", "1", "../../../../etc/passwd") + "]",
      "[" + file_entry("m.gguf", "1", std::string(64, 'G')) + "]",
      R"([{"type":"file","oid":"short","size":1,"path":"m.gguf"}])",
      R"([{"type":"file","size":1,"path":"m.gguf"}])",
      R"([{"type":"file","oid":")" + kOid + R"(","size":5,"path":"m.gguf","lfs":{"oid":")" + kSha +
          R"(","size":6}}])",
      R"([{"type":"file","oid":")" + kOid + R"(","size":5,"path":"m.gguf","lfs":[]}])",
      R"([{"type":7,"path":"m.gguf"}])",
      std::string(1'000'000, '['),
  };
  for (const std::string& json : cases) {
    const auto files = parse_listing_page(json);
    ASSERT_FALSE(files.ok()) << json.substr(0, 200);
    EXPECT_EQ(files.error().code, Code::kCorrupt);
    EXPECT_LT(files.error().message.size(), 300u);
  }
}

TEST(Listing, RepoInfo) {
  const auto info = parse_repo_info(R"({"sha":")" + kOid +
                                    R"(","gated":"auto","cardData":{"license":"apache-2.0"}})");
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->commit, kOid);
  EXPECT_EQ(info->licence, "apache-2.0");
  EXPECT_TRUE(info->gated);
  const auto bare = parse_repo_info(R"({"sha":")" + kOid + R"(","gated":false,"cardData":[1]})");
  ASSERT_TRUE(bare.ok());
  EXPECT_FALSE(bare->gated);
  for (const char* json :
       {"", "[]", "{}", R"({"sha":"main"})", R"({"sha":"../../x"})", R"({"sha":1})"})
    EXPECT_FALSE(parse_repo_info(json).ok()) << json;
}

TEST(Listing, NextPage) {
  EXPECT_EQ(next_page(R"(<https://h/a?cursor=x>; rel="next")"), "https://h/a?cursor=x");
  EXPECT_EQ(next_page(R"(<https://h/p>; rel="prev", <https://h/n>; rel="next")"), "https://h/n");
  for (const char* header : {"", "<", "<x", R"(<x>; rel="prev")", ">; rel=\"next\"", "rel=next"})
    EXPECT_EQ(next_page(header), "") << header;
}

}  // namespace
}  // namespace aquilon::hub
