// A server with several models, and with several keys: real (tiny) models of tests/data/oracle.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <latch>
#include <thread>

#include "api/http_client_for_test.h"
#include "api/server.h"
#include "chat/local_generator.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::uint64_t kModelBytes = 100;  // of the limit; the models themselves are tiny

std::string oracle(const std::string& name) {
  return AQUILON_SOURCE_DIR "/tests/data/oracle/" + name + "/model-f32.gguf";
}

class ModelsServer {
 public:
  ModelsServer(ServerConfig config, const chat::ModelPoolOptions& pool) : pool_(pool) {
    config.port = 0;
    server_ = Server::listen(std::move(config)).value();
    port_ = server_->port();
  }
  ~ModelsServer() {
    server_->stop();
    thread_.join();
  }
  // Before start().
  void add(const std::string& id, const std::string& path, std::vector<std::string> aliases = {},
           std::latch* hold = nullptr) {
    chat::LocalGeneratorOptions options{.path = path, .id = id, .threads = 1, .parallel = 2};
    options.turns = turns_;
    const auto load = [options, hold]() -> Result<chat::ModelLease> {
      if (hold) hold->wait();
      return chat::ModelLease(AQ_TRY(chat::make_local_generator(options)));
    };
    chat::ModelCard card;
    card.id = id;
    ASSERT_TRUE(pool_.add({card, std::move(aliases), kModelBytes, load}).ok());
  }
  void start() {
    thread_ = std::thread([this] { server_->run(pool_); });
  }
  int port() const { return port_; }
  chat::ModelPool& pool() { return pool_; }
  std::string state(const std::string& id) {
    return std::string(chat::model_state_name(pool_.status(*pool_.find(id)).state));
  }

 private:
  const std::shared_ptr<engine::Turns> turns_ = std::make_shared<engine::Turns>();
  std::unique_ptr<Server> server_;
  chat::ModelPool pool_;
  int port_ = 0;
  std::thread thread_;
};

std::string ids(int first, int count) {
  std::string out = "[";
  for (int i = 0; i < count; ++i) out += fmt::format("{}{}", i > 0 ? "," : "", first + i);
  return out + "]";
}

std::string body_of(const std::string& model, const std::string& prompt,
                    std::string_view more = "") {
  return fmt::format(
      R"({{"model":"{}","prompt":{},"max_tokens":12,"temperature":0,"ignore_eos":true,)"
      R"("return_token_ids":true{}}})",
      model, prompt, more);
}

// The ids of an answer, as JSON; or its whole body, if it is none.
std::string answer_ids(const ClientAnswer& answer) {
  json::error_code ec;
  const json::value body = json::parse(answer.body, ec);
  if (answer.status != 200 || ec) return fmt::format("{} {}", answer.status, answer.body);
  return json::serialize(body.at("choices").at(0).at("token_ids"));
}

std::int64_t cached_tokens(const ClientAnswer& answer) {
  json::error_code ec;
  const json::value body = json::parse(answer.body, ec);
  if (answer.status != 200 || ec) ADD_FAILURE() << answer.status << answer.body;
  if (answer.status != 200 || ec) return -1;
  const json::value* cached = body.find_pointer("/usage/prompt_tokens_details/cached_tokens", ec);
  return cached ? cached->to_number<std::int64_t>() : 0;
}

template <class Condition>
bool eventually(const Condition& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

// Several clients that use two models in turn, with memory for one.
TEST(ModelsTest, NoRequestIsLostInASwap) {
  constexpr int kClients = 4;
  constexpr int kRounds = 12;
  ModelsServer server({}, {.memory = kModelBytes});
  server.add("llama", oracle("llama-gqa"), {"l"});
  server.add("qwen", oracle("qwen2"), {"q"});
  server.start();
  // Each prompt's answer alone.
  std::map<std::pair<std::string, int>, std::string> alone;
  ClientForTest first(server.port());
  for (const std::string model : {"l", "q"})
    for (int i = 0; i < kClients; ++i)
      alone[{model, i}] = answer_ids(first.post("/v1/completions", body_of(model, ids(5 + i, 20))));
  ASSERT_NE((alone[{"l", 0}]), (alone[{"q", 0}]));
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c)
    clients.emplace_back([&, c] {
      ClientForTest client(server.port());
      for (int i = 0; i < kRounds; ++i) {
        const std::string model = (c + i) % 2 == 0 ? "l" : "q";
        const int prompt = (c + i / 2) % kClients;
        client.send(post_request("/v1/completions", body_of(model, ids(5 + prompt, 20))));
        EXPECT_EQ(answer_ids(client.receive(60s)), (alone[{model, prompt}])) << model << prompt;
      }
    });
  for (std::thread& client : clients) client.join();
}

