// aquilon serve: the API and the page on one port.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "api/server.h"
#include "apps/command.h"
#include "apps/model_options.h"
#include "apps/request_log.h"
#include "apps/served_models.h"

namespace aquilon::apps {
namespace {

struct ServeOptions {
  ModelOptions model{.parallel = 4};
  ServedModelsOptions models;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::vector<std::string> api_key;
  std::vector<std::string> allow_host;
  std::vector<std::string> cors_origin;
  bool strict = false;
  int max_connections = 4096;
  std::int64_t max_body_bytes = 1 << 20;
  int shutdown_grace = 10;
  bool log_requests = true;

  template <class V>
  void visit(V& v) {
    v.section("Model");
    models.visit(v);
    model.visit_running(v);
    v(model.parallel,
      {.flag = "parallel",
       .help = "requests that are answered together; their contexts share the memory",
       .min = 1,
       .max = 1024});
    v(model.max_queue,
      {.flag = "max-queue",
       .help = "requests that wait for their turn at a model, at most half of them "
               "of one key where there are several; further ones get a 429",
       .min = 0,
       .max = 1'000'000});
    model.visit_speculation(v);
    v(model.pooling,
      {.flag = "pooling",
       .help = "how embeddings are made of the states of a text's tokens: mean or last",
       .unit = "HOW"});
    v(model.request_seconds,
      {.flag = "request-seconds",
       .help = "longest time from a request's arrival to its end; 0: no limit",
       .unit = "SECONDS",
       .min = 0,
       .max = 1'000'000});
    v(strict, {.flag = "strict",
               .help = "refuse request fields that the server does not know (422), instead of "
                       "ignoring them"});
    v.section("Network");
    v(host, {.flag = "host", .help = "address to listen on; a public one needs --api-key"});
    v(port, {.flag = "port", .help = "port to listen on; 0: any free one", .min = 0, .max = 65535});
    v(max_connections, {.flag = "max-connections",
                        .help = "open connections; further ones are closed at once",
                        .min = 1,
                        .max = 1'000'000});
    v(max_body_bytes, {.flag = "max-body-bytes",
                       .help = "largest request body",
                       .unit = "BYTES",
                       .min = 1024,
                       .max = 1 << 30});
    v(shutdown_grace, {.flag = "shutdown-grace",
                       .help = "time that running answers get to finish when the server is stopped",
                       .unit = "SECONDS",
                       .min = 0,
                       .max = 3600});
    v.section("Access");
    v(api_key, {.flag = "api-key",
                .help = "key that API requests must carry, one of them where several are given: "
                        "each has its own turn in the queue and shares no computed prompts with "
                        "others; better given as AQUILON_API_KEY",
                .unit = "KEY",
                .secret = true});
    v(allow_host, {.flag = "allow-host",
                   .help = "one more host name that requests may be addressed to; *: any",
                   .unit = "NAME"});
    v(cors_origin, {.flag = "cors-origin",
                    .help = "origin of a web page elsewhere that may call the API; *: any",
                    .unit = "URL"});
    v.section("Log");
    v(log_requests, {.flag = "log-requests", .help = "a line on stderr for each request"});
  }
};

api::ServerConfig server_config(const ServeOptions& options, RequestLog& log) {
  api::ServerConfig config;
  config.access = {.api_keys = options.api_key,
                   .bind_host = options.host,
                   .allowed_hosts = options.allow_host,
                   .cors_origins = options.cors_origin};
  config.port = options.port;
  config.strict = options.strict;
  config.max_seconds = options.model.request_seconds;
  config.max_body_bytes = static_cast<std::uint64_t>(options.max_body_bytes);
  config.max_connections = static_cast<std::size_t>(options.max_connections);
  config.shutdown_grace = std::chrono::seconds(options.shutdown_grace);
  config.handle_signals = true;
  if (options.log_requests)
    config.on_request = [&log](const api::AccessRecord& record) {
      log.write(fmt::format("{} {} {} {:.1f} ms {}", record.method, record.path, record.status,
                            record.milliseconds, record.request_id));
    };
  return config;
}

void print_model(const chat::ModelStatus& model, int parallel) {
  const chat::ModelCard& card = model.card;
  if (!card.parent.empty()) {
    std::printf("model %s, %s with an adapter\n", card.id.c_str(), card.parent.c_str());
    return;
  }
  if (model.state != chat::ModelState::kLoaded) {
    std::printf("model %s, loaded when it is asked for\n", card.id.c_str());
    return;
  }
  std::printf("model %s, context %d tokens%s\n", card.id.c_str(), card.context_length,
              card.chat ? "" : ", no chat template: /v1/completions only");
  if (card.whole_contexts > 0)
    std::printf("memory for %d whole context%s; up to %d requests share it\n", card.whole_contexts,
                card.whole_contexts == 1 ? "" : "s", parallel);
}

Status serve(ServeOptions options) {
  RequestLog log(STDERR_FILENO);
  if (std::erase(options.api_key, "") > 0 && options.api_key.empty())
    return Error{Code::kInvalidArgument,
                 "an empty --api-key (AQUILON_API_KEY) would let everybody in: give a key, or "
                 "leave it out"};
  // The port first: that it is taken should not cost the time to load a model.
  const auto server = AQ_TRY(api::Server::listen(server_config(options, log)));
  if (options.api_key.size() > 1)
    options.models.max_tenant_queue = static_cast<std::size_t>(options.model.max_queue + 1) / 2;
  const auto pool = AQ_TRY(serve_models(options.models, options.model, log));
  for (std::size_t i = 0; i < pool->size(); ++i)
    print_model(pool->status(i), options.model.parallel);
  std::printf("listening on %s\n", server->url().c_str());
  std::fflush(stdout);
  server->run(*pool);
  return {};
}

}  // namespace

void register_serve(Commands& commands) {
  commands.add<ServeOptions>("serve", "Serve the API and the chat page on one port", serve);
}

}  // namespace aquilon::apps
