// One generating request from its body to the end of its answer: reads the body and starts the
// generations on a worker, once their model is loaded, then turns events into one answer or into a
// stream, on the connection's thread. Lives as long as its generations do.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "api/answer_shape.h"
#include "api/body_schema.h"
#include "api/exchange.h"
#include "api/model_wait_internal.h"
#include "api/request_usage.h"
#include "api/router.h"  // ApiContext
#include "chat/tools/call_reader.h"

namespace aquilon::api {

// What tells one generating route from another.
struct GenerationRoute {
  const BodySchema& (*body)();
  std::unique_ptr<AnswerShape> (*shape)(AnswerHead head, const CompletionRequest& request);
  ErrorForm errors = ErrorForm::kCommon;
  std::string_view id_prefix = {};  // of the answer's id, before that of the request
};

class GenerationSession : public std::enable_shared_from_this<GenerationSession> {
 public:
  GenerationSession(ApiContext& context, GenerationRoute route, BodyRules rules,
                    HttpRequest request, std::shared_ptr<Exchange> exchange);

  // Returns at once.
  void start();

 private:
  struct Generations {
    chat::ModelLease model;  // first: outlives them
    std::vector<std::unique_ptr<chat::Generation>> list;
  };

  // On a worker.
  void prepare();
  Refusal read_request();
  void start_on(Result<chat::ModelLease> model);
  void start_with(const std::shared_ptr<Generations>& generations);
  Refusal start_generations(Generations& out);
  void refuse(const ApiError& error);
  chat::EventSink sink_of(std::size_t prompt);

  // On the connection's thread.
  void limit_start();
  void on_started(std::shared_ptr<Generations> generations);
  void on_event(std::size_t prompt, chat::GenerationEvent event);
  void take_event(std::size_t prompt, chat::GenerationEvent event);
  void take_answer(ChoicePart& part, const chat::GenerationEvent& event);
  void take_words(ChoicePart& part, std::string_view text, bool last);
  void take_prompt_logprobs(std::size_t prompt, const std::vector<chat::TokenLogprobs>& logprobs);
  void note(const chat::GenerationEvent& event);
  void stream_part(ChoicePart& part);
  void send(const StreamEvents& events);
  // The row of usage is durable before the client sees the end of its answer.
  void complete(std::size_t last_choice);
  void deliver(std::size_t last_choice, const std::vector<Header>& headers, const Status& written);
  std::vector<Header> answer_headers() const;  // before release()
  void fail(const ApiError& error);
  void send_error(const ApiError& error);
  void end_usage(const Ending& ending, std::function<void(const Status&)> then);
  void abandon(AbandonReason reason);
  void abandon_failed();
  void release();
  std::string answer_id() const { return std::string(route_.id_prefix) + http_.id; }

  chat::ModelPool& models_;
  GenerationRoute route_;
  BodyRules rules_;
  HttpRequest http_;
  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<ModelWait> wait_;
  const double max_seconds_;
  std::stop_source stop_;             // nobody waits for what is being prepared
  std::function<void()> stop_limit_;  // of limit_start()

  CompletionRequest request_;        // written by the worker before on_started
  std::vector<std::string> tools_;   // names of those that answers may call; else empty
  std::vector<std::string> echoes_;  // the prompts' texts, where the answer begins with them
  std::unique_ptr<AnswerShape> shape_;
  std::shared_ptr<Generations> generations_;
  std::vector<std::pair<std::size_t, chat::GenerationEvent>> early_;  // came before on_started
  std::vector<ChoicePart> choices_;
  std::vector<chat::ThinkingReader> thinkers_;  // one a choice, where the model marks thoughts
  std::vector<chat::CallReader> readers_;       // one a choice, where answers may call
  std::size_t running_ = 0;                     // generations whose last event has not come
  chat::Usage usage_;
  RequestUsage book_;
  bool started_ = false;
  bool done_ = false;
};

}  // namespace aquilon::api
