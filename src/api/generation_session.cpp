#include "api/generation_session.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <exception>
#include <span>

#include "api/call_ids.h"
#include "api/limits.h"
#include "api/tenant.h"
#include "api/unenforced_header_internal.h"

namespace aquilon::api {

namespace {

// Of an answer whose length is not limited, reserved from the limit of a key until it ends.
constexpr std::int64_t kAssumedAnswerTokens = 256;

std::int64_t most_answer_tokens(const chat::GenerationRequest& request) {
  if (request.embed) return 0;
  return request.max_tokens.value_or(kAssumedAnswerTokens) * std::int64_t{request.n};
}

// The server's own log says why.
ApiError not_recorded() {
  return {.status = 503,
          .message =
              "the answer is not given out because its use cannot be recorded: try again "
              "later",
          .code = "usage_not_recorded"};
}

// A prompt as its reader knows it.
std::string echo_of(const chat::Generator& generator, const chat::Prompt& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  const auto* ids = std::get_if<std::vector<text::TokenId>>(&prompt);
  if (!ids) return {};
  auto text = generator.decode(*ids, true);
  return text.ok() ? std::move(*text) : std::string();  // ids that start() refuses
}

void keep_best(std::vector<chat::TokenLogprobs>& tokens, int count) {
  for (chat::TokenLogprobs& token : tokens)
    if (token.top.size() > static_cast<std::size_t>(count))
      token.top.resize(static_cast<std::size_t>(count));
}

// What a tokenizer puts in front of a text, BOS or a space, is no part of its echo.
void hide_front(std::vector<chat::TokenLogprobs>& tokens, const std::string& echo) {
  std::size_t left = 0;
  for (const chat::TokenLogprobs& token : tokens) left += token.chosen.bytes.size();
  left -= std::min(left, echo.size());
  for (chat::TokenLogprobs& token : tokens) {
    token.hidden = std::min(left, token.chosen.bytes.size());
    left -= token.hidden;
  }
}

// Their content is a list of parts where the model has thought; other clients want a text there.
bool is_client_of_mistral(const HttpRequest& request) {
  const std::string_view agent = request.header("user-agent");
  return agent.find("mistral") != agent.npos;
}

}  // namespace

GenerationSession::GenerationSession(ApiContext& context, GenerationRoute route, BodyRules rules,
                                     HttpRequest request, std::shared_ptr<Exchange> exchange)
    : models_(*context.models),
      route_(route),
      rules_(std::move(rules)),
      http_(std::move(request)),
      exchange_(std::move(exchange)),
      wait_(std::make_shared<ModelWait>(models_, exchange_, http_.tenant, context.max_seconds)),
      max_seconds_(context.max_seconds),
      book_(context.accounts, http_) {}

void GenerationSession::start() {
  exchange_->on_abandoned(
      [self = shared_from_this()](AbandonReason reason) { self->abandon(reason); });
  exchange_->offload([self = shared_from_this()] { self->prepare(); });
}

void GenerationSession::prepare() {
  const Refusal refusal = read_request();
  // Of a bad body as well, for its row.
  const auto model = find_model(models_, request_.model, http_.account.get());
  const chat::ModelStatus status = model ? models_.status(*model) : chat::ModelStatus();
  book_.set_model(status.card.id);
  if (refusal) return refuse(*refusal);
  if (!model) return refuse(unknown_model(request_.model));
  if (const Refusal forbidden = check_model(http_.account.get(), status)) return refuse(*forbidden);
  wait_->get(*model, [self = shared_from_this()](Result<chat::ModelLease> lease) {
    self->start_on(std::move(lease));
  });
}

Refusal GenerationSession::read_request() {
  try {
    if (Refusal refusal = read_body(route_.body(), http_.body, rules_, request_)) return refusal;
  } catch (const std::exception&) {  // of the JSON library: out of memory
    return internal_failure();
  }
  http_.body = {};
  request_.thinking_parts = request_.thinking_parts || is_client_of_mistral(http_);
  request_.may_call = request_.generation.tools.may_call();
  if (request_.may_call) tools_ = request_.generation.tools.names();
  request_.generation.tenant = http_.tenant;
  request_.generation.abandoned = stop_.get_token();
  request_.generation.cache_salt = cache_salt_of(http_.tenant, request_.cache_salt);
  return {};
}

void GenerationSession::start_on(Result<chat::ModelLease> model) {
  if (!model.ok()) return refuse(from_error(model.error()));
  auto generations = std::make_shared<Generations>();
  generations->model = std::move(model).value();
  const chat::GenerationRequest& wanted = request_.generation;
  if (wanted.constraint.kind == chat::AnswerConstraint::Kind::kNone && !wanted.tools.any())
    return start_with(generations);
  exchange_->post([self = shared_from_this()] { self->limit_start(); });
  exchange_->offload_long(
      [self = shared_from_this(), generations] { self->start_with(generations); });
}

// Compiling ends in time as well: what the engine has begun is its own to limit.
void GenerationSession::limit_start() {
  if (max_seconds_ <= 0 || started_ || done_) return;
  const double left = std::max(max_seconds_ - wait_->seconds(), 0.0);
  const auto time =
      std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(left));
  stop_limit_ = exchange_->after(time, [self = shared_from_this()] {
    if (self->started_) return;
    self->fail(from_error(make_error(Code::kDeadline,
                                     "the request took longer than the {} s that this server "
                                     "allows: its constraint was not compiled in time",
                                     self->max_seconds_)));
  });
}

