#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

#include "base/check.h"
#include "engine/job_internal.h"

namespace aquilon::engine {
namespace {

constexpr double kStuckSeconds = 30;
// In which an idle thread wakes up.
constexpr std::chrono::seconds kWakeTime{5};
// Between two looks at all pages.
constexpr std::chrono::milliseconds kMeasureTime{250};
// Between two looks at whether a mask is done.
constexpr std::chrono::milliseconds kLongestIdle{10};

std::uint64_t system_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

Error file_is_gone() {
  return {Code::kUnavailable,
          "the model's file was changed while it was in use: the model must be loaded again"};
}

// `waited`: seconds of them that are over.
Job::Clock::time_point deadline_after(double seconds, double waited) {
  if (seconds <= 0) return Job::Clock::time_point::max();
  const std::chrono::duration<double> left(seconds - waited);
  return Job::Clock::now() + std::chrono::duration_cast<Job::Clock::duration>(left);
}

}  // namespace

Ticket::~Ticket() {
  job_->detach();
}
void Ticket::cancel() {
  job_->cancel();
}
const std::vector<text::TokenId>& Ticket::prompt() const {
  return job_->request().prompt;
}

Engine::Engine(model::Model& model, std::shared_ptr<model::KvPool> pool,
               const EngineOptions& options, std::unique_ptr<GuessSource> draft)
    : model_(model),
      pool_(std::move(pool)),
      options_(options),
      metrics_(options.metrics ? options.metrics : std::make_shared<EngineMetrics>()),
      prefixes_(pool_),
      speculator_(options.speculation, std::move(draft)),
      masks_(model.tokenizer(), options.mask_threads, options.speculation != Speculation::kOff) {
  AQ_CHECK(pool_->pages() >= pages_for_context(options_.context));
  metrics_->file_damaged = false;
  metrics_->kv_pages.set(static_cast<double>(pool_->pages()));
  alive_ = true;  // before it has begun: a model is ready when it is loaded
  thread_ = std::thread([this] { run(); });
}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  thread_.join();
}

Result<std::unique_ptr<Ticket>> Engine::submit(Request request, EventSink sink) {
  AQ_RETURN_IF_ERROR(check(request));
  const std::uint64_t seed = request.sampling.seed.value_or(system_seed());
  const auto deadline = deadline_after(options_.max_seconds, request.waited_seconds);
  const std::uint64_t cost = request.prompt.size();
  const std::uint64_t tenant = request.tenant;
  const bool follows = request.follows;
  auto job =
      std::make_shared<Job>(std::move(request), std::move(sink), seed, deadline, metrics_.get());
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error{Code::kUnavailable, "the server is stopping"};
    if (metrics_->file_damaged) return file_is_gone();
    if (!follows) AQ_RETURN_IF_ERROR(check_place(tenant));
    queue_.push(job, tenant, cost);
    metrics_->waiting.set(static_cast<double>(queue_.size()));
  }
  work_.notify_one();
  return std::make_unique<Ticket>(std::move(job));
}

// That one more request may wait. With the mutex held.
Status Engine::check_place(std::uint64_t tenant) const {
  if (queue_.size() >= options_.max_queue)
    return make_error(Code::kExhausted,
                      "{} requests are waiting already; try again in a few seconds", queue_.size());
  const std::size_t own = queue_.waiting(tenant);
  if (options_.max_tenant_queue > 0 && own >= options_.max_tenant_queue)
    return make_error(Code::kExhausted,
                      "{} requests of this key are waiting already; try again in a few seconds",
                      own);
  return {};
}

