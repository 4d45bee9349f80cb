// aquilon serve: the API and the page on one port.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>

#include "api/accounts.h"
#include "api/server.h"
#include "apps/command.h"
#include "apps/model_options.h"
#include "apps/option_texts.h"
#include "apps/request_log.h"
#include "apps/served_models.h"
#include "apps/step_watch.h"
#include "base/check_reporter.h"
#include "base/process_limits.h"
#include "base/service_manager.h"

namespace aquilon::apps {
namespace {

struct ServeOptions {
  ModelOptions model{.parallel = 4};
  ServedModelsOptions models;
  std::string data;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::vector<std::string> api_key;
  std::vector<std::string> allow_host;
  std::vector<std::string> cors_origin;
  bool strict = false;
  int max_connections = 4096;
  std::int64_t max_body_bytes = 1 << 20;
  int shutdown_grace = 10;
  std::string tls_cert;
  std::string tls_key;
  double longest_step = 120;
  bool log_requests = true;
  std::string log_format = "auto";

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
    v(host, {.flag = "host",
             .help = "address to listen on; a public one needs --api-key, or keys in "
                     "--data"});
    v(port, {.flag = "port", .help = "port to listen on; 0: any free one", .min = 0, .max = 65535});
    v(max_connections,
      {.flag = "max-connections",
       .help = "open connections; a further one takes the place of the one that has been "
               "idle longest, of those without a key first",
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
    v(tls_cert, {.flag = "tls-cert",
                 .help = "certificate in PEM, with those that lead to its root: serve https alone; "
                         "read again on SIGHUP",
                 .unit = "FILE"});
    v(tls_key, {.flag = "tls-key", .help = "the certificate's key in PEM", .unit = "FILE"});
    v(longest_step,
      {.flag = "longest-step",
       .help = "longest time of one step of an engine; a longer one is stuck, and the process ends "
               "with status 70 so that its supervisor starts it again; 0: no limit",
       .unit = "SECONDS",
       .min = 0,
       .max = 1'000'000});
    v.section("Access");
    v(data, {.flag = "data",
             .help = "folder of API keys and of the book of usage: `aquilon keys` and `aquilon "
                     "usage` work on it; made if it is not there. Once it has a key, requests need "
                     "one",
             .unit = "FOLDER"});
    v(api_key, {.flag = "api-key",
                .help = "key that API requests must carry, one of them where several are given: "
                        "each has its own turn in the queue and shares no computed prompts with "
                        "others; better given as AQUILON_API_KEY",
                .unit = "KEY",
                .secret = true,
                .may_be_empty = true});  // check() says what it would mean
    v(allow_host, {.flag = "allow-host",
                   .help = "one more host name that requests may be addressed to; *: any",
                   .unit = "NAME"});
    v(cors_origin, {.flag = "cors-origin",
                    .help = "origin of a web page elsewhere that may call the API; *: any",
                    .unit = "URL"});
    v.section("Log");
    v(log_requests, {.flag = "log-requests", .help = "a line on stderr for each request"});
    v(log_format, {.flag = "log-format",
                   .help = "json: an object a line; text: for people; auto: text on a terminal",
                   .unit = "FORMAT"});
  }
};

// What a running server takes over on SIGHUP; all else is of its start.
constexpr std::array kReloaded = {
    "strict",  "max-connections", "max-body-bytes", "shutdown-grace", "tls-cert",  "tls-key",
    "api-key", "allow-host",      "cors-origin",    "log-requests",   "log-format"};

api::ServerConfig server_config(const ServeOptions& options, api::Accounts* accounts) {
  api::ServerConfig config;
  config.access = {.api_keys = options.api_key,
                   .accounts = accounts,
                   .bind_host = options.host,
                   .allowed_hosts = options.allow_host,
                   .cors_origins = options.cors_origin};
  config.port = options.port;
  config.strict = options.strict;
  config.max_seconds = options.model.request_seconds;
  config.max_body_bytes = static_cast<std::uint64_t>(options.max_body_bytes);
  config.max_connections = static_cast<std::size_t>(options.max_connections);
  config.shutdown_grace = std::chrono::seconds(options.shutdown_grace);
  config.longest_step = options.longest_step;
  config.tls = {options.tls_cert, options.tls_key};
  config.handle_signals = true;
  return config;
}

Status check(ServeOptions& options) {
  if (std::erase(options.api_key, "") > 0 && options.api_key.empty())
    return Error{Code::kInvalidArgument,
                 "an empty --api-key (AQUILON_API_KEY) would let everybody in: give a key, or "
                 "leave it out"};
  if (options.tls_cert.empty() != options.tls_key.empty())
    return Error{Code::kInvalidArgument, "--tls-cert and --tls-key belong together: give both"};
  return {};
}

// What SIGHUP does: on the network thread.
class Reloader {
 public:
  using Reread = Commands::Reread<ServeOptions>;

  Reloader(ServeOptions options, Reread reread, api::Accounts* accounts, RequestLog& log)
      : started_(options),
        options_(std::move(options)),
        reread_(std::move(reread)),
        accounts_(accounts),
        log_(log) {}

  void set_server(api::Server& server) { server_ = &server; }
  bool logs_requests() const { return options_.log_requests; }

  void reload() {
    notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us()));
    const Status status = apply();
    if (!status.ok())
      log_.write(
          fmt::format("reload refused, everything stays as it was: {}", status.error().message),
          LogLevel::kError);
    notify_service_manager("READY=1");
  }

