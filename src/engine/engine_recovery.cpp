// What becomes of requests when an invariant of ours is broken in work on them, and of the state
// that they share.
//
// Whose step failed is not known when several ran. So nothing that was computed is kept, and they
// go on one at a time, the oldest first, each until it is some tokens past where it was: who fails
// then ends, the others run together again. Their answers are the same, bit for bit.
#include <algorithm>
#include <exception>

#include "base/check.h"
#include "engine/engine.h"
#include "engine/job_internal.h"

namespace aquilon::engine {
namespace {

// Rounds that fail one after the other though nobody runs: then it is the engine that is broken.
constexpr int kMostUnexplained = 3;
// Steps that fail with a sequence in them, none of them when it was alone: then it ends as well.
constexpr int kMostSuspected = 3;

Error broken() {
  return {Code::kInternal, "the server failed to answer this request"};
}

}  // namespace

bool Engine::run_round() {
  bool stepped = true;
  const Job* only = nullptr;
  try {
    const CheckScope scope;
    end_late_and_cancelled();
    admit();
    only = only_job();
    if (!running_.empty()) stepped = step();
    retire_finished();
    AQ_CHECK(!pool_->damaged());
    end_trials();
    unexplained_ = 0;
  } catch (const std::exception&) {  // memory that ran out as well
    recover(only);
  }
  return stepped;
}

// Where a request's own part of the work fails, that request ends.
void Engine::contain(Sequence& sequence, const std::function<void()>& work) {
  try {
    const CheckScope scope;
    work();
  } catch (const std::exception&) {
    end_job(sequence.job(), broken());
    sequence.pause();  // nothing of it is kept
  }
}

// False: it failed.
bool Engine::begin(const std::shared_ptr<Job>& job) {
  try {
    const CheckScope scope;
    auto sequence =
        std::make_unique<Sequence>(job, 0, model_, options_.context, model::KvCache(pool_), masks_);
    sequence->find_prefix(prefixes_);
    running_.push_back(std::move(sequence));
    return true;
  } catch (const std::exception&) {
    job->fail(broken());
    return false;
  }
}

// Whose all that runs is; null: nobody's, or that of several.
const Job* Engine::only_job() const {
  const auto differs = [&](const auto& s) { return &s->job() != &running_.front()->job(); };
  if (running_.empty() || std::any_of(running_.begin(), running_.end(), differs)) return nullptr;
  return &running_.front()->job();
}

// Outside of any scope: what fails in here ends the process.
void Engine::recover(const Job* only) {
  metrics_->broken_steps.add();
  AQ_CHECK(!running_.empty() || !started_.empty() || ++unexplained_ < kMostUnexplained);
  std::move(started_.begin(), started_.end(), std::back_inserter(running_));
  started_.clear();
  bool blamed = false;
  for (const auto& sequence : running_) {
    if (sequence->finished()) continue;
    const int times = sequence->suspect();
    const bool alone = times > 1 && &sequence->job() == only;
    blamed = blamed || alone;
    if (alone || times >= kMostSuspected) end_job(sequence->job(), broken());
  }
  start_anew();
  if (blamed) prove_model();
}

void Engine::start_anew() {
  answers_.clear();
  embeddings_.clear();
  pool_->reset([&] {
    drop_finished();
    for (; !running_.empty(); running_.pop_back()) {
      running_.back()->pause();
      paused_.push_back(std::move(running_.back()));
    }
    prefixes_.clear();
  });
  speculator_.clear();
  trying_ = true;
}

// A request that failed alone says nothing about the model: a step of one token does.
void Engine::prove_model() {
  model::KvCache kv(pool_);
  AQ_CHECK(kv.reserve(1).ok());
  const text::TokenId token = 0;
  model::Slice slice{&kv, {&token, 1}, model::WantLogits::kLast};
  logits_.clear();
  model_.forward().run({&slice, 1}, logits_);
}

// After a round that went well: who has got past where it was makes room for the next.
void Engine::end_trials() {
  if (!trying_) return;
  const auto on_trial = [](const auto& sequence) { return sequence->on_trial(); };
  if (std::any_of(running_.begin(), running_.end(), on_trial)) return;
  for (auto& sequence : running_) {
    sequence->keep_prefix(prefixes_);
    sequence->pause();
    tried_.push_back(std::move(sequence));
  }
  running_.clear();
  if (std::any_of(paused_.begin(), paused_.end(), on_trial)) return;
  for (; !tried_.empty(); tried_.pop_back()) paused_.push_back(std::move(tried_.back()));
  trying_ = false;
}

}  // namespace aquilon::engine