Status Engine::check(const Request& request) const {
  const std::size_t vocab = model_.config().vocab_size;
  AQ_RETURN_IF_ERROR(validate(request.sampling, vocab));
  if (request.prompt.empty())
    return Error{Code::kInvalidArgument, "the prompt is empty: it has no tokens", "prompt"};
  for (const text::TokenId id : request.prompt)
    if (id < 0 || static_cast<std::size_t>(id) >= vocab)
      return Error{Code::kInvalidArgument,
                   fmt::format("{} is no token id; this model has {}", id, vocab), "prompt"};
  if (request.prompt.size() >= options_.context)
    return Error{
        Code::kInvalidArgument,
        fmt::format("the prompt has {} tokens, but this model's context holds {} tokens of "
                    "prompt and answer together; shorten the prompt",
                    request.prompt.size(), options_.context),
        "messages", "context_length_exceeded"};
  const bool answers = request.prompt_logprobs < 0 && request.pooling == Pooling::kNone;
  const int least = answers ? 1 : 0;
  if (request.max_tokens < least)
    return Error{Code::kInvalidArgument, fmt::format("max_tokens must be at least {}", least),
                 "max_tokens"};
  if (request.min_tokens < 0 || request.min_tokens > request.max_tokens)
    return Error{Code::kInvalidArgument,
                 fmt::format("min_tokens must be from 0 to max_tokens, {}", request.max_tokens),
                 "min_tokens"};
  if (!std::isfinite(request.adapter_scale))
    return Error{Code::kInvalidArgument, "an adapter's scale must be a finite number", "lora"};
  if (request.n < 1) return Error{Code::kInvalidArgument, "n must be at least 1", "n"};
  for (const std::string& stop : request.stop)
    if (stop.empty())
      return Error{Code::kInvalidArgument, "a stop string may not be empty", "stop"};
  return {};
}

bool Engine::ready() const {
  if (!alive_ || metrics_->file_damaged || metrics_->step_seconds() >= kStuckSeconds) return false;
  const auto now = Job::Clock::now();
  const std::lock_guard lock(mutex_);
  if (looked_ != Job::Clock::time_point{})
    return now - looked_ < kWakeTime || metrics_->step_seconds() > 0;
  looked_ = now;
  work_.notify_one();
  return true;
}

void Engine::run() {
  while (wait_for_work()) {
    metrics_->begin_step();
    const std::uint64_t masks = masks_.made();
    bool idle = false;
    {
      const Turns::Turn turn(options_.turns.get());
      idle = !run_round();
    }
    // Until a mask is done; somebody may have come or left soon after.
    if (idle && all_parked()) masks_.wait(masks, Job::Clock::now() + kLongestIdle);
    measure();
    metrics_->end_step();
  }
  alive_ = false;
  fail_all(Error{Code::kUnavailable, "the server is stopping"});
  measure();
}

// What is computed of a file that lost bytes is worth nothing: then all requests end.
bool Engine::file_is_whole() {
  const std::string file = model_.file().damaged_file();
  if (file.empty()) return true;
  if (!metrics_->file_damaged.exchange(true))
    std::fprintf(stderr,
                 "aquilon: %s was shortened while it was in use: its model answers no more until "
                 "it is loaded again\n",
                 file.c_str());
  fail_all(file_is_gone());
  started_.clear();
  return false;
}

void Engine::measure() {
  metrics_->running.set(static_cast<double>(running_.size()));
  const auto now = Job::Clock::now();
  if (running_.empty() || now - measured_ > kMeasureTime) {
    measured_ = now;
    const std::size_t used = pool_->pages() - pool_->free_pages() - prefixes_.idle_pages();
    metrics_->kv_usage.set(static_cast<double>(used) / static_cast<double>(pool_->pages()));
  }
  const std::lock_guard lock(mutex_);
  metrics_->waiting.set(static_cast<double>(queue_.size() + paused_.size() + tried_.size()));
}

bool Engine::all_parked() const {
  return !running_.empty() && std::all_of(running_.begin(), running_.end(),
                                          [](const auto& sequence) { return sequence->parked(); });
}

bool Engine::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto woken = [&] { return looked_ != Job::Clock::time_point{}; };
  work_.wait(lock, [&] {
    return stopping_ || !running_.empty() || !paused_.empty() || !queue_.empty() || woken();
  });
  looked_ = {};
  return !stopping_;
}

void Engine::remove_finished() {
  for (const auto& sequence : running_)
    if (sequence->finished()) sequence->keep_prefix(prefixes_);
  drop_finished();
}

void Engine::drop_finished() {
  const auto finished = [](const auto& sequence) { return sequence->finished(); };
  std::erase_if(running_, finished);
  std::erase_if(paused_, finished);
  std::erase_if(tried_, finished);
}