TEST(ModelsTest, EveryRouteLoadsTheModelThatItNames) {
  ModelsServer server({}, {.memory = kModelBytes});
  server.add("llama", oracle("llama-gqa"));
  server.add("qwen", oracle("qwen2"), {"deployed"});
  server.start();
  ClientForTest client(server.port());
  const std::string asked = R"({"prompt":[5,6],"max_tokens":1})";
  EXPECT_EQ(client.post("/openai/deployments/deployed/completions", asked).status, 200);
  EXPECT_EQ(server.state("qwen"), "loaded");
  EXPECT_EQ(client.post("/completions", asked).status, 200);  // the first model
  EXPECT_EQ(server.state("llama"), "loaded");
  EXPECT_EQ(server.state("qwen"), "unloaded");
  EXPECT_EQ(client.post("/tokenize", R"({"model":"deployed","content":"he"})").status, 200);
  EXPECT_EQ(server.state("qwen"), "loaded");
  EXPECT_EQ(client.get("/v1/models/llama").status, 200);
  EXPECT_EQ(client.get("/health").status, 200);
  EXPECT_EQ(server.state("llama"), "unloaded");  // to be looked at loads nothing
}

TEST(ModelsTest, ModelsAreLoadedAndUnloadedByHand) {
  ModelsServer server({}, {});
  server.add("llama", oracle("llama-gqa"), {"l"});
  server.start();
  ClientForTest client(server.port());
  EXPECT_NE(client.get("/v1/models").body.find(R"("status":{"value":"unloaded","ready":false)"),
            std::string::npos);
  EXPECT_EQ(client.post("/models/load", R"({"model":"l"})").body, R"({"success":true})");
  EXPECT_NE(client.get("/v1/models").body.find(R"("status":{"value":"loaded","ready":true)"),
            std::string::npos);
  EXPECT_EQ(client.post("/models/unload", R"({"model":"llama"})").body, R"({"success":true})");
  EXPECT_EQ(server.state("llama"), "unloaded");
  EXPECT_EQ(client.post("/models/load", R"({"model":"none"})").status, 404);
  EXPECT_EQ(client.post("/models/unload", R"({"model":"none"})").status, 404);
  EXPECT_EQ(client.post("/models/unload", R"({"model":7})").status, 422);
}

