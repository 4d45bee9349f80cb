// What load balancers and supervisors ask: /livez (should this process be ended), /readyz and
// /health (should it be sent requests).
#include "api/accounts.h"
#include "api/json_text.h"
#include "api/router.h"

namespace aquilon::api {
namespace {

// Why a model that is to answer cannot; empty: it can.
std::string model_fault(const chat::ModelStatus& status) {
  const std::string& id = status.card.id;
  if (status.state == chat::ModelState::kLoaded && !status.ready) {
    if (status.metrics && status.metrics->file_damaged)
      return fmt::format("the file of model '{}' was changed while it was in use", id);
    const double seconds = status.metrics ? status.metrics->step_seconds() : 0;
    return seconds > 0
               ? fmt::format("the engine of model '{}' is in a step that has taken {:.0f} s", id,
                             seconds)
               : fmt::format("the engine of model '{}' does not step", id);
  }
  if (status.failed && status.state != chat::ModelState::kLoaded)
    return fmt::format("model '{}' failed to load", id);
  return {};
}

HttpResponse unready(std::string_view status, std::string_view reason) {
  std::string body = fmt::format("{{\"status\":\"{}\",\"reason\":", status);
  append_json_string(body, reason);
  body += '}';
  return {.status = 503, .headers = {{"Retry-After", "2"}}, .body = std::move(body)};
}

HttpResponse fine() {
  return {.body = std::string(R"({"status":"ok"})")};
}

}  // namespace

std::string unready_reason(const ApiContext& context) {
  if (context.stopping) return "the server is stopping";
  if (context.accounts && !context.accounts->recording())
    return "usage cannot be recorded: the server's log says why";
  if (context.models->size() == 0) return "no model is served";
  std::string fault;
  bool any_loaded = false;
  for (std::size_t i = 0; i < context.models->size(); ++i) {
    const chat::ModelStatus status = context.models->status(i);
    const std::string own = model_fault(status);
    any_loaded = any_loaded || (status.state == chat::ModelState::kLoaded && own.empty());
    // A model that is loaded and does not step is one too many; others may fail to load.
    if (status.state == chat::ModelState::kLoaded && !own.empty()) return own;
    if (fault.empty()) fault = own;
  }
  return any_loaded ? "" : fault;
}

void get_health(ApiContext& context, HttpRequest, std::shared_ptr<Exchange> exchange) {
  const std::string reason = unready_reason(context);
  const std::string_view status = context.stopping ? "stopping" : "loading";
  exchange->respond(reason.empty() ? fine() : unready(status, reason));
}

void get_readyz(ApiContext& context, HttpRequest, std::shared_ptr<Exchange> exchange) {
  const std::string reason = unready_reason(context);
  exchange->respond(reason.empty() ? fine() : unready("unready", reason));
}

void get_livez(ApiContext& context, HttpRequest, std::shared_ptr<Exchange> exchange) {
  for (std::size_t i = 0; i < context.models->size(); ++i) {
    const chat::ModelStatus status = context.models->status(i);
    const double seconds = status.metrics ? status.metrics->step_seconds() : 0;
    if (context.longest_step > 0 && seconds > context.longest_step)
      return exchange->respond(unready(
          "stuck", fmt::format("the engine of model '{}' is in a step that has taken {:.0f} "
                               "s, longer than --longest-step",
                               status.card.id, seconds)));
  }
  exchange->respond(fine());
}

}  // namespace aquilon::api
