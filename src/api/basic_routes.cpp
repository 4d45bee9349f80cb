// Health and models.
#include "api/router.h"

namespace aquilon::api {

void get_health(ApiContext& context, HttpRequest, std::shared_ptr<Exchange> exchange) {
  if (context.stopping || !context.models.ready()) {
    exchange->respond({.status = 503,
                       .headers = {{"Retry-After", "2"}},
                       .body = std::string(context.stopping ? R"({"status":"stopping"})"
                                                            : R"({"status":"loading"})")});
    return;
  }
  exchange->respond({.body = std::string(R"({"status":"ok"})")});
}

void list_models(ApiContext& context, HttpRequest, std::shared_ptr<Exchange> exchange) {
  exchange->respond({.body = model_list_json(context.models)});
}

void get_model(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  const ServedModel* model = context.models.find(request.tail);
  if (!model) {
    exchange->respond(error_response(unknown_model(request.tail)));
    return;
  }
  exchange->respond({.body = model_card_json(*model, request.tail)});
}

}  // namespace aquilon::api