TEST(ModelsTest, AFailedLoadAnswersItsRequestAlone) {
  ModelsServer server({}, {});
  server.add("llama", oracle("llama-gqa"));
  server.add("broken", "/nowhere/model.gguf");
  server.start();
  ClientForTest stream(server.port());
  stream.send(post_request("/v1/completions", R"({"model":"llama","prompt":[5,6],"max_tokens":200,)"
                                              R"("ignore_eos":true,"stream":true})"));
  ASSERT_TRUE(stream.wait_for("data:"));
  ClientForTest client(server.port());
  const ClientAnswer answer = client.post("/v1/completions", body_of("broken", "[5]"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("model 'broken' could not be loaded: the server's log says why"),
            std::string::npos)
      << answer.body;
  for (const auto& [path, body] :
       {std::pair("/v1/completions", R"({"model":"broken","prompt":"a","stream":true})"),
        std::pair("/models/load", R"({"model":"broken"})"),
        std::pair("/tokenize", R"({"model":"broken","content":"a"})")}) {
    const ClientAnswer told = client.post(path, body);
    EXPECT_EQ(told.status, 503) << path;
    EXPECT_NE(told.body.find("model_load_failed"), std::string::npos) << told.body;
    EXPECT_EQ(told.body.find("nowhere"), std::string::npos) << told.body;
  }
  EXPECT_EQ(stream.receive(30s).events().back(), "[DONE]");
  EXPECT_NE(client.get("/v1/models/broken").body.find(R"("failed":true)"), std::string::npos);
}

TEST(ModelsTest, WaitingForAModelHasItsLimits) {
  std::latch hold(1);
  ModelsServer server({.max_seconds = 0.2}, {.max_waiting = 1});
  server.add("llama", oracle("llama-gqa"));
  server.add("slow", oracle("qwen2"), {}, &hold);
  server.start();
  ClientForTest late(server.port());
  late.send(post_request("/v1/completions", body_of("slow", "[5]")));
  ASSERT_TRUE(eventually([&] { return server.state("slow") == "loading"; }));
  ClientForTest full(server.port());
  const ClientAnswer refused = full.post("/v1/completions", body_of("slow", "[5]"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("retry-after"), "2");
  const ClientAnswer timed_out = late.receive();
  EXPECT_EQ(timed_out.status, 504);
  EXPECT_NE(timed_out.body.find("was not loaded in time"), std::string::npos);
  hold.count_down();
}

TEST(ModelsTest, WhoLeavesGivesItsPlaceUp) {
  std::latch hold(1);
  ModelsServer server({}, {.max_waiting = 1});
  server.add("slow", oracle("llama-gqa"), {}, &hold);
  server.start();
  {
    ClientForTest gone(server.port());
    gone.send(post_request("/v1/completions", body_of("slow", "[5]")));
    ASSERT_TRUE(eventually([&] { return server.pool().status(0).waiting == 1; }));
  }
  ASSERT_TRUE(eventually([&] { return server.pool().status(0).waiting == 0; }));
  ClientForTest client(server.port());
  client.send(post_request("/tokenize", R"({"content":"he"})"));
  ASSERT_TRUE(eventually([&] { return server.pool().status(0).waiting == 1; }));
  hold.count_down();
  EXPECT_EQ(client.receive().status, 200);
}

TEST(ModelsTest, AServerThatStopsTellsWhoWaits) {
  std::latch hold(1);
  std::optional<ModelsServer> server;
  server.emplace(ServerConfig{.shutdown_grace = 50ms}, chat::ModelPoolOptions{});
  server->add("slow", oracle("llama-gqa"), {}, &hold);
  server->start();
  ClientForTest generating(server->port());
  ClientForTest tokenizing(server->port());
  generating.send(post_request("/v1/completions", body_of("slow", "[5]")));
  tokenizing.send(post_request("/tokenize", R"({"content":"he"})"));
  ASSERT_TRUE(eventually([&] { return server->pool().status(0).waiting == 2; }));
  std::thread stopping([&] { server.reset(); });
  EXPECT_EQ(generating.receive().status, 503);
  EXPECT_EQ(tokenizing.receive().status, 503);
  hold.count_down();
  stopping.join();
}

TEST(ModelsTest, KeysShareNoPrompts) {
  ModelsServer server({.access = {.api_keys = {"anna", "ben"}}}, {});
  server.add("llama", oracle("llama-gqa"));
  server.start();
  ClientForTest client(server.port());
  const auto cached = [&](std::string_view key, std::string_view more = "") {
    return cached_tokens(client.post("/v1/completions", body_of("llama", ids(7, 50), more),
                                     fmt::format("Authorization: Bearer {}\r\n", key)));
  };
  constexpr std::string_view kSalt = R"(,"cache_salt":"pepper")";
  EXPECT_EQ(cached("anna"), 0);
  EXPECT_GE(cached("anna"), 48);
  EXPECT_EQ(cached("ben"), 0);
  EXPECT_GE(cached("ben"), 48);
  EXPECT_EQ(cached("anna", kSalt), 0);
  EXPECT_GE(cached("anna", kSalt), 48);
  EXPECT_EQ(cached("ben", kSalt), 0);
}

TEST(ModelsTest, EveryKeyOpensButNotTwoAtOnce) {
  ModelsServer server({.access = {.api_keys = {"anna", "ben"}}}, {});
  server.add("llama", oracle("llama-gqa"));
  server.start();
  ClientForTest client(server.port());
  EXPECT_EQ(client.get("/v1/models", "x-api-key: ben\r\n").status, 200);
  EXPECT_EQ(client.get("/v1/models", "x-api-key: ben\r\napi-key: ben\r\n").status, 200);
  EXPECT_EQ(client.get("/v1/models", "x-api-key: ben\r\napi-key: anna\r\n").status, 401);
  EXPECT_EQ(client.get("/v1/models", "x-api-key: carl\r\n").status, 401);
  EXPECT_EQ(client.get("/v1/models").status, 401);
}

}  // namespace
}  // namespace aquilon::api
