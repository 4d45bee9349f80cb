#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/job_internal.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

constexpr std::size_t kRowsOfLogits = 32;  // of a vocabulary of 150,000: 20 MB

}  // namespace

std::size_t pages_soon(const Request& request, std::size_t context, std::size_t known,
                       std::size_t more) {
  const std::size_t longest = request.prompt.size() + static_cast<std::size_t>(request.max_tokens);
  return model::pages_for(std::min({known + more, longest, context})) + 1;
}

Sequence::Sequence(std::shared_ptr<Job> job, int choice, const model::Model& model,
                   std::size_t context, model::KvCache kv)
    : job_(std::move(job)),
      choice_(choice),
      model_(model),
      context_(context),
      kv_(std::move(kv)),
      sampler_(job_->request().sampling, job_->seed(), choice, job_->request().prompt),
      constraint_(job_->request().constraint),
      text_(model.tokenizer(), job_->request().stop, job_->request().drop_first_space),
      tokens_(job_->request().prompt),
      fed_(kv_.length()) {}

void Sequence::find_prefix(PrefixTree& prefixes) {
  if (wants_prompt_logprobs() || embeds()) return;  // every position is wanted
  const std::span known(tokens_);
  fed_ = prefixes.find(known.first(known.size() - 1), scope(), kv_);
  if (!started()) job_->usage().cached_tokens = static_cast<int>(fed_);
}

void Sequence::keep_prefix(PrefixTree& prefixes) {
  const std::span computed = std::span(tokens_).first(kv_.length());
  prefixes.keep(computed, scope(), kv_);
}

model::AdapterUse Sequence::adapter() const {
  const Request& request = job_->request();
  if (request.adapter_scale == 0) return {};
  return {request.adapter.get(), request.adapter_scale};
}

PrefixScope Sequence::scope() const {
  PrefixScope scope{.salt = job_->request().cache_salt};
  const model::AdapterUse use = adapter();
  if (use.adapter != nullptr)
    scope.adapter =
        std::uint64_t{use.adapter->number()} << 32 | std::bit_cast<std::uint32_t>(use.scale);
  return scope;
}

std::size_t Sequence::most_next() const {
  const std::size_t left = tokens_.size() - fed_;
  return wants_prompt_logprobs() ? std::min(left, kRowsOfLogits) : left;
}

model::Slice Sequence::next_slice(std::size_t limit) {
  if (guesses() > 0) return {&kv_, draft_, model::WantLogits::kAll, 0, adapter()};
  const std::size_t n = std::min(limit, most_next());
  const bool whole = fed_ + n == tokens_.size();
  auto want = whole ? model::WantLogits::kLast : model::WantLogits::kNone;
  if (wants_prompt_logprobs()) want = model::WantLogits::kAll;
  return {&kv_, std::span(tokens_).subspan(fed_, n), want, 0, adapter()};
}

void Sequence::take(const model::Slice& slice, std::span<const float> logits) {
  if (guesses() > 0) {
    fed_ += 1;  // what follows is a guess
    return;
  }
  if (slice.want == model::WantLogits::kAll) {
    const int top = job_->request().prompt_logprobs;
    const std::size_t vocab = logits.size() / slice.tokens.size();
    if (fed_ == 0) {
      prompt_logprobs_.clear();
      TokenLogprobs first;
      first.chosen = {tokens_[0], std::string(model_.tokenizer().token_bytes(tokens_[0])),
                      std::numeric_limits<float>::quiet_NaN()};
      prompt_logprobs_.push_back(std::move(first));
    }
    for (std::size_t i = 0; i < slice.tokens.size() && fed_ + i + 1 < tokens_.size(); ++i)
      prompt_logprobs_.push_back(log_probabilities(logits.subspan(i * vocab, vocab),
                                                   tokens_[fed_ + i + 1], top, model_.tokenizer()));
  }
  fed_ += slice.tokens.size();
}

