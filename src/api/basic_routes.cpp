// Models and the API's own description.
#include "api/json_text.h"
#include "api/limits.h"
#include "api/openapi.h"
#include "api/router.h"

namespace aquilon::api {

void list_models(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  exchange->respond({.body = model_list_json(*context.models, request.account.get())});
}

void get_model(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  const auto model = find_model(*context.models, request.tail, request.account.get());
  if (!model) {
    exchange->respond(error_response(unknown_model(request.tail)));
    return;
  }
  const chat::ModelStatus status = context.models->status(*model);
  if (const Refusal forbidden = check_model(request.account.get(), status))
    return exchange->respond(error_response(*forbidden));
  exchange->respond({.body = model_card_json(status, request.tail)});
}

void get_info(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  const auto model = first_model(*context.models, request.account.get());
  if (!model) {
    exchange->respond(error_response(unknown_model(""), ErrorForm::kAzure, request.id));
    return;
  }
  const chat::ModelCard card = context.models->status(*model).card;
  std::string body = "{\"model_name\":";
  append_json_string(body, card.id);
  body += card.chat ? ",\"model_type\":\"chat_completion\"" : ",\"model_type\":\"text_generation\"";
  body += ",\"model_provider_name\":";
  append_json_string(body, card.owned_by);
  body += '}';
  exchange->respond({.body = std::move(body)});
}

void get_openapi(ApiContext&, HttpRequest, std::shared_ptr<Exchange> exchange) {
  exchange->respond({.body = openapi_json()});
}

}  // namespace aquilon::api
