#include "hub/url.h"

#include <gtest/gtest.h>

#include <string>

namespace aquilon::hub {
namespace {

TEST(Url, ReadsHostsAndOrigins) {
  const struct {
    const char *text, *host, *origin;
  } cases[] = {
      {"https://huggingface.co", "huggingface.co", "https://huggingface.co:443"},
      {"HTTPS://HuggingFace.CO/a#x", "huggingface.co", "https://huggingface.co:443"},
      {"http://127.0.0.1:8000/x", "127.0.0.1", "http://127.0.0.1:8000"},
      {"http://[::1]:80/", "[::1]", "http://[::1]:80"},
      {"https://a.test:443/c?d=e", "a.test", "https://a.test:443"},
  };
  for (const auto& c : cases) {
    const auto url = Url::parse(c.text);
    ASSERT_TRUE(url.ok()) << c.text << ": " << url.error().message;
    EXPECT_EQ(url->host(), c.host);
    EXPECT_EQ(url->origin(), c.origin);
    EXPECT_EQ(url->text().find('#'), std::string::npos);
  }
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text :
       {"", "huggingface.co", "/path", "ftp://a/b", "file:///etc/passwd", "https://",
        "http://u:p@a/", "https://token@hub/", "https://a b/", "https://a/\r\nX: y",
        "https://a\\@b/", "gopher://a", "http://a:99999/", "javascript:alert(1)"})
    EXPECT_FALSE(Url::parse(text).ok()) << text;
  EXPECT_FALSE(Url::parse("https://a/" + std::string(10000, 'x')).ok());
}

TEST(Url, KnowsThisMachine) {
  for (const char* text : {"http://localhost/", "http://127.0.0.1:1/", "http://127.9.9.9/",
                           "http://[::1]:9/", "http://LOCALHOST/"})
    EXPECT_TRUE(Url::parse(text)->is_loopback()) << text;
  for (const char* text : {"http://127.evil.test/", "http://localhost.evil.test/", "http://router/",
                           "http://0.0.0.0/", "http://127.0.0.1.evil.test/"})
    EXPECT_FALSE(Url::parse(text)->is_loopback()) << text;
}

TEST(Url, FollowsOnlySafeRedirects) {
  const struct {
    const char *from, *location, *to;  // to: null when refused
  } cases[] = {
      {"https://hub/a/b", "/c", "https://hub/c"},
      {"https://hub/a/b", "c?x=1", "https://hub/a/c?x=1"},
      {"https://hub/a", "https://cdn/x", "https://cdn/x"},
      {"https://hub/a", "//cdn/x", "https://cdn/x"},
      {"http://127.0.0.1:1/a", "http://127.0.0.1:2/b", "http://127.0.0.1:2/b"},
      {"http://127.0.0.1:1/a", "https://cdn/b", "https://cdn/b"},
      {"https://hub/a", "http://hub/a", nullptr},             // downgrade
      {"https://hub/a", "http://127.0.0.1/a", nullptr},       // downgrade to this machine
      {"http://127.0.0.1/a", "http://elsewhere/a", nullptr},  // plain http to the network
      {"https://hub/a", "file:///etc/passwd", nullptr},
      {"https://hub/a", "ftp://hub/a", nullptr},
      {"https://hub/a", "https://user:secret@cdn/a", nullptr},
      {"https://hub/a", "https://cdn/a b", nullptr},
      {"https://hub/a", "https://cdn\\@evil/", nullptr},
  };
  for (const auto& c : cases) {
    const auto target = Url::parse(c.from)->follow(c.location);
    EXPECT_EQ(target.ok(), c.to != nullptr) << c.from << " -> " << c.location;
    if (target.ok() && c.to != nullptr) {
      EXPECT_EQ(target->text(), c.to);
    }
  }
}

TEST(Url, JoinsPaths) {
  EXPECT_EQ(Url::parse("https://hub/")->with_path("/api/x")->text(), "https://hub/api/x");
  EXPECT_EQ(Url::parse("https://hub/mirror/")->with_path("/api?y")->text(),
            "https://hub/mirror/api?y");
  EXPECT_EQ(encode_path("a b/c#d?e%f+é.gguf"), "a%20b/c%23d%3Fe%25f%2B%C3%A9.gguf");
}

}  // namespace
}  // namespace aquilon::hub
