#include "api/fair_pool.h"

#include <algorithm>

namespace aquilon::api {

FairPool::FairPool(int threads, int most_of_one) : most_of_one_(std::max(most_of_one, 1)) {
  for (int i = 0; i < std::max(threads, 1); ++i) threads_.emplace_back([this] { run(); });
}

void FairPool::list(std::uint64_t id, Tenant& tenant) {
  if (tenant.listed || tenant.waiting.empty() || tenant.running >= most_of_one_) return;
  tenant.listed = true;
  turns_.push_back(id);
  changed_.notify_one();
}

void FairPool::post(std::uint64_t tenant, std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  Tenant& of = tenants_[tenant];
  of.waiting.push_back(std::move(work));
  list(tenant, of);
}

void FairPool::join() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void FairPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !turns_.empty(); });
    if (turns_.empty()) {
      if (tenants_.empty()) return;
      // What waits is of tenants whose pieces others run.
      changed_.wait(lock, [&] { return tenants_.empty() || !turns_.empty(); });
      continue;
    }
    const std::uint64_t id = turns_.front();
    turns_.pop_front();
    Tenant& tenant = tenants_[id];
    std::function<void()> work = std::move(tenant.waiting.front());
    tenant.waiting.pop_front();
    tenant.listed = false;
    ++tenant.running;
    list(id, tenant);
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
    --tenant.running;
    list(id, tenant);
    if (tenant.waiting.empty() && tenant.running == 0) tenants_.erase(id);
    if (ending_ && tenants_.empty()) changed_.notify_all();
  }
}

}  // namespace aquilon::api
