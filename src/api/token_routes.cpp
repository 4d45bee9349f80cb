// What the model's tokenizer and chat format make of a text, ids or a conversation.
#include "api/json_text.h"
#include "api/model_wait_internal.h"
#include "api/router.h"
#include "api/worker_answer_internal.h"
#include "base/utf8.h"

namespace aquilon::api {
namespace {

using Ids = std::vector<text::TokenId>;

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

template <class Items, class Append>
void append_list(std::string& out, const Items& items, Append append) {
  out += '[';
  for (const auto& item : items) {
    if (out.back() != '[') out += ',';
    append(item);
  }
  out += ']';
}

void append_id(std::string& out, std::int64_t id) {
  out += fmt::format_int(id).str();
}

// {"id":...,"piece":"text"}, or with a list of bytes where they are not whole characters.
void append_piece(std::string& out, text::TokenId id, const std::string& bytes) {
  out += "{\"id\":";
  append_id(out, id);
  out += ",\"piece\":";
  if (is_utf8(bytes)) {
    append_json_string(out, bytes);
  } else {
    append_list(out, bytes, [&](char c) { append_id(out, static_cast<unsigned char>(c)); });
  }
  out += '}';
}

Result<Ids> ids_of(const chat::Generator& model, const CompletionRequest& request) {
  if (!request.chat.messages.empty()) return model.prompt_ids(request.chat);
  return model.encode(
      std::get<std::string>(request.prompts.front()),
      {.bos = request.tokens.add_special.value_or(true), .control = request.tokens.parse_special});
}

Result<std::string> tokenize(const chat::Generator& model, const CompletionRequest& request) {
  const Ids ids = AQ_TRY(ids_of(model, request));
  std::string out = "{\"tokens\":";
  if (request.tokens.with_pieces) {
    append_list(out, ids, [&](text::TokenId id) { append_piece(out, id, model.token_bytes(id)); });
  } else {
    append_list(out, ids, [&](text::TokenId id) { append_id(out, id); });
  }
  out += fmt::format(",\"count\":{},\"max_model_len\":{},\"token_strs\":", ids.size(),
                     model.card().context_length);
  if (request.tokens.token_strs) {
    append_list(out, ids,
                [&](text::TokenId id) { append_json_string(out, model.token_bytes(id)); });
  } else {
    out += "null";
  }
  out += '}';
  return out;
}

Result<std::string> detokenize(const chat::Generator& model, const CompletionRequest& request) {
  const std::string text = AQ_TRY(model.decode(request.tokens.ids, !request.tokens.skip_special));
  std::string out = "{\"content\":";
  append_json_string(out, text);
  out += ",\"prompt\":";
  append_json_string(out, text);
  out += '}';
  return out;
}

Result<std::string> apply_template(const chat::Generator& model, const CompletionRequest& request) {
  std::string out = "{\"prompt\":";
  append_json_string(out, AQ_TRY(model.prompt_text(request.chat)));
  out += '}';
  return out;
}

std::string tokenizer_info_json(const chat::Generator& model) {
  const chat::TokenizerInfo info = model.tokenizer_info();
  std::string body = "{\"tokenizer_class\":\"aquilon\",\"bos_token\":";
  append_json_string_or_null(body, info.bos);
  body += ",\"eos_token\":";
  append_json_string_or_null(body, info.eos);
  body += fmt::format(",\"pad_token\":null,\"add_bos_token\":{},\"model_max_length\":{}",
                      info.adds_bos, model.card().context_length);
  body += ",\"chat_template\":";
  append_json_string_or_null(body, info.chat_template);
  body += '}';
  return body;
}

}  // namespace

void answer_tokenize(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer_on_worker(context, {&tokenize_body, &tokenize}, std::move(request), std::move(exchange));
}

void answer_detokenize(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange) {
  answer_on_worker(context, {&detokenize_body, &detokenize}, std::move(request),
                   std::move(exchange));
}

void get_tokenizer_info(ApiContext& context, HttpRequest request,
                        std::shared_ptr<Exchange> exchange) {
  const auto model = first_model(*context.models, request.account.get());
  if (!model) return exchange->respond(error_response(unknown_model("")));
  const auto wait =
      std::make_shared<ModelWait>(*context.models, exchange, request.tenant, context.max_seconds);
  exchange->on_abandoned([wait, exchange](AbandonReason reason) {
    wait->cancel();
    if (reason == AbandonReason::kShutdown)
      exchange->respond(error_response(
          {.status = 503, .message = "the server is shutting down", .code = "shutting_down"}));
  });
  exchange->offload([wait, exchange, model = *model] {
    wait->get(model, [exchange](const Result<chat::ModelLease>& lease) {
      auto response = std::make_shared<HttpResponse>(
          lease.ok() ? HttpResponse{.body = tokenizer_info_json(**lease)}
                     : error_response(from_error(lease.error())));
      exchange->post([exchange, response] { exchange->respond(std::move(*response)); });
    });
  });
}

void answer_template(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer_on_worker(context, {&template_body, &apply_template}, std::move(request),
                   std::move(exchange));
}

}  // namespace aquilon::api