void GenerationSession::start_with(const std::shared_ptr<Generations>& generations) {
  Refusal refusal;
  try {
    refusal = start_generations(*generations);
  } catch (const std::exception&) {  // of the JSON library: out of memory
    refusal = internal_failure();
  }
  if (refusal) {
    generations->list.clear();
    refuse(*refusal);
  } else {
    exchange_->post([self = shared_from_this(), generations] { self->on_started(generations); });
  }
}

Refusal GenerationSession::start_generations(Generations& out) {
  for (std::size_t i = 0; i < request_.prompts.size(); ++i) {
    if (stop_.stop_requested()) return {};
    const bool last = i + 1 == request_.prompts.size();  // its move leaves the numbers in place
    chat::GenerationRequest one = last ? std::move(request_.generation) : request_.generation;
    one.prompt = std::move(request_.prompts[i]);
    one.follows = i > 0 || wait_->queued();  // whoever waited for the model has a place already
    one.waited_seconds = wait_->seconds();
    one.prompt_logprobs = request_.prompt_logprobs;
    if (request_.echo) {
      if (one.max_tokens == 0 || one.top_logprobs >= 0)
        one.prompt_logprobs = std::max({one.prompt_logprobs, one.top_logprobs, 0});
      echoes_.push_back(echo_of(*out.model, one.prompt));
    }
    const std::int64_t answer_tokens = most_answer_tokens(one);
    Refusal unfit;  // the limits of its key
    one.may_begin = [&](std::size_t prompt_tokens) -> Status {
      unfit = book_.reserve(static_cast<std::int64_t>(prompt_tokens), answer_tokens);
      return unfit ? Status(Error{Code::kExhausted, unfit->message}) : Status();
    };
    if (http_.account)
      one.may_go_on = [self = weak_from_this()] {
        const auto session = self.lock();
        return !session || session->book_.take_token();
      };
    auto generation = out.model->start(std::move(one), sink_of(i));
    if (unfit) return unfit;
    if (!generation.ok()) return from_error(generation.error());
    out.list.push_back(std::move(generation).value());
    book_.add_prompt(static_cast<std::int64_t>(out.list.back()->prompt_ids().size()));
  }
  return {};
}

void GenerationSession::refuse(const ApiError& error) {
  exchange_->post([self = shared_from_this(), error] { self->fail(error); });
}

chat::EventSink GenerationSession::sink_of(std::size_t prompt) {
  return [self = shared_from_this(), prompt](chat::GenerationEvent event) {
    self->exchange_->post([self, prompt, event = std::move(event)]() mutable {
      self->on_event(prompt, std::move(event));
    });
  };
}

