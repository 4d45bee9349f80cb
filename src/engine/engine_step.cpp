// One step of the engine: what it computes, and what becomes of the results.
#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "engine/engine.h"
#include "engine/job_internal.h"

namespace aquilon::engine {
namespace {

// While answers stream, a step may take so many times what it would without prompts.
constexpr double kStretch = 2.0;
constexpr std::size_t kLeastShared = 8;  // prompt tokens that go on even then
// While none does, a step takes about so long: a newcomer does not wait for longer.
constexpr double kAloneSeconds = 0.3;
constexpr std::size_t kLeastAlone = 64;
constexpr std::size_t kMostPrompt = 512;

// Before one, to learn whether it is needed: a share of what it takes, within limits.
constexpr double kForcedShare = 0.02;
constexpr double kLeastForcedSeconds = 1e-4;
constexpr double kMostForcedSeconds = 1e-3;

double seconds_since(Job::Clock::time_point began) {
  return std::chrono::duration<double>(Job::Clock::now() - began).count();
}

Error no_numbers() {
  return {Code::kCorrupt, "the model's predictions are no numbers: is its file damaged?"};
}

// Logits of whole prompts are wanted.
bool reads_prompts(std::span<const model::Slice> slices) {
  return std::any_of(slices.begin(), slices.end(), [](const auto& slice) {
    return slice.want == model::WantLogits::kAll && slice.tokens.size() > 1 + kMostGuesses;
  });
}

}  // namespace

// How much of a prompt this step takes.
std::size_t Engine::prompt_share(const Sequence& sequence, const StepWork& work,
                                 double limit) const {
  const std::size_t most = std::min(sequence.most_next(), kMostPrompt - work.prompt);
  const std::size_t fits = cost_.prompt_within(work, sequence.fed(), most, limit);
  if (work.prompt > 0) return fits;
  return std::max(fits, std::min(most, work.decoding > 0 ? kLeastShared : kLeastAlone));
}

void Engine::Batch::add(Sequence& sequence, const model::Slice& slice) {
  slices.push_back(slice);
  owners.push_back(&sequence);
}
std::size_t Engine::Batch::tokens() const {
  std::size_t sum = 0;
  for (const model::Slice& slice : slices) sum += slice.tokens.size();
  return sum;
}
void Engine::Batch::clear() {
  slices.clear();
  owners.clear();
}

bool Engine::step() {
  go_on_without_model();
  const StepWork work = plan_step();
  if (answers_.slices.empty() && embeddings_.slices.empty()) return false;
  const auto began = Job::Clock::now();  // what guessing takes is another cost
  const bool usual = embeddings_.slices.empty() && !reads_prompts(answers_.slices);
  run_answers();
  run_embeddings();
  if (running_.empty()) return true;
  if (usual) cost_.observe(work, seconds_since(began));
  const std::size_t tokens = answers_.tokens() + embeddings_.tokens();
  if (tokens > 0) metrics_->step_tokens.observe(static_cast<double>(tokens));
  const std::lock_guard lock(mutex_);
  for (const Sequence* sequence : answers_.owners)
    if (sequence->started()) queue_.charge(sequence->job().request().tenant, 1);
  return true;
}

// Parked sequences whose masks are there, and tokens that are the only ones possible.
void Engine::go_on_without_model() {
  StepWork work;
  for (const auto& sequence : running_) {
    if (sequence->parked()) sequence->unpark();
    if (!sequence->idle() && !sequence->prefilling())
      work.add_decoding(sequence->most_next(), sequence->fed());
  }
  if (!options_.take_forced) return;
  const std::chrono::duration<double> patience(
      std::clamp(kForcedShare * cost_.seconds(work), kLeastForcedSeconds, kMostForcedSeconds));
  const auto until = Job::Clock::now() + std::chrono::duration_cast<Job::Clock::duration>(patience);
  for (const auto& sequence : running_) sequence->take_forced(until);
}

StepWork Engine::plan_step() {
  answers_.clear();
  embeddings_.clear();
  StepWork work;
  for (const auto& sequence : running_)
    if (!sequence->idle() && !sequence->prefilling())
      work.add_decoding(sequence->most_next(), sequence->fed());
  const bool prompts = std::any_of(running_.begin(), running_.end(), [](const auto& sequence) {
    return !sequence->idle() && sequence->prefilling();
  });
  if (!prompts) speculator_.plan(running_, cost_, work);
  const double limit = work.decoding > 0 ? kStretch * cost_.seconds(work) : kAloneSeconds;
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.idle()) continue;
    const bool prefilling = sequence.prefilling();
    const std::size_t n = prefilling ? prompt_share(sequence, work, limit)
                                     : sequence.most_next() + sequence.guesses();
    if (n == 0 || !make_room(sequence, n)) continue;
    if (prefilling) work.add_prompt(n, sequence.fed());
    (sequence.embeds() ? embeddings_ : answers_).add(sequence, sequence.next_slice(n));
  }
  return work;
}

