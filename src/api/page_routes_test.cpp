// The page's files, where the page is part of the build.
#include <gtest/gtest.h>

#include "api/gunzip_internal.h"
#include "api/http_client_for_test.h"
#include "api/server_for_test.h"
#include "api/web_assets.h"

namespace aquilon::api {
namespace {

class PageRoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (web_assets().empty()) GTEST_SKIP() << "this build has no page";
  }

  ServerForTest server_{{.access = {.api_keys = {"secret"}}}};
  ClientForTest client_{server_.port()};
};

TEST_F(PageRoutesTest, PageIsServedUnderAStrictPolicyWithoutKey) {
  const ClientAnswer answer = client_.get("/", "Accept-Encoding: gzip, br\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(answer.headers.at("cache-control"), "no-cache");
  EXPECT_TRUE(answer.headers.at("content-security-policy").starts_with("default-src 'none'; "));
  EXPECT_EQ(answer.headers.at("referrer-policy"), "no-referrer");
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
}

TEST_F(PageRoutesTest, ClientsWithoutGzipGetTheFileItself) {
  for (const char* accept :
       {"", "Accept-Encoding: identity\r\n", "Accept-Encoding: gzip;q=0\r\n"}) {
    const ClientAnswer answer = client_.get("/index.html", accept);
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(answer.headers.contains("content-encoding")) << accept;
    EXPECT_NE(answer.body.find("<html"), std::string::npos) << accept;
  }
}

TEST_F(PageRoutesTest, KnownFilesAreNotSentAgain) {
  const std::string etag = client_.get("/").headers.at("etag");
  const ClientAnswer again = client_.get("/", "If-None-Match: " + etag + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(client_.get("/", "If-None-Match: \"other\"\r\n").status, 200);
}

TEST_F(PageRoutesTest, EveryFileUnpacksAndIsServedAsItIs) {
  for (const WebAsset& asset : web_assets()) {
    const ClientAnswer answer = client_.get(asset.path, "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(answer.status, 200) << asset.path;
    EXPECT_EQ(answer.body.size(), asset.gzip.size()) << asset.path;
    EXPECT_EQ(answer.headers.at("content-type"), asset.content_type);
    EXPECT_FALSE(gunzip(asset.gzip).empty()) << asset.path;
  }
}

}  // namespace
}  // namespace aquilon::api
