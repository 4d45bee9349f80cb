#include "engine/engine.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <random>

#include "base/check.h"
#include "engine/job_internal.h"

namespace aquilon::engine {
namespace {

// Prompt tokens a step takes: enough to spread the decoding of weights over many tokens, few when
// others stream meanwhile.
constexpr std::size_t kPromptTokensAlone = 64;
constexpr std::size_t kPromptTokensShared = 16;
constexpr std::int64_t kStuckMs = 30'000;

std::int64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::uint64_t system_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

// Nothing is sampled from what is no number: a damaged file would pass for an answer.
bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  bool finite = true;
  for (const float value : values)
    finite &= (std::bit_cast<std::uint32_t>(value) & kExponent) != kExponent;
  return finite;
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
               const EngineOptions& options)
    : model_(model), pool_(std::move(pool)), options_(options), prefixes_(pool_) {
  AQ_CHECK(pool_->pages() >= pages_for_context(options_.context));
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
  auto job = std::make_shared<Job>(std::move(request), std::move(sink), seed);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error{Code::kUnavailable, "the server is stopping"};
    const auto waiting = std::count_if(queue_.begin(), queue_.end(),
                                       [](const auto& other) { return !other->cancelled(); });
    if (static_cast<std::size_t>(waiting) >= options_.max_queue)
      return make_error(Code::kExhausted,
                        "{} requests are waiting already; try again in a few seconds", waiting);
    queue_.push_back(job);
  }
  work_.notify_one();
  return std::make_unique<Ticket>(std::move(job));
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
  if (request.max_tokens < 1)
    return Error{Code::kInvalidArgument, "max_tokens must be at least 1", "max_tokens"};
  if (request.n < 1) return Error{Code::kInvalidArgument, "n must be at least 1", "n"};
  for (const std::string& stop : request.stop)
    if (stop.empty())
      return Error{Code::kInvalidArgument, "a stop string may not be empty", "stop"};
  return {};
}

bool Engine::ready() const {
  const std::int64_t began = step_began_ms_;
  return alive_ && (began == 0 || now_ms() - began < kStuckMs);
}

void Engine::run() {
  alive_ = true;
  while (wait_for_work()) {
    step_began_ms_ = now_ms();
    drop_cancelled();
    admit();
    if (!running_.empty()) step();
    retire_finished();
    step_began_ms_ = 0;
  }
  alive_ = false;
  fail_all(Error{Code::kUnavailable, "the server is stopping"});
}

bool Engine::wait_for_work() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] { return stopping_ || !running_.empty() || !queue_.empty(); });
  return !stopping_;
}

void Engine::remove_finished() {
  for (const auto& sequence : running_)
    if (sequence->finished()) sequence->keep_prefix(prefixes_);
  std::erase_if(running_, [](const auto& sequence) { return sequence->finished(); });
}

void Engine::drop_cancelled() {
  const Error cancelled{Code::kCancelled, "the request was cancelled"};
  for (const auto& sequence : running_)
    if (sequence->job().cancelled()) end_job(sequence->job(), cancelled);
  remove_finished();
  std::vector<std::shared_ptr<Job>> gone;
  {
    const std::lock_guard lock(mutex_);
    const auto alive = [](const auto& job) { return !job->cancelled(); };
    const auto first = std::stable_partition(queue_.begin(), queue_.end(), alive);
    std::move(first, queue_.end(), std::back_inserter(gone));
    queue_.erase(first, queue_.end());
  }
  for (const auto& job : gone) job->fail(cancelled);
}

// Ends a running job with an error; its sequences are abandoned.
void Engine::end_job(Job& job, const Error& error) {
  job.fail(error);
  for (const auto& sequence : running_)
    if (&sequence->job() == &job) sequence->abandon();
}

