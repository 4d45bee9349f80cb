// What the cases in tests/api cannot show: servers bound to other addresses.
#include "api/access_policy.h"

#include <gtest/gtest.h>

namespace aquilon::api {
namespace {

bool answers_as(const AccessConfig& config, std::string_view host) {
  HttpRequest request;
  request.host = host;
  return !AccessPolicy(config).check_host(request);
}

TEST(AccessPolicyTest, PublicServersAnswerToAddressesButNotToForeignNames) {
  const AccessConfig config{.api_keys = {"k"}, .bind_host = "0.0.0.0"};
  EXPECT_TRUE(answers_as(config, "192.168.1.5:8080"));
  EXPECT_TRUE(answers_as(config, "[fe80::1]:8080"));
  EXPECT_TRUE(answers_as(config, "localhost:8080"));
  EXPECT_FALSE(answers_as(config, "evil.example"));
  EXPECT_FALSE(answers_as(config, "1.2.3.4.evil.example"));
}

TEST(AccessPolicyTest, LocalServersAnswerToLoopbackOnly) {
  const AccessConfig config{};
  EXPECT_TRUE(answers_as(config, "127.0.0.1:8080"));
  EXPECT_TRUE(answers_as(config, "[::1]"));
  EXPECT_TRUE(answers_as(config, "chat.localhost"));
  EXPECT_FALSE(answers_as(config, "192.168.1.5"));
  EXPECT_FALSE(answers_as(config, "127.evil.example"));
  EXPECT_FALSE(answers_as(config, "notlocalhost"));
}

TEST(AccessPolicyTest, AllowedHostsMatchWithAnyPortAndStarMatchesAll) {
  const AccessConfig named{.allowed_hosts = {"AI.example:8080"}};
  EXPECT_TRUE(answers_as(named, "ai.example"));
  EXPECT_TRUE(answers_as(named, "ai.example:9"));
  EXPECT_FALSE(answers_as(named, "sub.ai.example"));
  EXPECT_TRUE(answers_as({.allowed_hosts = {"*"}}, "any.example"));
}

TEST(AccessPolicyTest, PageBehindATlsProxyIsTheSameOrigin) {
  HttpRequest request;
  request.method = "POST";
  request.host = "ai.example";
  request.headers = {{"origin", "https://ai.example"}};
  const AccessPolicy policy({.allowed_hosts = {"ai.example"}});
  EXPECT_FALSE(policy.check_origin(request, Scope::kApi));
  request.headers = {{"origin", "https://ai.example:444"}};
  EXPECT_TRUE(policy.check_origin(request, Scope::kApi));
}

TEST(AccessPolicyTest, WhatCannotWorkIsRefused) {
  const struct {
    const char* origin;
    bool works;
  } origins[] = {{"*", true},
                 {"https://chat.example", true},
                 {"http://localhost:3000", true},
                 {"http://[::1]:3000", true},
                 {"foo", false},
                 {"", false},
                 {"null", false},
                 {"chat.example", false},
                 {"https://", false},
                 {"https://chat.example/", false},
                 {"https://chat.example/page", false},
                 {"https://Chat.example", false},
                 {"HTTPS://chat.example", false},
                 {"https://chat.example:443", false},
                 {"http://chat.example:80", false},
                 {"https://*.example", false},
                 {"ftp://chat.example", false}};
  for (const auto& [origin, works] : origins) {
    const Status status = check_access({.cors_origins = {origin}}, false);
    EXPECT_EQ(status.ok(), works) << origin;
    if (!works) {
      EXPECT_EQ(status.error().param, "cors-origin");
    }
  }
  const struct {
    const char* host;
    bool works;
  } hosts[] = {{"*", true},
               {"ai.example", true},
               {"AI.example:8080", true},
               {"10.0.0.1", true},
               {"", false},
               {"https://ai.example", false},
               {"a b", false},
               {"ai.example/x", false},
               {".", false},
               {"*.example", false}};
  for (const auto& [host, works] : hosts) {
    const Status status = check_access({.allowed_hosts = {host}}, false);
    EXPECT_EQ(status.ok(), works) << host;
    if (!works) {
      EXPECT_EQ(status.error().param, "allow-host");
    }
  }
  EXPECT_TRUE(check_access({.api_keys = {"x"}}, false).ok());
  EXPECT_FALSE(check_access({.api_keys = {"x"}}, true).ok());
  EXPECT_TRUE(check_access({.api_keys = {"0123456789abcdef"}}, true).ok());
}

}  // namespace
}  // namespace aquilon::api
