// How a sequence's next token is chosen and told: within its constraint, or as the only one.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/job_internal.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

constexpr float kNever = -std::numeric_limits<float>::infinity();

bool allows(const TokenMask& mask, std::size_t token) {
  return token / 64 < mask.words.size() && (mask.words[token / 64] >> (token % 64) & 1) != 0;
}

// Of the model's probability, that of the tokens that may come.
double share_of(const TokenMask& mask, std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double all = 0;
  double allowed = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp(logits[i] - largest);
    all += weight;
    if (allows(mask, i)) allowed += weight;
  }
  return allowed / all;
}

}  // namespace

// Whatever ends an answer has no chance before its least length.
void Sequence::forbid_ends(std::span<float> logits) const {
  const Request& request = job_->request();
  if (!request.ignore_eos)
    for (const TokenId id : model_.special().ends) logits[static_cast<std::size_t>(id)] = kNever;
  for (const TokenId id : request.stop_tokens)
    if (id >= 0 && static_cast<std::size_t>(id) < logits.size())
      logits[static_cast<std::size_t>(id)] = kNever;
}

// Tokens that the constraint does not allow have no chance. Where only what ends the answer may
// come, it ends, even before its least length.
void Sequence::keep_to(const TokenMask& mask, std::span<float> logits) const {
  const auto word_at = [&](std::size_t i) { return i < mask.words.size() ? mask.words[i] : 0; };
  for (std::size_t begin = 0; begin < logits.size(); begin += 64) {
    const std::size_t end = std::min(begin + 64, logits.size());
    const std::uint64_t word = word_at(begin / 64);
    if (word == ~std::uint64_t{0}) continue;
    if (word == 0) {
      std::fill(logits.begin() + static_cast<std::ptrdiff_t>(begin),
                logits.begin() + static_cast<std::ptrdiff_t>(end), kNever);
      continue;
    }
    for (std::size_t i = begin; i < end; ++i)
      if ((word >> (i - begin) & 1) == 0) logits[i] = kNever;
  }
  if (may_end()) return;
  std::vector<float> longer(logits.begin(), logits.end());
  forbid_ends(longer);
  const bool some = std::any_of(longer.begin(), longer.end(), [](float x) { return x != kNever; });
  if (some) std::copy(longer.begin(), longer.end(), logits.begin());
}

// No token may come: the answer ends here, well or not.
bool Sequence::ends_here(const TokenMask& mask) {
  if (!mask.error && !mask.none) return false;
  Event event = new_event();
  event.error = mask.error;
  if (!mask.error && !mask.may_end)
    event.error = Error{
        Code::kUnsupported,
        "no token of this model's vocabulary can continue the answer as its constraint demands", "",
        std::string(kConstraintFailed)};
  const auto reason = event.error ? FinishReason::kError : FinishReason::kStop;
  end_without_token(std::move(event), reason);
  return true;
}

Event Sequence::new_event() {
  Event event;
  event.choice = choice_;
  event.prompt_logprobs = std::move(prompt_logprobs_);
  return event;
}

void Sequence::end_without_token(Event event, FinishReason reason) {
  event.finish = reason;
  event.text = text_.finish();
  finished_ = true;
  job_->emit(std::move(event));
}

void Sequence::advance(std::span<float> logits, MaskTrack::TimePoint until) {
  if (job_->request().max_tokens == 0) {
    Event event = new_event();
    event.finish = FinishReason::kLength;
    finished_ = true;
    job_->emit(std::move(event));
    return;
  }
  if (!masks_) return choose(logits, nullptr);
  if (branch_masks_) return weigh(logits, until);
  // Who was late once is waited for again only after a mask that came in time.
  const auto mask = masks_->mask(late_ ? MaskTrack::TimePoint::min() : until);
  late_ = mask == nullptr;
  if (!late_) return choose(logits, mask.get());
  parked_.assign(logits.begin(), logits.end());
  masks_->step_aside();
}

void Sequence::unpark() {
  if (branch_masks_) {
    const std::vector<float> waiting = std::exchange(parked_, {});
    return weigh(waiting, MaskTrack::TimePoint::min());
  }
  const auto mask = masks_->mask(MaskTrack::TimePoint::min());
  if (finished_) return;
  if (!mask) return masks_->step_aside();
  std::vector<float> logits = std::exchange(parked_, {});
  choose(logits, mask.get());
}

// Feeds the branch's beginning first, then sees what the model thinks of its going on.
void Sequence::weigh(std::span<const float> logits, MaskTrack::TimePoint until) {
  const Branch& branch = *job_->request().branch;
  if (!weighing()) {
    beginning_.assign(logits.begin(), logits.end());
    tokens_.insert(tokens_.end(), branch.begin.begin(), branch.begin.end());
    return;
  }
  const auto mask = branch_masks_->mask(until);
  if (mask) return take_branch(!mask->error && share_of(*mask, logits) >= branch.least);
  parked_.assign(logits.begin(), logits.end());
  branch_masks_->step_aside();
}