void Engine::admit() {
  while (running_.size() < options_.parallel) {
    std::shared_ptr<Job> job;
    {
      const std::lock_guard lock(mutex_);
      // In order: a request that needs much is not overtaken for ever by those that need little.
      if (queue_.empty() || !has_room_for(queue_.front()->request())) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    running_.push_back(
        std::make_unique<Sequence>(job, 0, model_, options_.context, model::KvCache(pool_)));
    running_.back()->find_prefix(prefixes_);
  }
}

// The pool holds all that is running to its longest end, and one more sequence of the request.
bool Engine::has_room_for(const Request& request) const {
  std::size_t pages = most_pages(request, options_.context);
  for (const auto* group : {&running_, &started_})
    for (const auto& sequence : *group)
      pages += most_pages(sequence->job().request(), options_.context);
  return pages <= pool_->pages();
}

// What the pool lacks is taken from the tree; admit() sees to it that this suffices.
Status Engine::reserve(model::KvCache& kv, std::size_t tokens) {
  Status status = kv.reserve(tokens);
  while (!status.ok() && prefixes_.evict()) status = kv.reserve(tokens);
  return status;
}

void Engine::step() {
  const bool shared = std::any_of(running_.begin(), running_.end(),
                                  [](const auto& sequence) { return !sequence->prefilling(); });
  std::size_t prompt_tokens = shared ? kPromptTokensShared : kPromptTokensAlone;
  std::vector<model::Slice> batch;
  std::vector<Sequence*> owners;
  for (const auto& sequence : running_) {
    const bool prefilling = sequence->prefilling();
    if (prefilling && prompt_tokens == 0) continue;
    const model::Slice slice = sequence->next_slice(prompt_tokens);
    const Status room = reserve(*slice.kv, slice.tokens.size());
    if (!room.ok()) {
      end_job(sequence->job(), room.error());
      continue;
    }
    batch.push_back(slice);
    owners.push_back(sequence.get());
    if (prefilling) prompt_tokens -= batch.back().tokens.size();
  }
  logits_.clear();
  model_.forward().run(batch, logits_);

  const std::size_t vocab = model_.config().vocab_size;
  std::size_t row = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    owners[i]->fed(batch[i]);
    if (batch[i].want == model::WantLogits::kNone) continue;
    const std::span<float> logits = std::span(logits_).subspan(row++ * vocab, vocab);
    if (!owners[i]->finished()) answer(*owners[i], logits);
  }
}

// The next token of a sequence; with its prompt's first logits, the other choices start too.
void Engine::answer(Sequence& sequence, std::span<float> logits) {
  Job& job = sequence.job();
  if (!all_finite(logits)) {
    end_job(job, {Code::kCorrupt, "the model's predictions are no numbers: is its file damaged?"});
    return;
  }
  const bool first = !sequence.started();
  const bool more = first && job.request().n > 1;
  if (first) sequence.keep_prefix(prefixes_);
  if (more) job.keep_first_logits(logits);
  sequence.advance(logits);
  if (more) start_choices(sequence);
}

void Engine::start_choices(const Sequence& source) {
  Job& job = source.job();
  while (job.has_next_choice() && running_.size() + started_.size() < options_.parallel &&
         has_room_for(job.request())) {
    started_.push_back(source.fork(job.take_next_choice()));
    std::vector<float> logits = job.first_logits();
    started_.back()->advance(logits);
  }
}

// Frees finished sequences; one whose job has choices left hands its place to the next.
void Engine::retire_finished() {
  for (auto& sequence : running_) {
    Job& job = sequence->job();
    while (sequence->finished() && job.has_next_choice() && !job.cancelled()) {
      sequence->keep_prefix(prefixes_);
      sequence = sequence->fork(job.take_next_choice());
      std::vector<float> logits = job.first_logits();
      sequence->advance(logits);
    }
  }
  std::move(started_.begin(), started_.end(), std::back_inserter(running_));
  started_.clear();
  remove_finished();
}

void Engine::fail_all(const Error& error) {
  for (const auto& sequence : running_) sequence->job().fail(error);
  running_.clear();
  std::deque<std::shared_ptr<Job>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(queue_);
  }
  for (const auto& job : waiting) job->fail(error);
}

}  // namespace aquilon::engine