 private:
  static std::int64_t monotonic_us() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  }

  Status apply() {
    ServeOptions now = AQ_TRY(reread_());
    AQ_RETURN_IF_ERROR(check(now));
    const LogFormat format = AQ_TRY(parse_log_format(now.log_format, STDERR_FILENO));
    AQ_RETURN_IF_ERROR(check_allowed(now));
    AQ_RETURN_IF_ERROR(server_->apply(server_config(now, accounts_)));
    log_.set_format(format);
    tell(now);
    options_ = std::move(now);
    return {};
  }

  // Names all that is refused: whoever mends one thing should not meet the next.
  Status check_allowed(const ServeOptions& now) const {
    std::vector<std::string> refused;
    if (now.api_key.empty() && !options_.api_key.empty())
      refused.emplace_back(
          "a running server does not give up its API keys: restart it without any");
    if (now.tls_cert.empty() != options_.tls_cert.empty())
      refused.emplace_back("a running server neither begins nor gives up TLS: restart it for that");
    if (refused.empty()) return {};
    return make_error(Code::kInvalidArgument, "{}", fmt::join(refused, "; "));
  }

  // What else differs from the start is told each time.
  void tell(const ServeOptions& now) {
    const auto reloaded = [](const std::string& name) {
      return std::find(kReloaded.begin(), kReloaded.end(), name) != kReloaded.end();
    };
    std::string taken;
    for (const std::string& name : OptionTexts::changed(options_, now))
      if (reloaded(name)) taken += " --" + name;
    for (const std::string& name : OptionTexts::changed(started_, now))
      if (!reloaded(name))
        log_.write(
            fmt::format("--{} has changed: it takes effect when the server is started again", name),
            LogLevel::kWarning);
    log_.write(fmt::format("reloaded;{}{}",
                           taken.empty() ? " no option has changed" : " changed:", taken));
  }

  const ServeOptions started_;
  ServeOptions options_;  // that it runs with, as far as they are reloaded
  Reread reread_;
  api::Accounts* accounts_;  // null: none
  RequestLog& log_;
  api::Server* server_ = nullptr;
};

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

// Sees to it that the process ends when it is stuck, and that systemd knows that it is not.
StepWatch::Options watch_options(const ServeOptions& options, api::Server& server) {
  StepWatch::Options watch{.longest_step = options.longest_step,
                           .heartbeat = [&server] { return server.heartbeat(); },
                           .end = [](const std::string& reason) { end_process(reason); }};
  if (const auto interval = watchdog_interval()) {
    const auto third = std::chrono::duration_cast<std::chrono::milliseconds>(*interval / 3);
    watch.interval = std::clamp(third, std::chrono::milliseconds(50), watch.interval);
    watch.well = [] { notify_service_manager("WATCHDOG=1"); };
  }
  return watch;
}

void announce(const api::Server& server, const chat::ModelPool& models, int parallel) {
  for (std::size_t i = 0; i < models.size(); ++i) print_model(models.status(i), parallel);
  std::printf("listening on %s\n", server.url().c_str());
  std::fflush(stdout);
  notify_service_manager(fmt::format("READY=1\nSTATUS=listening on {}", server.url()));
}

void set_callbacks(api::ServerConfig& config, Reloader& reloader, RequestLog& log) {
  config.on_request = [&](const api::AccessRecord& record) {
    if (reloader.logs_requests()) log.write(record);
  };
  config.on_stop = [] { notify_service_manager("STOPPING=1"); };
  if (::isatty(STDERR_FILENO) == 1) return;  // there SIGHUP means that the terminal is gone
  std::signal(SIGHUP, SIG_IGN);              // until the server runs
  config.on_hangup = [&] { reloader.reload(); };
}

Status serve(ServeOptions options, const Commands::Reread<ServeOptions>& reread) {
  forbid_core_dumps();
  raise_descriptor_limit();
  RequestLog log(STDERR_FILENO, AQ_TRY(parse_log_format(options.log_format, STDERR_FILENO)));
  const CheckReporter broken(
      [&log](std::string_view message) { log.write(message, LogLevel::kError); });
  AQ_RETURN_IF_ERROR(check(options));
  std::unique_ptr<api::Accounts> accounts;
  if (!options.data.empty())
    accounts =
        AQ_TRY(api::Accounts::open(options.data, [&log](const std::string& line, bool grave) {
          log.write(line, grave ? LogLevel::kError : LogLevel::kInfo);
        }));
  Reloader reloader(options, reread, accounts.get(), log);
  std::unique_ptr<api::Server> server;
  std::unique_ptr<chat::ModelPool> models;
  api::ServerConfig config = server_config(options, accounts.get());
  set_callbacks(config, reloader, log);
  config.on_start = [&] { announce(*server, *models, options.model.parallel); };
  config.listen_descriptor = AQ_TRY(inherited_socket()).value_or(-1);
  // The port first: that it is taken should not cost the time to load a model.
  server = AQ_TRY(api::Server::listen(std::move(config)));
  reloader.set_server(*server);
  if (options.api_key.size() > 1 || accounts)
    options.models.max_tenant_queue = static_cast<std::size_t>(options.model.max_queue + 1) / 2;
  models = AQ_TRY(serve_models(options.models, options.model, log));
  const StepWatch watch(*models, watch_options(options, *server));
  server->run(*models);
  return {};
}

}  // namespace

void register_serve(Commands& commands) {
  commands.add<ServeOptions>("serve", "Serve the API and the chat page on one port", serve);
}

}  // namespace aquilon::apps
