// Anthropic's routes: a message, and how many tokens a prompt has.
#include "api/completion_routes_internal.h"
#include "api/worker_answer_internal.h"

namespace aquilon::api {
namespace {

Result<std::string> count_tokens(const chat::Generator& model, const CompletionRequest& request) {
  const auto ids = AQ_TRY(model.prompt_ids(request.chat));
  return fmt::format("{{\"input_tokens\":{}}}", ids.size());
}

}  // namespace

void answer_messages(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer_generating(context, {&messages_body, &make_messages_shape, ErrorForm::kAnthropic, "msg_"},
                    {}, std::move(request), std::move(exchange));
}

void answer_count_tokens(ApiContext& context, HttpRequest request,
                         std::shared_ptr<Exchange> exchange) {
  answer_on_worker(context, {&count_tokens_body, &count_tokens, ErrorForm::kAnthropic},
                   std::move(request), std::move(exchange));
}

}  // namespace aquilon::api