void GenerationSession::on_started(std::shared_ptr<Generations> generations) {
  generations_ = std::move(generations);
  if (http_.outcome) {
    http_.outcome->model = request_.model;
    for (const auto& generation : generations_->list)
      http_.outcome->prompt_tokens += static_cast<int>(generation->prompt_ids().size());
  }
  if (done_) {
    release();
    return;
  }
  started_ = true;
  if (const auto stop = std::exchange(stop_limit_, nullptr)) stop();
  running_ = generations_->list.size();
  choices_.resize(static_cast<std::size_t>(request_.choice_count()));
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    choices_[i].index = static_cast<int>(i);
    choices_[i].text = request_.answer_prefix;
    choices_[i].with_ids = request_.return_token_ids;
    const std::size_t prompt = i / static_cast<std::size_t>(request_.generation.n);
    if (request_.echo) choices_[i].text = echoes_[prompt];
    if (request_.return_token_ids)
      choices_[i].prompt_ids = std::make_shared<const std::vector<text::TokenId>>(
          generations_->list[prompt]->prompt_ids());
  }
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const auto& generation =
        generations_->list[i / static_cast<std::size_t>(request_.generation.n)];
    if (const auto marks = generation->thinking())
      thinkers_.emplace_back(*marks, generation->thinking_begun());
  }
  if (!tools_.empty())
    readers_.assign(choices_.size(), chat::CallReader(generations_->model->dialect(), tools_));
  request_.may_think = !thinkers_.empty();
  shape_ = route_.shape({http_.id, std::time(nullptr), request_.model}, request_);
  if (request_.stream) {
    exchange_->begin_events(answer_headers());
    std::size_t prompt_tokens = 0;
    for (const auto& generation : generations_->list)
      prompt_tokens += generation->prompt_ids().size();
    send(shape_->begin(request_.choice_count(), static_cast<int>(prompt_tokens)));
    for (ChoicePart& choice : choices_)
      if (!choice.text.empty()) stream_part(choice);
  }
  for (auto& [prompt, event] : std::exchange(early_, {})) take_event(prompt, std::move(event));
}

void GenerationSession::on_event(std::size_t prompt, chat::GenerationEvent event) {
  if (started_) {
    take_event(prompt, std::move(event));
  } else if (!done_) {
    early_.emplace_back(prompt, std::move(event));
  }
}

void GenerationSession::take_event(std::size_t prompt, chat::GenerationEvent event) {
  if (done_) return;
  book_.add_answer(event.ids.size());
  if (const Refusal ended = book_.check_key()) return fail(*ended);
  if (event.error) {
    note(event);
    fail(from_error(*event.error));
    return;
  }
  const auto n = static_cast<std::size_t>(request_.generation.n);
  ChoicePart& part = choices_.at(prompt * n + static_cast<std::size_t>(event.choice));
  take_answer(part, event);
  part.ids.insert(part.ids.end(), event.ids.begin(), event.ids.end());
  if (!event.prompt_logprobs.empty()) take_prompt_logprobs(prompt, event.prompt_logprobs);
  part.logprobs.insert(part.logprobs.end(), std::make_move_iterator(event.logprobs.begin()),
                       std::make_move_iterator(event.logprobs.end()));
  if (!event.embedding.empty()) part.embedding = std::move(event.embedding);
  if (event.finish) part.finish = event.finish;
  note(event);
  if (event.choice_error) part.error = from_error(*event.choice_error);
  part.stop = std::move(event.stop);
  if (event.usage) {
    usage_.prompt_tokens += event.usage->prompt_tokens;
    usage_.completion_tokens += event.usage->completion_tokens;
    usage_.cached_tokens += event.usage->cached_tokens;
    --running_;
  }
  const bool tells = !part.empty() || event.finish;
  if (running_ == 0) {
    complete(static_cast<std::size_t>(part.index));
  } else if (request_.stream && tells) {
    stream_part(part);
  }
}

