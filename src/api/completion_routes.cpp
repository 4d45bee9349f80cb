// The generating routes: a request schema and an answer shape each.
#include "api/accounts.h"
#include "api/completion_routes_internal.h"

namespace aquilon::api {
namespace {

std::unique_ptr<AnswerShape> text_shape(AnswerHead head, const CompletionRequest& request) {
  return make_text_shape(std::move(head), request.generation.top_logprobs);
}

std::unique_ptr<AnswerShape> embedding_shape(AnswerHead head, const CompletionRequest& request) {
  return make_embedding_shape(std::move(head), request.embedding);
}

// Azure's header says what becomes of fields that the server does not know; elsewhere the server's
// own setting does.
Refusal read_extra_parameters(const HttpRequest& request, bool& strict) {
  const std::string_view value = request.header("extra-parameters");
  if (value.empty()) return {};
  strict = value == "error";
  if (strict || value == "drop" || value == "pass-through") return {};
  return bad_request("extra-parameters", "invalid_value",
                     "the header extra-parameters is 'error', 'drop' or 'pass-through'");
}

// The model of the path, or else the default one where the body names none.
BodyRules azure_rules(const ApiContext& context, const HttpRequest& request) {
  return {.default_model = default_model(*context.models, request.account.get()),
          .fixed_model = request.tail};
}

ApiError stream_not_found(std::string_view last) {
  return {.status = 404,
          .type = "invalid_request_error",
          .message = fmt::format("no stream goes on behind '{}': send the request anew, without "
                                 "Last-Event-ID",
                                 last.substr(0, 64)),
          .param = "last-event-id",
          .code = "stream_not_found"};
}

// The server's own log says why.
ApiError no_book() {
  return {.status = 503,
          .message = "this server cannot record what requests use at the moment: try again later",
          .code = "usage_not_recorded"};
}

}  // namespace

void answer_generating(ApiContext& context, const GenerationRoute& route, BodyRules rules,
                       HttpRequest request, std::shared_ptr<Exchange> exchange) {
  rules.strict = context.strict;
  if (const Refusal refusal = read_extra_parameters(request, rules.strict)) {
    exchange->respond(error_response(*refusal, route.errors, request.id));
    return;
  }
  if (const std::string_view last = request.header("last-event-id"); !last.empty()) {
    if (!context.streams.resume(request, exchange))
      exchange->respond(error_response(stream_not_found(last), route.errors, request.id));
    return;
  }
  if (context.accounts && !context.accounts->recording()) {
    exchange->respond(error_response(no_book(), route.errors, request.id));
    return;
  }
  if (request.header("x-stream-resume") == "true")
    exchange = context.streams.keep(request, std::move(exchange));
  std::make_shared<GenerationSession>(context, route, std::move(rules), std::move(request),
                                      std::move(exchange))
      ->start();
}

void answer_chat(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer_generating(context, {&chat_body, &make_chat_shape}, {}, std::move(request),
                    std::move(exchange));
}

void answer_text(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer_generating(context, {&text_body, &text_shape}, {}, std::move(request),
                    std::move(exchange));
}

void answer_embeddings(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange) {
  answer_generating(context, {&embedding_body, &embedding_shape}, {}, std::move(request),
                    std::move(exchange));
}

void answer_fim(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer_generating(context, {&fim_body, &make_chat_shape}, {}, std::move(request),
                    std::move(exchange));
}

void answer_azure_chat(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange) {
  BodyRules rules = azure_rules(context, request);
  answer_generating(context, {&chat_body, &make_chat_shape, ErrorForm::kAzure}, std::move(rules),
                    std::move(request), std::move(exchange));
}

void answer_azure_text(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange) {
  BodyRules rules = azure_rules(context, request);
  answer_generating(context, {&text_body, &text_shape, ErrorForm::kAzure}, std::move(rules),
                    std::move(request), std::move(exchange));
}

void answer_azure_embeddings(ApiContext& context, HttpRequest request,
                             std::shared_ptr<Exchange> exchange) {
  BodyRules rules = azure_rules(context, request);
  answer_generating(context, {&embedding_body, &embedding_shape, ErrorForm::kAzure},
                    std::move(rules), std::move(request), std::move(exchange));
}

void answer_responses(ApiContext& context, HttpRequest request,
                      std::shared_ptr<Exchange> exchange) {
  answer_generating(context, {&responses_body, &make_responses_shape, ErrorForm::kCommon, "resp_"},
                    {}, std::move(request), std::move(exchange));
}

}  // namespace aquilon::api
