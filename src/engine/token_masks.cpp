#include "engine/token_masks.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <exception>

#include "base/check.h"
#include "constraint/parts.h"  // kControlMark
#include "engine/request.h"    // kConstraintFailed

namespace aquilon::engine {
namespace {

using text::TokenId;

constexpr std::size_t kMostAhead = 16;          // places beyond the answer that nobody asked for
constexpr std::size_t kMostForced = 64;         // bytes of a forced text that are looked at
constexpr std::chrono::milliseconds kLong{50};  // for a mask
constexpr int kLowestPriority = 19;

Error failed(std::string message) {
  return Error{Code::kUnsupported, std::move(message), "", std::string(kConstraintFailed)};
}

}  // namespace

MaskTrack::MaskTrack(MaskWorkers& workers, const constraint::Matcher& matcher)
    : workers_(workers), matcher_(matcher), begun_(matcher.accepted()) {}

std::shared_ptr<const TokenMask> MaskTrack::mask(TimePoint deadline) {
  std::unique_lock lock(workers_.mutex_);
  const auto known = [&] { return !masks_.empty() || blocked_ <= answered_; };
  if (!known() && deadline > std::chrono::steady_clock::now())
    workers_.done_.wait_until(lock, deadline, known);
  if (!masks_.empty()) return masks_.front();
  if (blocked_ > answered_) return nullptr;
  auto mask = std::make_shared<TokenMask>();
  mask->error = failed("the answer left what its constraint allows");
  return mask;
}

void MaskTrack::accept(TokenId token) {
  const std::lock_guard lock(workers_.mutex_);
  replace(answered_, {&token, 1});
  ++answered_;
  if (!masks_.empty()) masks_.pop_front();
  post();
}

void MaskTrack::expect(std::span<const TokenId> guesses) {
  const std::lock_guard lock(workers_.mutex_);
  replace(answered_, guesses);
  post();
}

void MaskTrack::abandon() {
  const std::lock_guard lock(workers_.mutex_);
  abandoned_ = true;
}

// What is known already of the same tokens stays, and what is expected beyond them.
void MaskTrack::replace(std::size_t from, std::span<const TokenId> with) {
  std::size_t at = from;
  while (at < tokens_.size() && at - from < with.size() && tokens_[at] == with[at - from]) ++at;
  if (at - from == with.size()) return;
  const auto rest = with.subspan(at - from);
  tokens_.resize(at);
  tokens_.insert(tokens_.end(), rest.begin(), rest.end());
  changed_at_ = std::min(changed_at_, at);
  same_ = std::min(same_, at);
  if (blocked_ > at) blocked_ = kNever;
  if (masks_.size() > at - answered_ + 1) masks_.resize(at - answered_ + 1);
}

bool MaskTrack::wanted() const {
  const std::size_t next = answered_ + masks_.size();
  const bool stuck = !masks_.empty() && masks_.back()->error;
  return !abandoned_ && !stuck && next <= tokens_.size() && next < blocked_;
}

void MaskTrack::post() {
  if (queued_ || !wanted()) return;
  queued_ = true;
  workers_.queue_.push_back(shared_from_this());
  workers_.work_.notify_one();
}

void MaskTrack::work(std::unique_lock<std::mutex>& lock) {
  while (wanted()) {
    const std::size_t at = answered_ + masks_.size();
    const std::size_t keep = std::min(same_, at);
    const std::vector<TokenId> more(tokens_.begin() + static_cast<std::ptrdiff_t>(keep),
                                    tokens_.begin() + static_cast<std::ptrdiff_t>(at));
    changed_at_ = kNever;
    lock.unlock();
    auto mask = compute_contained(keep, more);
    const std::size_t followed = matcher_.accepted() - begun_;
    lock.lock();
    same_ = std::min(followed, changed_at_);
    if (changed_at_ < at) continue;
    if (mask) {
      const bool goes_on = mask->only >= 0 && !mask->may_end;
      if (goes_on && at == tokens_.size() && at < answered_ + kMostAhead)
        tokens_.push_back(mask->only);
      masks_.push_back(std::move(mask));
    } else {
      blocked_ = at;
    }
    ++workers_.made_;
    workers_.done_.notify_all();
  }
  queued_ = false;
}

// What fails in here ends its answer alone.
std::shared_ptr<TokenMask> MaskTrack::compute_contained(std::size_t keep,
                                                        std::span<const TokenId> more) {
  try {
    const CheckScope scope;
    return compute(keep, more);
  } catch (const std::exception&) {
    auto mask = std::make_shared<TokenMask>();
    mask->error = Error{Code::kInternal, "the server failed to answer this request"};
    return mask;
  }
}

// Null: one of the tokens may not come.
std::shared_ptr<TokenMask> MaskTrack::compute(std::size_t keep, std::span<const TokenId> more) {
  matcher_.rollback(matcher_.accepted() - begun_ - keep);
  auto mask = std::make_shared<TokenMask>();
  mask->words.resize(matcher_.mask_words());
  const bool allowed =
      std::all_of(more.begin(), more.end(), [&](TokenId token) { return matcher_.accept(token); });
  const Status status = matcher_.fill_mask(mask->words);
  if (!status.ok()) {
    mask->error =
        failed("the answer's constraint cannot be enforced any further: " + status.error().message);
    return mask;
  }
  if (!allowed) return nullptr;
  mask->may_end = matcher_.is_accepting();
  int tokens = 0;
  for (std::size_t i = 0; i < mask->words.size() && tokens < 2; ++i) {
    if (mask->words[i] == 0) continue;
    tokens += std::popcount(mask->words[i]);
    mask->only = static_cast<TokenId>(i * 64) + std::countr_zero(mask->words[i]);
  }
  if (tokens != 1) mask->only = -1;
  mask->none = tokens == 0;
  if (tokens > 1 && workers_.with_texts_) mask->text = forced_text();
  return mask;
}

std::vector<TokenId> MaskTrack::forced_text() {
  std::string bytes = matcher_.forced_bytes(kMostForced);
  bytes.resize(std::min(bytes.size(), bytes.find(constraint::kControlMark)));  // text alone
  if (bytes.size() < 2) return {};
  std::vector<TokenId> tokens = workers_.tokenizer_.encode(bytes);
  std::string again;  // some tokenizers put a space in front
  for (const TokenId token : tokens) again += workers_.tokenizer_.token_bytes(token);
  if (again != bytes) return {};
  tokens.pop_back();
  return tokens;
}

void MaskTrack::step_aside() {
  const std::lock_guard lock(workers_.mutex_);
  workers_.join_done();
  for (MaskWorkers::Worker& worker : workers_.workers_)
    if (worker.busy == this) return workers_.set_aside(worker);
}

MaskWorkers::~MaskWorkers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  work_.notify_all();
  for (Worker& worker : workers_) worker.thread.join();
}