// For the log.
void GenerationSession::note(const chat::GenerationEvent& event) {
  if (!http_.outcome) return;
  AnswerOutcome& outcome = *http_.outcome;
  if (outcome.first_token_seconds == 0 && !event.ids.empty())
    outcome.first_token_seconds = wait_->seconds();
  outcome.completion_tokens += static_cast<int>(event.ids.size());
  if (event.usage) outcome.cached_tokens += event.usage->cached_tokens;
  constexpr std::array<const char*, 4> kFinishes = {"stop", "length", "length", "error"};
  if (event.finish && event.choice == 0)
    outcome.finish = kFinishes[static_cast<std::size_t>(*event.finish)];
}

// What is certain of the answer's text: thoughts, words and calls, in a stream each in a part of
// its own.
void GenerationSession::take_answer(ChoicePart& part, const chat::GenerationEvent& event) {
  const bool last = event.finish.has_value();
  if (thinkers_.empty()) return take_words(part, event.text, last);
  chat::ThinkingReader& reader = thinkers_[static_cast<std::size_t>(part.index)];
  auto pieces = reader.push(event.text);
  if (last)
    for (auto& piece : reader.finish()) pieces.push_back(std::move(piece));
  for (const chat::ThinkingReader::Piece& piece : pieces) {
    if (piece.thought) {
      if (request_.stream && !(part.text.empty() && part.calls.empty())) stream_part(part);
      part.thinking += piece.text;
    } else {
      if (request_.stream && !part.thinking.empty()) stream_part(part);
      take_words(part, piece.text, false);
    }
  }
  if (last) take_words(part, {}, true);
}

void GenerationSession::take_words(ChoicePart& part, std::string_view text, bool last) {
  if (readers_.empty()) {
    part.text += text;
    return;
  }
  chat::CallReader& reader = readers_[static_cast<std::size_t>(part.index)];
  std::vector<chat::AnswerPiece> pieces = reader.push(text);
  if (last)
    for (chat::AnswerPiece& piece : reader.finish()) pieces.push_back(std::move(piece));
  const bool short_ids = generations_->model->dialect().short_ids;
  for (chat::AnswerPiece& piece : pieces) {
    const bool other = piece.call ? !part.text.empty() : !part.calls.empty();
    if (request_.stream && (other || !part.thinking.empty())) stream_part(part);
    part.text += piece.text;
    if (!piece.call) continue;
    chat::ToolCall& call = part.calls.emplace_back(std::move(*piece.call));
    if (!short_ids || !is_short_call_id(call.id))
      call.id = call_id(http_.id, part.index, part.calls_before + part.calls.size(), short_ids);
  }
}

// Every choice of the prompt has them, as asked for: on their own, before those of an echo, or
// both.
void GenerationSession::take_prompt_logprobs(std::size_t prompt,
                                             const std::vector<chat::TokenLogprobs>& logprobs) {
  const auto n = static_cast<std::size_t>(request_.generation.n);
  const std::span choices = std::span(choices_).subspan(prompt * n, n);
  if (request_.prompt_logprobs >= 0) {
    auto own = std::make_shared<PromptLogprobs>();
    own->as_vllm = request_.prompt_logprobs_as_vllm;
    own->tokens = logprobs;
    keep_best(own->tokens, request_.prompt_logprobs);
    for (ChoicePart& choice : choices) choice.prompt_logprobs = own;
  }
  if (!request_.echo || request_.generation.top_logprobs < 0) return;
  std::vector<chat::TokenLogprobs> echoed = logprobs;
  keep_best(echoed, request_.generation.top_logprobs);
  hide_front(echoed, echoes_[prompt]);
  for (ChoicePart& choice : choices)
    choice.logprobs.insert(choice.logprobs.begin(), echoed.begin(), echoed.end());
}

void GenerationSession::stream_part(ChoicePart& part) {
  send(shape_->part(part, running_ == 0 ? &usage_ : nullptr));
  part.thinking.clear();
  part.text.clear();
  part.calls_before += part.calls.size();
  part.calls.clear();
  part.logprobs.clear();
  part.ids.clear();
  part.prompt_ids.reset();
  part.prompt_logprobs.reset();
}

