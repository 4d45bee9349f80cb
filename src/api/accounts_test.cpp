// Keys of a data folder and the book of usage, over real sockets.
#include "api/accounts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "api/http_client_for_test.h"
#include "api/router.h"
#include "api/server_for_test.h"
#include "store/backup.h"
#include "store/failing_disk_for_test.h"
#include "store/folder_for_test.h"
#include "store/key_hash.h"

namespace aquilon::api {
namespace {

using namespace std::chrono_literals;
using store::Database;

constexpr const char* kText = "/v1/completions";

std::string text_body(std::string_view prompt, std::string_view more = "") {
  return fmt::format(R"({{"model":"fake-model","prompt":"{}"{}}})", prompt, more);
}

std::string bearer(const std::string& key) {
  return "Authorization: Bearer " + key + "\r\n";
}

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

// A server with a data folder.
class AccountsTest : public testing::Test {
 protected:
  void start(FakeOptions fake = {}) {
    accounts_ = Accounts::open(folder_.path(), nullptr).value();
    ServerConfig config;
    config.access.accounts = accounts_.get();
    server_ = std::make_unique<ServerForTest>(std::move(config), std::move(fake));
  }
  std::string make_key(store::KeyRecord key) {
    if (key.scopes.empty()) key.scopes = {"inference"};
    Database database = Database::open(folder_.path(), Database::Open::kCreate).value();
    return store::create_key(database, key).value();
  }
  ClientAnswer post(const std::string& body, const std::string& fields = "",
                    std::string_view path = kText) {
    ClientForTest client(server_->port());
    return client.post(path, body, fields);
  }
  ClientAnswer get(std::string_view path, const std::string& fields = "") {
    ClientForTest client(server_->port());
    return client.get(path, fields);
  }
  std::vector<store::UsageRecord> rows() {
    Database database = Database::open(folder_.path(), Database::Open::kExisting).value();
    std::vector<store::UsageRecord> rows;
    EXPECT_TRUE(store::read_usage(database.connection(), {}, [&](const store::UsageRecord& row) {
                  rows.push_back(row);
                  return true;
                }).ok());
    return rows;
  }