Sequence::Guessing& Sequence::guessing(std::size_t source, std::span<const double> priors) {
  if (guessing_.size() <= source) guessing_.resize(source + 1);
  Guessing& guessing = guessing_[source];
  if (guessing.records.empty()) guessing.records.assign(priors.begin(), priors.end());
  return guessing;
}

std::size_t Sequence::guess_room(std::size_t most) const {
  const auto left = static_cast<std::size_t>(job_->request().max_tokens - answered());
  return std::min({most, context_ - tokens_.size(), left - 1});
}

GuessSource::Task Sequence::guess_task(Guessing& guessing, std::size_t most) const {
  return {job_->request(), tokens_, sampler_, guessing.memory, most};
}

void Sequence::check(std::size_t source, const GuessSource::Task& task) {
  draft_.clear();
  if (task.guesses.empty()) return;
  draft_.push_back(tokens_.back());
  draft_.insert(draft_.end(), task.guesses.begin(), task.guesses.end());
  draft_source_ = source;
  draft_kind_ = task.kind;
}

void Sequence::accept(std::size_t i) {
  if (finished_ || i >= guesses() || tokens_.back() != draft_[i + 1]) return;
  ++fed_;
}

void Sequence::settle() {
  const std::size_t guessed = guesses();
  for (std::size_t s = 0; s < guessing_.size(); ++s)
    for (std::size_t kind = 0; kind < guessing_[s].records.size(); ++kind)
      if (guessed == 0 || s != draft_source_ || kind != draft_kind_)
        guessing_[s].records[kind].fade();
  if (guessed == 0) return;
  const std::size_t right = fed_ - (kv_.length() - guessed);
  guessing_[draft_source_].records[draft_kind_].learn(guessed, right);
  job_->usage().guessed_tokens += static_cast<int>(guessed);
  job_->usage().accepted_tokens += static_cast<int>(right);
  kv_.truncate(fed_);
  draft_.clear();
}

void Sequence::take_hidden(const model::Slice& slice, std::span<const float> hidden) {
  const std::size_t n = slice.tokens.size();
  const std::size_t dim = hidden.size() / n;
  const bool mean = job_->request().pooling == Pooling::kMean;
  if (fed_ == 0 || !mean) pooled_.assign(dim, 0);
  for (std::size_t row = mean ? 0 : n - 1; row < n; ++row)
    for (std::size_t i = 0; i < dim; ++i) pooled_[i] += hidden[row * dim + i];
  fed_ += n;
  if (fed_ < tokens_.size()) return;
  double squares = 0;
  for (const double x : pooled_) squares += x * x;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  Event event;
  event.finish = FinishReason::kStop;
  for (const double x : pooled_) event.embedding.push_back(static_cast<float>(x * scale));
  finished_ = true;
  job_->emit(std::move(event));
}

void Sequence::pause() {
  draft_.clear();
  for (Guessing& guessing : guessing_) guessing.memory.reset();
  kv_.truncate(0);
  fed_ = 0;
}

std::size_t Sequence::pages_with(std::size_t more) const {
  return pages_soon(job_->request(), context_, tokens_.size(), more);
}

std::unique_ptr<Sequence> Sequence::fork(int choice) const {
  return std::make_unique<Sequence>(job_, choice, model_, context_, kv_.fork(prompt_size()));
}

// Whatever ends an answer has no chance before its least length.
void Sequence::forbid_ends(std::span<float> logits) const {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const Request& request = job_->request();
  if (!request.ignore_eos)
    for (const TokenId id : model_.special().ends) logits[static_cast<std::size_t>(id)] = kNever;
  for (const TokenId id : request.stop_tokens)
    if (id >= 0 && static_cast<std::size_t>(id) < logits.size())
      logits[static_cast<std::size_t>(id)] = kNever;
}