void GenerationSession::send(const StreamEvents& events) {
  for (const StreamEvent& event : events) exchange_->send_event(event.data, event.name);
}

void GenerationSession::complete(std::size_t last_choice) {
  std::vector<Header> headers = answer_headers();
  release();
  end_usage(Ending{.id = answer_id(), .ended = "finished", .usage = usage_},
            [self = shared_from_this(), last_choice, headers = std::move(headers)](
                const Status& written) { self->deliver(last_choice, headers, written); });
}

void GenerationSession::deliver(std::size_t last_choice, const std::vector<Header>& headers,
                                const Status& written) {
  if (!written.ok()) return send_error(not_recorded());
  if (request_.stream) {
    stream_part(choices_[last_choice]);
    send(shape_->end(usage_, request_.include_usage));
    exchange_->end_events();
    return;
  }
  HttpResponse response{.headers = headers, .body = shape_->whole(choices_, usage_)};
  if (http_.account && http_.account->limits.tokens_per_minute > 0)
    response.headers.push_back({"x-ratelimit-tokens-query-cost",
                                std::to_string(usage_.prompt_tokens + usage_.completion_tokens)});
  exchange_->respond(std::move(response));
}

// All generations have one constraint.
std::vector<Header> GenerationSession::answer_headers() const {
  if (generations_->list.empty()) return {};
  return unenforced_headers(generations_->list.front()->unenforced());
}

void GenerationSession::fail(const ApiError& error) {
  if (done_) return;
  if (http_.outcome) http_.outcome->error = error.code;
  release();
  const bool refused = !started_ && error.status < 500;
  const bool seen = started_ && request_.stream;  // the answer's own id
  end_usage(Ending{.id = seen ? answer_id() : http_.id,
                   .ended = refused ? "refused" : "failed",
                   .status = error.status,
                   .code = error.code},
            [self = shared_from_this(), error](const Status&) { self->send_error(error); });
}

void GenerationSession::send_error(const ApiError& error) {
  if (started_ && request_.stream) {
    std::vector<int> unfinished;
    for (const ChoicePart& choice : choices_)
      if (!choice.finish) unfinished.push_back(choice.index);
    send(shape_->fail(unfinished, error));
    exchange_->end_events();
  } else {
    exchange_->respond(error_response(error, route_.errors, http_.id));
  }
}

// `then` on the connection's thread.
void GenerationSession::end_usage(const Ending& ending, std::function<void(const Status&)> then) {
  if (!book_.is_kept()) {
    book_.end(ending, nullptr);
    return then({});
  }
  book_.end(ending, [self = shared_from_this(), then = std::move(then)](const Status& written) {
    self->exchange_->post([then, written] { then(written); });
  });
}

void GenerationSession::abandon(AbandonReason reason) {
  if (reason == AbandonReason::kFailed) return abandon_failed();
  if (done_) return;
  if (reason == AbandonReason::kShutdown) {
    fail({.status = 503, .message = "the server is shutting down", .code = "shutting_down"});
  } else {
    release();
    book_.end(Ending{.id = answer_id(), .ended = "cancelled", .status = 499}, nullptr);
  }
}

// At once: what would run after the row of usage is written could fail like that which did.
void GenerationSession::abandon_failed() {
  const ApiError error = internal_failure();
  if (http_.outcome) http_.outcome->error = error.code;
  if (!done_) release();
  const bool seen = started_ && request_.stream;
  book_.end(Ending{.id = seen ? answer_id() : http_.id,
                   .ended = "failed",
                   .status = error.status,
                   .code = error.code},
            nullptr);
  send_error(error);
}

// Ends the generations, on a worker: it may have to wait for the engine to leave the sink.
void GenerationSession::release() {
  done_ = true;
  stop_.request_stop();
  if (const auto stop = std::exchange(stop_limit_, nullptr)) stop();
  early_.clear();
  wait_->cancel();
  if (!generations_) return;
  exchange_->offload([generations = std::move(generations_)]() mutable { generations.reset(); });
}

}  // namespace aquilon::api