void Engine::end_late_and_cancelled() {
  const Error cancelled{Code::kCancelled, "the request was cancelled"};
  const Error late{Code::kDeadline,
                   fmt::format("the request took longer than the {} s that this server allows",
                               options_.max_seconds)};
  const auto now = Job::Clock::now();
  for (const auto* group : {&running_, &paused_, &tried_})
    for (const auto& sequence : *group) {
      Job& job = sequence->job();
      if (sequence->finished()) continue;
      if (job.cancelled()) end_job(job, cancelled);
      if (!sequence->finished() && job.late(now)) end_job(job, late);
    }
  remove_finished();
  std::vector<std::shared_ptr<Job>> gone;
  {
    const std::lock_guard lock(mutex_);
    gone = queue_.take_out([&](const Job& job) { return job.cancelled() || job.late(now); });
  }
  for (const auto& job : gone) job->fail(job->cancelled() ? cancelled : late);
}

// Ends a running job with an error; its sequences are abandoned.
void Engine::end_job(Job& job, const Error& error) {
  job.fail(error);
  for (const auto* group : {&running_, &paused_, &tried_})
    for (const auto& sequence : *group)
      if (&sequence->job() == &job) sequence->abandon();
}

void Engine::admit() {
  while (running_.size() < (trying_ ? 1 : options_.parallel)) {
    if (!paused_.empty()) {
      if (!resume()) return;
      continue;
    }
    std::shared_ptr<Job> job;
    {
      const std::lock_guard lock(mutex_);
      // In order: a request that needs much is not overtaken for ever by those that need little.
      if (queue_.empty() || !has_room_for(pages_to_begin(queue_.front()->request()))) return;
      job = queue_.pop();
    }
    if (begin(job)) job->begin();
  }
}

std::size_t Engine::pages_to_begin(const Request& request) const {
  return pages_soon(request, options_.context, request.prompt.size(), options_.headroom);
}

// The oldest of those that wait in the middle goes on, if there is room.
bool Engine::resume() {
  if (!has_room_for(paused_.back()->pages_with(options_.headroom))) return false;
  running_.push_back(std::move(paused_.back()));
  paused_.pop_back();
  running_.back()->find_prefix(prefixes_);
  return true;
}

// So many pages beside those that all that is running needs soon. One alone always fits.
bool Engine::has_room_for(std::size_t pages) const {
  if (running_.empty() && started_.empty()) return true;
  for (const auto* group : {&running_, &started_})
    for (const auto& sequence : *group) pages += sequence->pages_with(options_.headroom);
  return pages <= pool_->pages();
}

// Where memory is short, the youngest sequences give way: the oldest always comes to its end.
// False: the sequence is the youngest itself, and paused.
bool Engine::make_room(Sequence& sequence, std::size_t tokens) {
  for (;;) {
    const Status room = reserve(sequence.kv(), tokens);
    if (room.ok()) return true;
    AQ_CHECK(running_.size() > 1 || !started_.empty());  // the pool holds one to its longest end
    const bool itself = running_.back().get() == &sequence;
    pause_youngest();
    if (itself) return false;
  }
}

void Engine::pause_youngest() {
  std::unique_ptr<Sequence> youngest = std::move(running_.back());
  running_.pop_back();
  youngest->keep_prefix(prefixes_);  // whatever memory is left when it goes on need not be computed
  youngest->pause();
  paused_.push_back(std::move(youngest));
  ++preemptions_;
  metrics_->preemptions.add();
}

// What the pool lacks is taken from the tree; admit() sees to it that this suffices.
Status Engine::reserve(model::KvCache& kv, std::size_t tokens) {
  Status status = kv.reserve(tokens);
  while (!status.ok() && prefixes_.evict()) status = kv.reserve(tokens);
  return status;
}

// Frees finished sequences; one whose job has choices left hands its place to the next.
void Engine::retire_finished() {
  for (auto& sequence : running_) {
    Job& job = sequence->job();
    // Of a cancelled job too: it is ended as a whole, with an event for each choice.
    while (sequence->finished() && job.has_next_choice() && !job.over()) {
      sequence->keep_prefix(prefixes_);
      sequence = sequence->fork(job.take_next_choice());
      std::vector<float> logits = job.first_logits();
      sequence->advance(logits, Job::Clock::now() + kMaskPatience);
    }
  }
  std::move(started_.begin(), started_.end(), std::back_inserter(running_));
  started_.clear();
  remove_finished();
}

void Engine::fail_all(const Error& error) {
  for (auto* group : {&running_, &paused_, &tried_}) {
    for (const auto& sequence : *group) sequence->job().fail(error);
    group->clear();
  }
  std::vector<std::shared_ptr<Job>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = queue_.take_out([](const Job&) { return true; });
  }
  for (const auto& job : waiting) job->fail(error);
}

}  // namespace aquilon::engine
