// The generating routes: a request schema and an answer shape each.
#include "api/generation_session.h"
#include "api/router.h"

namespace aquilon::api {
namespace {

std::unique_ptr<AnswerShape> chat_shape(AnswerHead head, const CompletionRequest& request) {
  return make_chat_shape(std::move(head), request.chat_logprobs);
}

std::unique_ptr<AnswerShape> text_shape(AnswerHead head, const CompletionRequest& request) {
  return make_text_shape(std::move(head), request.generation.top_logprobs);
}

std::unique_ptr<AnswerShape> embedding_shape(AnswerHead head, const CompletionRequest& request) {
  return make_embedding_shape(std::move(head), request.embedding);
}

void answer(ApiContext& context, GenerationRoute route, HttpRequest request,
            std::shared_ptr<Exchange> exchange) {
  std::make_shared<GenerationSession>(context.models, route, std::move(request),
                                      std::move(exchange))
      ->start();
}

}  // namespace

void answer_chat(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer(context, {&read_chat_request, &chat_shape}, std::move(request), std::move(exchange));
}

void answer_text(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer(context, {&read_text_request, &text_shape}, std::move(request), std::move(exchange));
}

void answer_embeddings(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange) {
  answer(context, {&read_embedding_request, &embedding_shape}, std::move(request),
         std::move(exchange));
}

void answer_fim(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer(context, {&read_fim_request, &chat_shape}, std::move(request), std::move(exchange));
}

}  // namespace aquilon::api
