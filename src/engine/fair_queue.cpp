#include "engine/fair_queue.h"

#include <algorithm>

#include "base/check.h"

namespace aquilon::engine {

void FairQueue::push(std::shared_ptr<Job> job, std::uint64_t tenant, std::uint64_t cost) {
  forget_idle();
  Tenant& t = tenants_[tenant];
  if (t.waiting.empty()) t.clock = std::max(t.clock, now_);
  t.waiting.push_back({std::move(job), cost, arrivals_++});
  ++size_;
}

std::size_t FairQueue::waiting(std::uint64_t tenant) const {
  const auto it = tenants_.find(tenant);
  return it == tenants_.end() ? 0 : it->second.waiting.size();
}

FairQueue::Tenants::const_iterator FairQueue::next() const {
  auto best = tenants_.end();
  for (auto it = tenants_.begin(); it != tenants_.end(); ++it) {
    if (it->second.waiting.empty()) continue;
    const auto rank = [](const Tenant& t) { return std::pair(t.clock, t.waiting.front().order); };
    if (best == tenants_.end() || rank(it->second) < rank(best->second)) best = it;
  }
  AQ_CHECK(best != tenants_.end());
  return best;
}

const std::shared_ptr<Job>& FairQueue::front() const {
  return next()->second.waiting.front().job;
}

std::shared_ptr<Job> FairQueue::pop() {
  Tenant& t = tenants_.at(next()->first);
  Waiting waiting = std::move(t.waiting.front());
  t.waiting.pop_front();
  now_ = t.clock;
  t.clock += waiting.cost;
  --size_;
  return std::move(waiting.job);
}

void FairQueue::charge(std::uint64_t tenant, std::uint64_t tokens) {
  std::uint64_t& clock = tenants_[tenant].clock;
  clock = std::max(clock, now_) + tokens;
}

// A tenant with nothing to do whose clock is past is like one that never came.
void FairQueue::forget_idle() {
  std::erase_if(tenants_, [&](const auto& entry) {
    return entry.second.waiting.empty() && entry.second.clock <= now_;
  });
}

}  // namespace aquilon::engine