// Back to the answer's beginning.
void Sequence::take_branch(bool taken) {
  branch_masks_->abandon();
  branch_masks_.reset();
  tokens_.resize(prompt_size());
  fed_ = tokens_.size();
  kv_.truncate(fed_);
  if (taken) {
    masks_->abandon();
    masks_ = mask_workers_.follow(job_->request().branch->constraint);
  }
  parked_ = std::exchange(beginning_, {});
  unpark();
}

// The answer is to end here, unless it goes on as its constraint demands of the model's own accord.
bool Sequence::is_astray(const TokenMask& mask, std::span<const float> logits) const {
  if (!watch_ || !watch_->ends_astray() || !mask.may_end || !may_end()) return false;
  const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
  return !allows(mask, static_cast<std::size_t>(best));
}

// Chooses from the model's distribution, or what is left of it.
void Sequence::choose(std::span<float> logits, const TokenMask* mask) {
  if (mask != nullptr && ends_here(*mask)) return;
  const bool with_logprobs = job_->request().top_logprobs >= 0;
  if (mask != nullptr && is_astray(*mask, logits))
    return end_without_token(new_event(), FinishReason::kStop);
  std::vector<float> own;  // before the sampler bends it
  if (with_logprobs && mask == nullptr) own.assign(logits.begin(), logits.end());
  if (mask != nullptr) {
    keep_to(*mask, logits);
  } else if (!may_end()) {
    forbid_ends(logits);
  }
  if (with_logprobs && mask != nullptr) own.assign(logits.begin(), logits.end());
  const TokenId id = sampler_.sample(logits);
  std::optional<TokenLogprobs> logprobs;
  if (with_logprobs)
    logprobs = log_probabilities(own, id, job_->request().top_logprobs, model_.tokenizer());
  append(id, std::move(logprobs));
}

void Sequence::take_forced(MaskTrack::TimePoint until) {
  if (!masks_ || !started() || prefilling() || parked() || weighing()) return;
  while (!finished_ && tokens_.size() - fed_ <= kMostForcedTokens) {
    const auto mask = masks_->mask(until);
    if (!mask || ends_here(*mask)) return;
    const TokenId id = mask->only;
    if (id < 0 || static_cast<std::size_t>(id) >= model_.config().vocab_size) return;
    sampler_.take(id);
    ++job_->usage().forced_tokens;
    std::optional<TokenLogprobs> logprobs;  // of what is certain
    if (const int top = job_->request().top_logprobs; top >= 0) {
      const TokenLogprob certain{id, std::string(model_.tokenizer().token_bytes(id)), 0};
      logprobs = TokenLogprobs{.chosen = certain, .top = {}, .rank = 1};
      if (top > 0) logprobs->top = {certain};
    }
    append(id, std::move(logprobs));
  }
}

void Sequence::append(TokenId id, std::optional<TokenLogprobs> logprobs) {
  tokens_.push_back(id);
  Event event = new_event();
  event.ids = {id};
  event.finish = finish_reason(id);
  const bool ending = event.finish == FinishReason::kStop;
  if (!ending) event.text = text_.push(id, may_end());
  if (logprobs) {
    auto& entry = event.logprobs.emplace_back(std::move(*logprobs));
    if (ending || model_.tokenizer().kind(id) == text::TokenKind::kControl)
      entry.hidden = entry.chosen.bytes.size();
  }
  const bool whole = watch_ && watch_->ends_with(event.text) && may_end();
  if (text_.stopped() || whole) event.finish = FinishReason::kStop;
  if (event.finish) {
    event.text += text_.finish();
    event.stop = text_.stop();
    finished_ = true;
  } else if (masks_) {
    masks_->accept(id);  // the next mask is made from here on
  }
  job_->emit(std::move(event));
}

// Why the answer ends with `id`, apart from stop strings. kStop: the id is no part of the text.
std::optional<FinishReason> Sequence::finish_reason(TokenId id) const {
  const Request& request = job_->request();
  const auto& stops = request.stop_tokens;
  // Nothing may follow the end of what a constraint allows.
  const bool ends = (masks_ || !request.ignore_eos) && model_.special().is_end(id);
  if (ends || std::find(stops.begin(), stops.end(), id) != stops.end()) return FinishReason::kStop;
  const bool may_go_on = !request.may_go_on || request.may_go_on();  // of each token, this once
  if (!may_go_on || answered() >= request.max_tokens) return FinishReason::kLength;
  if (tokens_.size() >= context_) return FinishReason::kModelLength;
  return std::nullopt;
}

}  // namespace aquilon::engine
