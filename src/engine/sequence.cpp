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
                   std::size_t context, model::KvCache kv, MaskWorkers& masks)
    : job_(std::move(job)),
      choice_(choice),
      model_(model),
      context_(context),
      kv_(std::move(kv)),
      sampler_(job_->request().sampling, job_->seed(), choice, job_->request().prompt),
      mask_workers_(masks),
      text_(model.tokenizer(), job_->request().stop, job_->request().drop_first_space,
            job_->request().shown_tokens),
      tokens_(job_->request().prompt),
      fed_(kv_.length()) {
  const auto& constraint = job_->request().constraint;
  if (constraint && job_->request().max_tokens > 0) masks_ = masks.follow(*constraint);
  const auto& branch = job_->request().branch;
  if (masks_ && branch && branch_has_room()) branch_masks_ = masks.follow(branch->behind);
  if (job_->request().watch) watch_ = job_->request().watch();
}

Sequence::~Sequence() {
  if (masks_) masks_->abandon();
  if (branch_masks_) branch_masks_->abandon();
}

bool Sequence::branch_has_room() const {
  const Request& request = job_->request();
  const std::size_t begin = request.branch->begin.size();
  return begin < static_cast<std::size_t>(request.max_tokens) &&
         request.prompt.size() + begin < context_;
}

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
  if (parked() || finished_ || weighing() || tokens_.size() - fed_ != 1) return 0;
  const auto left = static_cast<std::size_t>(job_->request().max_tokens - answered());
  return std::min({most, context_ - tokens_.size(), left - 1});
}

GuessSource::Task Sequence::guess_task(Guessing& guessing, std::size_t most) {
  if (masks_) latest_ = masks_->mask(MaskTrack::TimePoint::min());
  const auto forced = latest_ ? std::span(latest_->text) : std::span<const TokenId>();
  return {job_->request(), tokens_, forced, sampler_, guessing.memory, most};
}

void Sequence::check(std::size_t source, const GuessSource::Task& task) {
  draft_.clear();
  if (task.guesses.empty()) return;
  draft_.push_back(tokens_.back());
  draft_.insert(draft_.end(), task.guesses.begin(), task.guesses.end());
  draft_source_ = source;
  draft_kind_ = task.kind;
  if (masks_) masks_->expect(task.guesses);
}

void Sequence::accept(std::size_t i) {
  if (finished_ || parked() || i >= guesses() || tokens_.back() != draft_[i + 1]) return;
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
  parked_.clear();
  for (Guessing& guessing : guessing_) guessing.memory.reset();
  kv_.truncate(0);
  fed_ = 0;
}

std::size_t Sequence::pages_with(std::size_t more) const {
  return pages_soon(job_->request(), context_, tokens_.size(), more);
}

std::unique_ptr<Sequence> Sequence::fork(int choice) const {
  return std::make_unique<Sequence>(job_, choice, model_, context_, kv_.fork(prompt_size()),
                                    mask_workers_);
}

}  // namespace aquilon::engine