// Tokens that the constraint does not allow have no chance. An answer that can only end ends, even
// before its least length. False: it has ended, and the model has no token to say so.
Result<bool> Sequence::keep_to_constraint(std::span<float> logits) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  if (!constraint_) {
    if (!may_end()) forbid_ends(logits);
    return true;
  }
  std::vector<constraint::MaskWord> mask(constraint_->mask_words());
  AQ_RETURN_IF_ERROR(constraint_->fill_mask(mask));
  for (std::size_t begin = 0; begin < logits.size(); begin += 64) {
    const std::size_t end = std::min(begin + 64, logits.size());
    const std::uint64_t word = begin / 64 < mask.size() ? mask[begin / 64] : 0;
    if (word == ~std::uint64_t{0}) continue;
    for (std::size_t i = begin; i < end; ++i)
      if ((word >> (i - begin) & 1) == 0) logits[i] = kNever;
  }
  const auto some = [&] {
    return std::any_of(mask.begin(), mask.end(), [](auto word) { return word != 0; });
  };
  if (!some()) {
    if (constraint_->is_accepting()) return false;
    return Error{
        Code::kUnsupported,
        "this model's vocabulary has no token with which the answer could go on as it must"};
  }
  if (may_end()) return true;
  for (const TokenId id : model_.special().ends)
    if (static_cast<std::size_t>(id) / 64 < mask.size())
      mask[static_cast<std::size_t>(id) / 64] &= ~(1ULL << (id % 64));
  if (some()) forbid_ends(logits);
  return true;
}

void Sequence::end_without_token(Event event, FinishReason reason) {
  event.finish = reason;
  event.text = text_.finish();
  finished_ = true;
  job_->emit(std::move(event));
}

void Sequence::advance(std::span<float> logits) {
  const Request& request = job_->request();
  Event event;
  event.choice = choice_;
  event.prompt_logprobs = std::move(prompt_logprobs_);
  if (request.max_tokens == 0) {
    event.finish = FinishReason::kLength;
    finished_ = true;
    job_->emit(std::move(event));
    return;
  }
  const bool with_logprobs = request.top_logprobs >= 0;
  std::vector<float> own;  // the model's distribution, before the sampler bends it
  if (with_logprobs && !constraint_) own.assign(logits.begin(), logits.end());
  const Result<bool> goes_on = keep_to_constraint(logits);
  if (!goes_on.ok()) event.error = goes_on.error();
  if (!goes_on.ok() || !*goes_on)
    return end_without_token(std::move(event),
                             goes_on.ok() ? FinishReason::kStop : FinishReason::kError);
  if (with_logprobs && constraint_) own.assign(logits.begin(), logits.end());
  const TokenId id = sampler_.sample(logits);
  if (constraint_) constraint_->accept(id);
  tokens_.push_back(id);

  event.ids = {id};
  event.finish = finish_reason(id);
  const bool ending = event.finish == FinishReason::kStop;
  if (!ending) event.text = text_.push(id, may_end());
  if (with_logprobs) {
    auto& entry = event.logprobs.emplace_back(
        log_probabilities(own, id, request.top_logprobs, model_.tokenizer()));
    if (ending || model_.tokenizer().kind(id) == text::TokenKind::kControl)
      entry.hidden = entry.chosen.bytes.size();
  }
  if (text_.stopped()) event.finish = FinishReason::kStop;
  if (event.finish) {
    event.text += text_.finish();
    event.stop = text_.stop();
    finished_ = true;
  }
  job_->emit(std::move(event));
}

// Why the answer ends with `id`, apart from stop strings. kStop: the id is no part of the text.
std::optional<FinishReason> Sequence::finish_reason(TokenId id) const {
  const Request& request = job_->request();
  const auto& stops = request.stop_tokens;
  const bool whole = constraint_ && constraint_->is_finished();  // nothing may follow
  const bool ends = whole || (!request.ignore_eos && model_.special().is_end(id));
  if (ends || std::find(stops.begin(), stops.end(), id) != stops.end()) return FinishReason::kStop;
  if (answered() >= request.max_tokens) return FinishReason::kLength;
  if (tokens_.size() >= context_) return FinishReason::kModelLength;
  return std::nullopt;
}

}  // namespace aquilon::engine