  const store::FolderForTest folder_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<ServerForTest> server_;  // last: ends first
};

TEST_F(AccountsTest, KeysAreNeededOnceThereIsOneAndRevokedWhileTheServerRuns) {
  start();
  EXPECT_EQ(post(text_body("hi")).status, 200);
  const std::string key = make_key({.name = "ann"});
  EXPECT_TRUE(eventually([&] { return post(text_body("hi")).status == 401; }));
  EXPECT_EQ(post(text_body("hi"), bearer(key)).status, 200);
  EXPECT_EQ(post(text_body("hi"), "x-api-key: " + key + "\r\n").status, 200);
  EXPECT_EQ(post(text_body("hi"), bearer(key + "x")).status, 401);
  EXPECT_EQ(get("/health").status, 200);
  Database database = Database::open(folder_.path(), Database::Open::kExisting).value();
  ASSERT_TRUE(store::revoke_key(database, "ann", 1).ok());
  EXPECT_TRUE(eventually([&] { return post(text_body("hi"), bearer(key)).status == 401; }));
  EXPECT_EQ(post(text_body("hi")).status, 401);  // there was one: the door stays shut
}

TEST_F(AccountsTest, KeysThatHaveExpiredAreRefused) {
  const std::string over = make_key({.name = "over", .expires_ms = 1'000});
  const std::string good = make_key({.name = "good", .expires_ms = 9'000'000'000'000});
  start();
  const ClientAnswer refused = post(text_body("hi"), bearer(over));
  EXPECT_EQ(refused.status, 401);
  EXPECT_NE(refused.body.find("expired"), std::string::npos);
  EXPECT_EQ(post(text_body("hi"), bearer(good)).status, 200);
}

TEST_F(AccountsTest, ScopesAndModelsBoundWhatAKeyMayDo) {
  const std::string user = make_key({.name = "user"});
  const std::string admin = make_key({.name = "admin", .scopes = {"admin"}});
  const std::string narrow = make_key({.name = "narrow", .models = {"fake-adapter"}});
  const std::string alias = make_key({.name = "alias", .models = {"org/alias"}});
  start();
  const std::string unload = R"({"model":"fake-model"})";
  EXPECT_EQ(post(unload, bearer(user), "/models/load").status, 403);
  EXPECT_EQ(post(unload, bearer(admin), "/models/load").status, 200);
  const ClientAnswer refused = post(text_body("hi"), bearer(admin));
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("'inference'"), std::string::npos);

  EXPECT_EQ(post(text_body("hi"), bearer(narrow)).status, 403);
  EXPECT_EQ(post(R"({"model":"fake-adapter","prompt":"hi"})", bearer(narrow)).status, 200);
  EXPECT_EQ(post(R"({"model":"no-model","prompt":"hi"})", bearer(narrow)).status, 404);
  EXPECT_EQ(post(R"({"model":"fake-model","content":"hi"})", bearer(narrow), "/tokenize").status,
            403);
  EXPECT_EQ(get("/v1/models/fake-model", bearer(narrow)).status, 403);
  const std::string list = get("/v1/models", bearer(narrow)).body;
  EXPECT_EQ(list.find("\"id\":\"fake-model\""), std::string::npos);
  EXPECT_NE(list.find("\"id\":\"fake-adapter\""), std::string::npos);
  EXPECT_EQ(post(text_body("hi"), bearer(alias)).status, 200);
}

TEST_F(AccountsTest, AdminKeysLoadAndUnloadTheirModelsOnly) {
  const std::string own = make_key({.name = "own", .scopes = {"admin"}, .models = {"org/alias"}});
  const std::string none = make_key({.name = "none", .scopes = {"admin"}, .models = {"nosuch"}});
  start();
  for (const char* path : {"/models/load", "/models/unload"})
    for (const char* body : {R"({"model":"fake-model"})", R"({"model":"org/alias"})"}) {
      const ClientAnswer refused = post(body, bearer(none), path);
      EXPECT_EQ(refused.status, 403) << path << body;
      EXPECT_NE(refused.body.find("model_not_allowed"), std::string::npos) << refused.body;
      const ClientAnswer allowed = post(body, bearer(own), path);
      EXPECT_EQ(allowed.body.find("model_not_allowed"), std::string::npos) << allowed.body;
    }
  EXPECT_EQ(post(R"({"model":"fake-adapter"})", bearer(own), "/models/unload").status, 403);
  // Without a name it is the first model that the key may use, and there is none.
  EXPECT_EQ(post("{}", bearer(none), "/models/unload").status, 404);
}

TEST_F(AccountsTest, EveryRouteOfAScopeIsForItsKeysAlone) {
  std::map<std::string, std::string> keys;
  for (const std::string& scope : scope_names())
    keys[scope] = bearer(make_key({.name = scope, .scopes = {scope}}));
  start();
  for (const Route& route : api_routes()) {
    std::string path(route.pattern);
    if (const std::size_t id = path.find("{id}"); id != path.npos)
      path.replace(id, 4, "fake-model");
    for (const std::string& scope : scope_names()) {
      const ClientAnswer answer =
          route.method == "GET" ? get(path, keys[scope]) : post("", keys[scope], path);
      const bool may = route.scope == Scope::kPublic || scope == scope_name(route.scope) ||
                       (scope == "admin" && route.scope == Scope::kMetrics);
      EXPECT_EQ(answer.status != 403, may) << route.method << " " << path << " " << scope;
      if (route.scope != Scope::kPublic) {
        EXPECT_EQ(get(path).status == 401 || post("", "", path).status == 401, true) << path;
      }
    }
  }
}

TEST_F(AccountsTest, AModelThatAKeyMayNotUseIsNotNamed) {
  const std::string narrow = bearer(make_key({.name = "narrow", .models = {"fake-adapter"}}));
  const std::string none = bearer(make_key({.name = "none", .models = {"nosuch"}}));
  start();
  const std::string chat = R"({"messages":[{"role":"user","content":"go"}],"max_tokens":1)";
  const struct {
    const char* path;
    std::string body;  // empty: GET
  } cases[] = {{"/info", ""},
               {"/tokenizer_info", ""},
               {"/tokenize", R"({"content":"hi"})"},
               {"/chat/completions", chat + "}"},
               {"/v1/chat/completions", chat + R"(,"model":"azureai"})"}};
  for (const auto& c : cases)
    for (const std::string& key : {narrow, none}) {
      const ClientAnswer answer = c.body.empty() ? get(c.path, key) : post(c.body, key, c.path);
      EXPECT_EQ(answer.body.find("\"fake-model\""), std::string::npos) << answer.body;
      EXPECT_EQ(answer.body.find("'fake-model'"), std::string::npos) << answer.body;
      if (key == narrow) {
        EXPECT_EQ(answer.status, 200) << c.path << answer.body;
      }
    }
  EXPECT_NE(get("/info", narrow).body.find("fake-adapter"), std::string::npos);
  EXPECT_EQ(get("/info", none).status, 404);
}

// Also under its name: the key that follows a revoked one is another.
TEST_F(AccountsTest, AStreamGoesOnForItsKeyOnly) {
  const std::string key = make_key({.name = "ann"});
  const std::string other = make_key({.name = "bob"});
  start({.steps_per_second = 200});
  const std::string body = text_body("go", R"(,"stream":true,"max_tokens":20)");
  std::string last;
  {
    ClientForTest client(server_->port());
    client.send(post_request(kText, body, bearer(key) + "x-stream-resume: true\r\n"));
    ASSERT_TRUE(client.wait_for(".1\n"));
    const std::size_t id = client.seen().find("\nid: ") + 5;
    last = "Last-Event-ID: " + client.seen().substr(id, client.seen().find('\n', id) - id) + "\r\n";
  }
  EXPECT_EQ(post("{}", bearer(other) + last).status, 404);
  EXPECT_EQ(post("{}", bearer(key) + last).status, 200);
  Database database = Database::open(folder_.path(), Database::Open::kExisting).value();
  ASSERT_TRUE(store::revoke_key(database, "ann", 1).ok());
  const std::string next = make_key({.name = "ann"});
  EXPECT_TRUE(eventually([&] { return get("/v1/models", bearer(next)).status == 200; }));
  EXPECT_EQ(post("{}", bearer(next) + last).status, 404);
}

TEST_F(AccountsTest, EveryDialectReadsItsOwnRefusals) {
  const std::string key = make_key({.name = "ann", .models = {"other"}});
  start();
  const std::string messages =
      R"({"model":"fake-model","max_tokens":5,"messages":[{"role":"user","content":"hi"}]})";
  const ClientAnswer wrong = post(messages, bearer("no"), "/v1/messages");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_NE(wrong.body.find(R"("type":"authentication_error")"), std::string::npos);
  const ClientAnswer forbidden = post(messages, bearer(key), "/v1/messages");
  EXPECT_EQ(forbidden.status, 403);
  EXPECT_NE(forbidden.body.find(R"({"type":"error","error":{"type":"permission_error")"),
            std::string::npos);
  EXPECT_EQ(
      post(messages, "api-key: " + key + "\r\n", "/chat/completions").headers["x-ms-error-code"],
      "model_not_allowed");
}

TEST_F(AccountsTest, RequestsAMinuteAreLimitedWithHeaders) {
  store::KeyRecord record{.name = "ann"};
  record.limits.requests_per_minute = 2;
  const std::string key = make_key(record);
  start();
  ClientAnswer answer = post(text_body("hi"), bearer(key));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers["x-ratelimit-limit-requests"], "2");
  EXPECT_EQ(answer.headers["x-ratelimit-remaining-requests"], "1");
  EXPECT_EQ(answer.headers["x-ratelimit-limit-req-minute"], "2");
  EXPECT_EQ(answer.headers["x-ratelimit-remaining-req-minute"], "1");
  EXPECT_EQ(answer.headers.count("x-ratelimit-limit-tokens"), 0u);
  EXPECT_EQ(get("/v1/models", bearer(key)).status, 200);  // does not count
  EXPECT_EQ(post(text_body("hi", R"(,"stream":true)"), bearer(key)).status, 200);
  answer = post(text_body("hi"), bearer(key));
  EXPECT_EQ(answer.status, 429);
  const int wait_s = std::stoi(answer.headers["retry-after"]);
  EXPECT_TRUE(wait_s >= 1 && wait_s <= 61) << wait_s;
  EXPECT_EQ(answer.headers["x-ratelimit-remaining-requests"], "0");
  EXPECT_NE(answer.body.find("rate_limit_exceeded"), std::string::npos);
  EXPECT_EQ(rows().size(), 2u);  // it was not let in
  Database database = Database::open(folder_.path(), Database::Open::kExisting).value();
  ASSERT_TRUE(store::change_key(database, "ann", {.requests_per_minute = 0}).ok());
  EXPECT_TRUE(eventually([&] { return post(text_body("hi"), bearer(key)).status == 200; }));
}

TEST_F(AccountsTest, ABrokenInvariantIsARowOfItsRequest) {
  const std::string key = make_key({.name = "ann"});
  start();
  const ClientAnswer answer = post(text_body("!break"), bearer(key));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(post(text_body("hi"), bearer(key)).status, 200);
  ASSERT_EQ(rows().size(), 2u);
  EXPECT_EQ(rows()[0].id, answer.headers.at("x-request-id"));
  EXPECT_EQ(rows()[0].ended, "failed");
  EXPECT_EQ(rows()[0].status, 500);
  EXPECT_EQ(rows()[0].code, "internal");
}

// As in a rolling restart; and whoever starts anew knows of the last minute.
TEST_F(AccountsTest, ServersOnOneFolderShareLimits) {
  store::KeyRecord record{.name = "ann"};
  record.limits.requests_per_minute = 3;
  record.limits.tokens_per_minute = 1000;
  const std::string key = make_key(record);
  const auto other = Accounts::open(folder_.path(), nullptr).value();
  ServerForTest other_server({.access = {.accounts = other.get()}}, {});
  start();
  const auto left_there = [&] {
    const auto account = other->find(key);
    return account->meter->state(account->limits, MeterTime::now());
  };
  EXPECT_EQ(post(text_body("one two"), bearer(key)).status, 200);
  EXPECT_EQ(post(text_body("one two"), bearer(key)).status, 200);
  EXPECT_TRUE(eventually([&] { return left_there().requests_left == 1; }));
  const std::int64_t tokens_left = left_there().tokens_left;
  EXPECT_LT(tokens_left, 1000);
  ClientForTest client(other_server.port());
  EXPECT_EQ(client.post(kText, text_body("one two"), bearer(key)).status, 200);
  EXPECT_EQ(client.post(kText, text_body("one two"), bearer(key)).status, 429);
  EXPECT_LT(left_there().tokens_left, tokens_left);
  server_.reset();
  accounts_.reset();
  start();
  EXPECT_EQ(post(text_body("one two"), bearer(key)).status, 429);
}

TEST_F(AccountsTest, TokensAreLimitedByWhatAnswersUse) {
  store::KeyRecord record{.name = "ann"};
  record.limits.tokens_per_minute = 30;
  record.limits.tokens_per_day = 1000;
  const std::string key = make_key(record);
  start();
  // Three words of prompt, seven and the end of the answer.
  ClientAnswer answer = post(text_body("one two three"), bearer(key));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers["x-ratelimit-limit-tokens"], "30");
  EXPECT_EQ(answer.headers["x-ratelimit-remaining-tokens"], "19");
  EXPECT_EQ(answer.headers["x-ratelimit-remaining-tokens-minute"], "19");
  EXPECT_EQ(answer.headers["x-ratelimit-tokens-query-cost"], "11");
  EXPECT_EQ(answer.headers["x-ratelimit-remaining-tokens-day"], "989");
  EXPECT_EQ(post(text_body("one two three"), bearer(key)).status, 200);
  EXPECT_EQ(post(text_body("one two three"), bearer(key)).status, 200);
  answer = post(text_body("one two three"), bearer(key));
  EXPECT_EQ(answer.status, 429);
  EXPECT_NE(answer.headers["retry-after"], "");
  std::string longer;
  for (int i = 0; i < 31; ++i) longer += "word ";
  answer = post(text_body(longer), bearer(key));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers["x-should-retry"], "false");
  EXPECT_TRUE(eventually([&] { return rows().back().ended == "refused"; }));
}