void Engine::run_answers() {
  logits_.clear();
  if (answers_.slices.empty()) return;
  AQ_CHECK(!pool_->damaged());  // else one answers from the pages of another
  model_.forward().run(answers_.slices, logits_);
  if (!file_is_whole()) return;
  mask_deadline_ = Job::Clock::now() + kMaskPatience;
  const std::size_t vocab = model_.config().vocab_size;
  std::size_t row = 0;
  for (std::size_t i = 0; i < answers_.slices.size(); ++i) {
    const model::Slice& slice = answers_.slices[i];
    Sequence& owner = *answers_.owners[i];
    const std::size_t rows = slice.want == model::WantLogits::kAll    ? slice.tokens.size()
                             : slice.want == model::WantLogits::kLast ? 1
                                                                      : 0;
    const auto logits = std::span(logits_).subspan(row * vocab, rows * vocab);
    row += rows;
    contain(owner, [&] { take_answer(owner, slice, logits, rows); });
  }
}

//   logits  [rows, V]
void Engine::take_answer(Sequence& owner, const model::Slice& slice, std::span<float> logits,
                         std::size_t rows) {
  const std::size_t vocab = model_.config().vocab_size;
  owner.take(slice, logits);
  // The last row, and those of guesses; rows before are a prompt's.
  const std::size_t next = rows - std::min(rows, 1 + owner.guesses());
  for (std::size_t r = next; r < rows && owner.at_next(); ++r) {
    answer(owner, logits.subspan(r * vocab, vocab));
    owner.accept(r - next);
  }
  if (owner.started()) owner.settle();
}

void Engine::run_embeddings() {
  hidden_.clear();
  if (embeddings_.slices.empty() || running_.empty()) return;
  AQ_CHECK(!pool_->damaged());
  model_.forward().run_hidden(embeddings_.slices, hidden_);
  if (!file_is_whole()) return;
  const std::size_t dim = model_.config().dim;
  std::size_t row = 0;
  for (std::size_t i = 0; i < embeddings_.slices.size(); ++i) {
    const std::size_t n = embeddings_.slices[i].tokens.size();
    const auto hidden = std::span(hidden_).subspan(row * dim, n * dim);
    row += n;
    Sequence& owner = *embeddings_.owners[i];
    if (all_finite(hidden)) {
      contain(owner, [&] { owner.take_hidden(embeddings_.slices[i], hidden); });
    } else {
      end_job(owner.job(), no_numbers());
    }
  }
}

// The next token of a sequence; with its prompt's first logits, the other choices start too.
void Engine::answer(Sequence& sequence, std::span<float> logits) {
  Job& job = sequence.job();
  if (!all_finite(logits)) {
    end_job(job, no_numbers());
    return;
  }
  const bool first = !sequence.started();
  const bool more = first && job.request().n > 1;
  if (first) sequence.keep_prefix(prefixes_);
  if (more) job.keep_first_logits(logits);
  sequence.advance(logits, mask_deadline_);
  if (more) start_choices(sequence);
}

void Engine::start_choices(const Sequence& source) {
  Job& job = source.job();
  while (job.has_next_choice() && running_.size() + started_.size() < options_.parallel &&
         has_room_for(source.pages_with(options_.headroom))) {
    started_.push_back(source.fork(job.take_next_choice()));
    std::vector<float> logits = job.first_logits();
    started_.back()->advance(logits, mask_deadline_);
  }
}

}  // namespace aquilon::engine
