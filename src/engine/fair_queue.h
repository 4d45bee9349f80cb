// Who is served next: tenants get equal shares in tokens, a tenant's own requests come in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace aquilon::engine {

class Job;

// Start-time fair queueing (Goyal et al. 1996): each tenant has a clock that its work moves on; the
// one that is behind is next. A tenant that was idle starts at the present, so that idleness is
// nothing to be saved up. Threads: one user at a time.
class FairQueue {
 public:
  // `cost`: tokens that it takes to begin.
  void push(std::shared_ptr<Job> job, std::uint64_t tenant, std::uint64_t cost);
  // What is next; not when empty.
  const std::shared_ptr<Job>& front() const;
  std::shared_ptr<Job> pop();
  // The tenant's running work took so many tokens more.
  void charge(std::uint64_t tenant, std::uint64_t tokens);
  // Takes out all for which `gone(const Job&)`.
  template <class Gone>
  std::vector<std::shared_ptr<Job>> take_out(const Gone& gone);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Requests of one tenant.
  std::size_t waiting(std::uint64_t tenant) const;

 private:
  struct Waiting {
    std::shared_ptr<Job> job;
    std::uint64_t cost;
    std::uint64_t order;  // of arrival
  };
  struct Tenant {
    std::uint64_t clock = 0;  // tokens
    std::deque<Waiting> waiting;
  };
  using Tenants = std::map<std::uint64_t, Tenant>;

  Tenants::const_iterator next() const;
  void forget_idle();

  Tenants tenants_;
  std::uint64_t now_ = 0;  // the clock of whoever was served last
  std::uint64_t arrivals_ = 0;
  std::size_t size_ = 0;
};

template <class Gone>
std::vector<std::shared_ptr<Job>> FairQueue::take_out(const Gone& gone) {
  std::vector<std::shared_ptr<Job>> out;
  for (auto& [id, tenant] : tenants_) {
    std::deque<Waiting> stay;
    for (Waiting& w : tenant.waiting) {
      if (gone(*w.job)) {
        out.push_back(std::move(w.job));
      } else {
        stay.push_back(std::move(w));
      }
    }
    tenant.waiting = std::move(stay);
  }
  size_ -= out.size();
  return out;
}

}  // namespace aquilon::engine