std::shared_ptr<MaskTrack> MaskWorkers::follow(const constraint::Matcher& matcher) {
  auto track = std::make_shared<MaskTrack>(*this, matcher);
  const std::lock_guard lock(mutex_);
  while (workers_.size() < threads_) add_worker();
  track->post();
  return track;
}

std::uint64_t MaskWorkers::made() const {
  const std::lock_guard lock(mutex_);
  return made_;
}

void MaskWorkers::wait(std::uint64_t seen, MaskTrack::TimePoint deadline) {
  std::unique_lock lock(mutex_);
  done_.wait_until(lock, deadline, [&] { return made_ != seen; });
}

void MaskWorkers::add_worker() {
  Worker& worker = workers_.emplace_back();
  worker.thread = std::thread([this, &worker] { run(worker); });
}

void MaskWorkers::set_aside(Worker& worker) {
  if (!worker.retired) {
    worker.retired = true;
    add_worker();
  }
  if (worker.lowered || std::chrono::steady_clock::now() - worker.busy_since < kLong) return;
  worker.lowered = true;
  // Where the system refuses, it shares the processors evenly.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(worker.id), kLowestPriority);
}

void MaskWorkers::join_done() {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    if (worker->done) worker->thread.join();
    worker = worker->done ? workers_.erase(worker) : std::next(worker);
  }
}

void MaskWorkers::run(Worker& self) {
  std::unique_lock lock(mutex_);
  self.id = ::gettid();
  while (!self.retired) {
    work_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    std::shared_ptr<MaskTrack> track = std::move(queue_.front());
    queue_.pop_front();
    self.busy = track.get();
    self.busy_since = std::chrono::steady_clock::now();
    track->work(lock);
    self.busy = nullptr;
    lock.unlock();
    track.reset();  // perhaps the last that knows a large grammar
    lock.lock();
  }
  self.done = true;
}

}  // namespace aquilon::engine