// However a key asks: what it uses is at most its limit and a token for each answer that runs then.
TEST_F(AccountsTest, TokenLimitsAreNotOverspent) {
  struct Case {
    const char* name;
    store::KeyLimits limits;
    int parallel;
    int n;
    const char* more;
  };
  constexpr std::int64_t kLimit = 300;
  const store::KeyLimits minute{.tokens_per_minute = kLimit};
  const store::KeyLimits day{.tokens_per_day = kLimit};
  const std::string forever = R"(,"ignore_eos":true)";
  for (const Case& one :
       {Case{"n", minute, 1, 64, R"(,"max_tokens":50)"},
        Case{"n of a day", day, 1, 64, R"(,"max_tokens":50)"}, Case{"parallel", minute, 6, 1, ""},
        Case{"parallel day", day, 6, 1, ""}, Case{"parallel n", day, 4, 8, ""},
        Case{"streams", minute, 6, 2, R"(,"stream":true)"}}) {
    SCOPED_TRACE(one.name);
    server_.reset();
    accounts_.reset();
    const std::string key = make_key({.name = one.name, .limits = one.limits});
    start({.steps_per_second = 500, .context_length = 100'000});
    std::vector<std::thread> threads;
    std::atomic<int> cut = 0;
    for (int i = 0; i < one.parallel; ++i)
      threads.emplace_back([&] {
        const std::string more = fmt::format(R"({},"n":{}{})", forever, one.n, one.more);
        const ClientAnswer answer = post(text_body("one two", more), bearer(key));
        EXPECT_TRUE(answer.status == 200 || answer.status == 429) << answer.status;
        if (answer.body.find(R"("finish_reason":"length")") != std::string::npos) ++cut;
      });
    for (std::thread& thread : threads) thread.join();
    std::int64_t used = 0;
    for (const store::UsageRecord& row : rows())
      if (row.key == one.name) used += row.prompt_tokens + row.completion_tokens;
    EXPECT_GE(used, kLimit);
    EXPECT_LE(used, kLimit + std::int64_t{one.parallel} * one.n);
    EXPECT_GE(cut, 1);
    EXPECT_EQ(post(text_body("one"), bearer(key)).status, 429);
  }
}

TEST_F(AccountsTest, RefusalsAreOneRowHoweverManyTheyAre) {
  store::KeyRecord record{.name = "ann"};
  record.limits.tokens_per_day = 5;
  const std::string key = make_key(record);
  start();
  ClientForTest client(server_->port());
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(client.post(kText, text_body("a b c d e f g"), bearer(key)).status, 429);
  server_.reset();
  accounts_.reset();
  std::int64_t requests = 0;
  for (const store::UsageRecord& row : rows()) {
    EXPECT_EQ(row.code, "insufficient_quota");
    EXPECT_EQ(row.key, "ann");
    requests += row.requests;
  }
  EXPECT_EQ(requests, 200);
  EXPECT_LE(rows().size(), 3u);  // one, unless minutes pass
}

TEST_F(AccountsTest, RunningAnswersEndWithTheirKey) {
  struct Case {
    const char* name;
    bool revoked;
    bool stream;
    const char* said;
  };
  for (const Case& one :
       {Case{"a", true, true, "invalid_api_key"}, Case{"b", true, false, "invalid_api_key"},
        Case{"c", false, true, "expired_api_key"}}) {
    SCOPED_TRACE(one.name);
    server_.reset();
    accounts_.reset();
    const std::string key = make_key({.name = one.name});
    start({.steps_per_second = 100, .context_length = 100'000});
    ClientForTest client(server_->port());
    client.send(post_request(
        kText, text_body("go on", fmt::format(R"(,"ignore_eos":true,"stream":{})", one.stream)),
        bearer(key)));
    ASSERT_TRUE(eventually([&] { return server_->generator().running() == 1; }));
    {
      Database database = Database::open(folder_.path(), Database::Open::kExisting).value();
      ASSERT_TRUE((one.revoked ? store::revoke_key(database, one.name, 1)
                               : store::change_key(database, one.name, {.expires_ms = 1}))
                      .ok());
    }
    EXPECT_TRUE(client.wait_for(one.said));
    ASSERT_TRUE(eventually([&] { return server_->generator().running() == 0; }));
    EXPECT_EQ(rows().back().ended, "failed");
    EXPECT_EQ(rows().back().status, 401);
  }
}

TEST_F(AccountsTest, AServerThatCannotRecordIsNotReady) {
  start();
  EXPECT_EQ(get("/readyz").status, 200);
  const std::string db = folder_.path() + "/aquilon.db";
  std::filesystem::rename(db, db + ".away");
  EXPECT_TRUE(eventually([&] { return get("/readyz").status == 503; }));
  EXPECT_NE(get("/readyz").body.find("usage cannot be recorded"), std::string::npos);
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(post(text_body("hi")).status, 503);
  std::filesystem::rename(db + ".away", db);
  EXPECT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  EXPECT_EQ(post(text_body("hi")).status, 200);
}

// All of them: also those that have no row of usage, and those that were refused.
TEST_F(AccountsTest, BudgetsOfADayAreKnownAgainAfterARestart) {
  store::KeyRecord record{.name = "ann"};
  record.limits.requests_per_day = 5;
  const std::string key = make_key(record);
  start();
  EXPECT_EQ(post(text_body("hi"), bearer(key)).status, 200);
  EXPECT_EQ(post(R"({"model":"fake-model","content":"hi"})", bearer(key), "/tokenize").status, 200);
  EXPECT_EQ(post(text_body("hi", R"(,"max_tokens":-1)"), bearer(key)).status, 422);
  EXPECT_EQ(post(R"({"model":"none","prompt":"hi"})", bearer(key)).status, 404);
  server_.reset();
  accounts_.reset();
  start();
  EXPECT_EQ(post(text_body("hi"), bearer(key)).status, 200);
  const ClientAnswer answer = post(text_body("hi"), bearer(key));
  EXPECT_EQ(answer.status, 429);
  EXPECT_NE(answer.body.find("insufficient_quota"), std::string::npos);
}

TEST_F(AccountsTest, ServersOfOneFolderShareBudgetsOfADay) {
  store::KeyRecord record{.name = "ann"};
  record.limits.requests_per_day = 3;
  const std::string key = make_key(record);
  start();
  const auto other = Accounts::open(folder_.path(), nullptr).value();
  ServerForTest other_server({.access = {.accounts = other.get()}}, {});
  EXPECT_EQ(post(text_body("hi"), bearer(key)).status, 200);
  EXPECT_EQ(post(text_body("hi"), bearer(key)).status, 200);
  const auto left_there = [&] {
    const auto account = other->find(key);
    return account->meter->state(account->limits, MeterTime::now()).day_requests_left;
  };
  EXPECT_TRUE(eventually([&] { return left_there() == 1; }));
  ClientForTest client(other_server.port());
  EXPECT_EQ(client.post(kText, text_body("hi"), bearer(key)).status, 200);
  EXPECT_EQ(client.post(kText, text_body("hi"), bearer(key)).status, 429);
  EXPECT_TRUE(eventually([&] {
    const auto account = accounts_->find(key);
    return account->meter->state(account->limits, MeterTime::now()).day_requests_left == 0;
  }));
  EXPECT_EQ(post(text_body("hi"), bearer(key)).status, 429);
}

TEST_F(AccountsTest, EveryRequestIsOneRow) {
  const std::string key = make_key({.name = "ann"});
  start();
  const ClientAnswer whole = post(text_body("one two three"), bearer(key));
  const ClientAnswer stream = post(text_body("one", R"(,"stream":true,"n":2)"), bearer(key));
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(post(text_body("!fail 2"), bearer(key)).status, 500);
  EXPECT_EQ(post(text_body("hi", R"(,"max_tokens":-1)"), bearer(key)).status, 422);
  EXPECT_EQ(post(R"({"model":"none","prompt":"hi"})", bearer(key)).status, 404);
  const ClientAnswer message =
      post(R"({"model":"org/alias","max_tokens":5,"messages":[{"role":"user","content":"hi"}]})",
           bearer(key), "/v1/messages");
  EXPECT_EQ(message.status, 200);

  ASSERT_TRUE(eventually([&] { return this->rows().size() == 6; }));
  std::vector<store::UsageRecord> rows = this->rows();
  // Refusals come a little later, and together.
  const auto refusals =
      std::stable_partition(rows.begin(), rows.end(),
                            [](const store::UsageRecord& row) { return row.ended != "refused"; });
  ASSERT_EQ(rows.end() - refusals, 2);
  EXPECT_EQ(rows[0].id, boost::json::parse(whole.body).at("id").as_string());
  EXPECT_EQ(rows[0].key, "ann");
  EXPECT_EQ(rows[0].model, "fake-model");
  EXPECT_EQ(rows[0].endpoint, kText);
  EXPECT_EQ(rows[0].prompt_tokens, 3);
  EXPECT_EQ(rows[0].completion_tokens, 8);
  EXPECT_EQ(rows[0].ended, "finished");
  EXPECT_LE(rows[0].started_ms, rows[0].first_token_ms);
  EXPECT_LE(rows[0].first_token_ms, rows[0].ended_ms);
  EXPECT_EQ(rows[1].completion_tokens, 16);
  EXPECT_EQ(rows[2].ended, "failed");
  EXPECT_EQ(rows[2].completion_tokens, 2);
  EXPECT_EQ(rows[3].id, boost::json::parse(message.body).at("id").as_string());
  EXPECT_EQ(rows[3].model, "fake-model");
  std::map<std::string, int> codes;
  for (auto row = refusals; row != rows.end(); ++row) codes[row->code] = row->status;
  EXPECT_EQ(codes["model_not_found"], 404);
  EXPECT_EQ(codes.size(), 2u);
}

std::string header(const ClientAnswer& answer, const std::string& name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? "" : found->second;
}

// In the body, or in a field where the client gave an id of its own.
TEST_F(AccountsTest, TheIdOfARowIsOneThatTheClientSaw) {
  const std::string key = make_key({.name = "ann"});
  start();
  const std::string message =
      R"({"model":"fake-model","messages":[{"role":"user","content":"hi"}])";
  const struct {
    const char* path;
    std::string body;
    int status;
  } cases[] = {{kText, text_body("hi"), 200},
               {kText, text_body("hi", R"(,"stream":true)"), 200},
               {kText, text_body("!fail 2", R"(,"stream":true)"), 200},
               {kText, text_body("!fail 2"), 500},
               {kText, text_body("hi", R"(,"max_tokens":-1)"), 422},
               {kText, "{", 400},
               {"/v1/embeddings", R"({"model":"fake-model","input":"hi"})", 0},
               {"/v1/chat/completions", message + "}", 200},
               {"/v1/messages", message + R"(,"max_tokens":3})", 200},
               {"/v1/messages", message + R"(,"max_tokens":-3})", 400},
               {"/v1/responses", R"({"model":"fake-model","input":"hi"})", 200},
               {"/openai/deployments/none/chat/completions", message + "}", 404}};
  std::ptrdiff_t computed = 0;
  for (const std::string& own : {std::string(), std::string("X-Request-Id: mine\r\n")})
    for (const auto& c : cases) {
      const ClientAnswer answer = post(c.body, bearer(key) + own, c.path);
      if (c.status != 0) {
        EXPECT_EQ(answer.status, c.status) << c.path << answer.body;
      }
      EXPECT_EQ(header(answer, "x-request-id") == "mine", !own.empty());
      EXPECT_EQ(header(answer, "x-aquilon-id").empty(), own.empty());
      if (answer.status >= 400 && answer.status < 500) continue;  // counted, not a row each
      ++computed;
      const auto saw = [&](const store::UsageRecord& row) {
        return header(answer, "x-request-id") == row.id ||
               header(answer, "x-aquilon-id") == row.id ||
               answer.body.find("\"" + row.id + "\"") != std::string::npos;
      };
      const std::vector<store::UsageRecord> now = rows();
      EXPECT_EQ(std::count_if(now.begin(), now.end(), saw), 1) << c.path << " " << answer.body;
    }
  const std::vector<store::UsageRecord> all = rows();
  EXPECT_EQ(std::count_if(all.begin(), all.end(),
                          [](const store::UsageRecord& row) {
                            return row.status < 400 || row.status >= 500;
                          }),
            computed);  // ids of clients merge none
}

TEST_F(AccountsTest, KeysInPathsAndIdsAreNotKept) {
  const std::string key = make_key({.name = "ann"});
  start();
  const std::string chat = R"({"messages":[{"role":"user","content":"hi"}]})";
  const struct {
    std::string path, fields, body;
  } cases[] = {{"/v1/models/" + key, "", ""},
               {"/" + key, "", ""},
               {"/%61q-" + key.substr(3), "", ""},
               {"/v1/models", "X-Request-Id: " + key + "\r\n", ""},
               {"/v1/models", "X-Request-Id: a/" + key + "/b\r\n", ""},
               {"/openai/deployments/" + key + "/chat/completions", "", chat},
               {kText, "X-Request-Id: " + key + "\r\n", text_body("hi")}};
  for (const auto& c : cases) {
    const std::string fields = bearer(key) + c.fields;
    const ClientAnswer answer = c.body.empty() ? get(c.path, fields) : post(c.body, fields, c.path);
    for (const auto& [name, value] : answer.headers)
      EXPECT_EQ(value.find(key), std::string::npos) << name;
  }
  {
    ClientForTest client(server_->port());
    client.send(key + " / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.receive().status, 405);
  }
  EXPECT_TRUE(eventually([&] { return server_->log().size() == std::size(cases) + 1; }));
  for (const AccessRecord& record : server_->log())
    for (const std::string& text : {record.method, record.path, record.route, record.request_id})
      EXPECT_EQ(text.find(key), std::string::npos) << text;
  EXPECT_EQ(server_->log()[0].path, "/v1/models/" + store::key_prefix(key) + "***");
  std::set<std::string> endpoints;
  for (const store::UsageRecord& row : rows()) {
    endpoints.insert(row.endpoint);
    EXPECT_EQ(row.id.find(key), std::string::npos);
  }
  EXPECT_EQ(endpoints, (std::set<std::string>{"/openai/deployments/{id}/chat/completions", kText}));
}

TEST_F(AccountsTest, AClientThatLeavesPaysForWhatItGot) {
  start({.steps_per_second = 200});
  {
    ClientForTest client(server_->port());
    client.send(post_request(
        kText, text_body("go on", R"(,"stream":true,"ignore_eos":true,"max_tokens":200)")));
    ASSERT_TRUE(client.wait_for("sea."));
  }
  ASSERT_TRUE(eventually([&] { return rows().size() == 1; }));
  const store::UsageRecord row = rows()[0];
  EXPECT_EQ(row.ended, "cancelled");
  EXPECT_EQ(row.prompt_tokens, 2);
  EXPECT_GE(row.completion_tokens, 7);
  EXPECT_LT(row.completion_tokens, 200);
}

TEST_F(AccountsTest, AServerThatStopsWritesWhatItEnded) {
  start();
  ClientForTest client(server_->port());
  client.send(post_request(kText, text_body("!wait", R"(,"stream":true)")));
  ASSERT_TRUE(eventually([&] { return server_->generator().running() == 1; }));
  client.close();
  server_->stop();
  server_.reset();
  accounts_.reset();
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows()[0].ended, "cancelled");
}

// The end of an answer waits for its row: whoever has it finds the row in the book.
TEST_F(AccountsTest, ManyClientsFindTheirRows) {
  start();
  std::vector<std::thread> threads;
  std::atomic<int> missing = 0;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const ClientAnswer answer = post(text_body("hi", t % 2 == 0 ? R"(,"stream":true)" : ""));
        if (answer.status != 200) ++missing;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(missing, 0);
  EXPECT_EQ(store::check(folder_.path()).value().rows, 80);
}

TEST(RouterTest, ARouteWithoutAScopeDoesNotExist) {
  Router router;
  std::string tail;
  Route route{"GET", "/open", Scope::kUndeclared, &get_health, "a slip"};
  router.add(route);
  EXPECT_EQ(router.find("GET", "/open", tail), nullptr);
  EXPECT_EQ(router.allowed_methods("/open"), "");
  route.scope = Scope::kPublic;
  router.add(route);
  EXPECT_NE(router.find("GET", "/open", tail), nullptr);
}

}  // namespace
}  // namespace aquilon::api
