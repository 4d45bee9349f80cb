#include <algorithm>

#include "engine/job_internal.h"

namespace aquilon::engine {

using text::TokenId;

std::size_t most_pages(const Request& request, std::size_t context) {
  const std::size_t room = context - request.prompt.size();
  const std::size_t answer = std::min(room, static_cast<std::size_t>(request.max_tokens));
  return model::pages_for(request.prompt.size() + answer) + 1;
}

Sequence::Sequence(std::shared_ptr<Job> job, int choice, const model::Model& model,
                   std::size_t context, model::KvCache kv)
    : job_(std::move(job)),
      choice_(choice),
      model_(model),
      context_(context),
      kv_(std::move(kv)),
      sampler_(job_->request().sampling, job_->seed(), choice, job_->request().prompt),
      text_(model.tokenizer(), job_->request().stop, job_->request().drop_first_space),
      fed_(kv_.length()) {}

void Sequence::find_prefix(PrefixTree& prefixes) {
  const Request& request = job_->request();
  const std::span prompt(request.prompt);
  fed_ = prefixes.find(prompt.first(prompt.size() - 1), request.cache_salt, kv_);
  job_->usage().cached_tokens = static_cast<int>(fed_);
}

void Sequence::keep_prefix(PrefixTree& prefixes) {
  const Request& request = job_->request();
  std::vector<TokenId> tokens = request.prompt;
  tokens.insert(tokens.end(), answer_.begin(), answer_.end());
  tokens.resize(kv_.length());  // the last of the answer is not computed
  prefixes.keep(tokens, request.cache_salt, kv_);
}

model::Slice Sequence::next_slice(std::size_t limit) {
  const std::vector<TokenId>& prompt = job_->request().prompt;
  if (!prefilling()) return {&kv_, {&answer_.back(), 1}, model::WantLogits::kLast};
  const std::size_t n = std::min(limit, prompt.size() - fed_);
  const bool whole = fed_ + n == prompt.size();
  return {&kv_, std::span(prompt).subspan(fed_, n),
          whole ? model::WantLogits::kLast : model::WantLogits::kNone};
}

void Sequence::fed(const model::Slice& slice) {
  fed_ += slice.tokens.size();
}

std::unique_ptr<Sequence> Sequence::fork(int choice) const {
  return std::make_unique<Sequence>(job_, choice, model_, context_,
                                    kv_.fork(job_->request().prompt.size()));
}

void Sequence::advance(std::span<float> logits) {
  const Request& request = job_->request();
  const bool with_logprobs = request.top_logprobs >= 0;
  std::vector<float> own;  // the model's distribution, before the sampler bends it
  if (with_logprobs) own.assign(logits.begin(), logits.end());
  const TokenId id = sampler_.sample(logits);
  answer_.push_back(id);

  Event event;
  event.choice = choice_;
  event.ids = {id};
  event.finish = finish_reason(id);
  if (event.finish != FinishReason::kStop) {
    event.text = text_.push(id);
    if (with_logprobs)
      event.logprobs.push_back(
          log_probabilities(own, id, request.top_logprobs, model_.tokenizer()));
  }
  if (text_.stopped()) event.finish = FinishReason::kStop;
  if (event.finish) {
    event.text += text_.finish();
    finished_ = true;
  }
  job_->emit(std::move(event));
}

// Why the answer ends with `id`, apart from stop strings. kStop: the id is no part of the text.
std::optional<FinishReason> Sequence::finish_reason(TokenId id) const {
  const Request& request = job_->request();
  const auto& stops = request.stop_tokens;
  const bool ends = !request.ignore_eos && model_.special().is_end(id);
  if (ends || std::find(stops.begin(), stops.end(), id) != stops.end()) return FinishReason::kStop;
  if (answer_.size() >= static_cast<std::size_t>(request.max_tokens)) return FinishReason::kLength;
  if (request.prompt.size() + answer_.size() >= context_) return FinishReason::kModelLength;
  return std::nullopt;
}

}  // namespace aquilon::engine
