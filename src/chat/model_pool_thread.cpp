// The pool's thread: what is unloaded and loaded, and when.
#include <malloc.h>

#include <algorithm>
#include <exception>
#include <new>

#include "base/check.h"
#include "base/memory.h"
#include "chat/model_pool_internal.h"

namespace aquilon::chat {
namespace {

// A model that cannot be loaded must not end those that answer.
Result<ModelLease> load_contained(const PooledModel& model) {
  try {
    const CheckScope scope;
    return model.load();
  } catch (const std::bad_alloc&) {
    return Error{Code::kOutOfMemory, "out of memory"};
  } catch (const std::exception&) {
    return Error{Code::kInternal, "the server failed to load it"};
  }
}

}  // namespace

void ModelPool::Core::run() {
  Lock lock(mutex);
  while (!stopping)
    if (!act(lock)) changed.wait(lock);
}

// Does one thing, with the mutex given up meanwhile; false: there is nothing to do now.
bool ModelPool::Core::act(Lock& lock) {
  for (const auto& entry : entries)
    if (!entry->unloads.empty() && entry->state == ModelState::kLoaded && entry->leases == 0) {
      unload(*entry, lock);
      return true;
    }
  // Models that drain are behind those that they make room for.
  const auto next = std::find_if(to_load.begin(), to_load.end(), [](const Entry* entry) {
    return entry->state == ModelState::kUnloaded;
  });
  if (next == to_load.end()) {
    set_draining({}, lock);
    return false;
  }
  Entry& wanted = **next;
  const auto chosen = victims(wanted);
  if (!chosen) {
    Calls calls;
    wanted.failed = true;
    fail_waiting(wanted,
                 make_error(Code::kOutOfMemory,
                            "model '{}' needs {} of memory, and the limit of all models is {}",
                            wanted.model.card.id, format_bytes(wanted.model.bytes),
                            format_bytes(options.memory)),
                 calls);
    lock.unlock();
    for (const auto& call : calls) call();
    lock.lock();
    return true;
  }
  set_draining(*chosen, lock);
  if (wanted.waiting.empty()) return true;  // nobody waits for it any more
  const auto answers = [](const Entry* entry) { return entry->leases > 0; };
  if (std::any_of(chosen->begin(), chosen->end(), answers)) return false;
  for (Entry* victim : *chosen) unload(*victim, lock);
  if (chosen->empty()) load(wanted, lock);
  return true;
}

// The models to unload for it: idle ones before others, the longest unused first. Nothing: it does
// not fit at all.
std::optional<std::vector<ModelPool::Core::Entry*>> ModelPool::Core::victims(
    const Entry& wanted) const {
  std::vector<Entry*> chosen;
  if (options.memory == 0) return chosen;
  std::uint64_t used = wanted.model.bytes;
  std::vector<Entry*> candidates;
  for (const auto& entry : entries) {
    if (entry->state != ModelState::kLoaded) continue;
    used += entry->model.bytes;
    if (entry->model.load) candidates.push_back(entry.get());
  }
  std::sort(candidates.begin(), candidates.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->leases > 0, a->last_used) < std::pair(b->leases > 0, b->last_used);
  });
  for (Entry* candidate : candidates) {
    if (used <= options.memory) break;
    used -= candidate->model.bytes;
    chosen.push_back(candidate);
  }
  if (used > options.memory) return {};
  return chosen;
}

// Those that drain no more answer whoever waits for them.
void ModelPool::Core::set_draining(const std::vector<Entry*>& victims, Lock& lock) {
  Calls calls;
  for (const auto& entry : entries) {
    const bool victim = std::find(victims.begin(), victims.end(), entry.get()) != victims.end();
    entry->draining = entry->state == ModelState::kLoaded && (victim || !entry->unloads.empty());
    if (grants(*entry)) answer_waiting(*entry, calls);
  }
  if (calls.empty()) return;
  lock.unlock();
  for (const auto& call : calls) call();
  calls.clear();
  lock.lock();
}

void ModelPool::Core::load(Entry& entry, Lock& lock) {
  entry.state = ModelState::kLoading;
  lock.unlock();
  Result<ModelLease> loaded = load_contained(entry.model);
  Calls calls;
  lock.lock();
  if (loaded.ok()) {
    entry.generator = std::move(loaded).value();
    entry.state = ModelState::kLoaded;
    entry.failed = false;
    entry.last_used = ++uses;
    const std::int64_t created = entry.model.card.created;  // of the name, not of this loading
    entry.model.card = entry.generator->card();
    entry.model.card.created = created;
    answer_waiting(entry, calls);
  } else {
    entry.state = ModelState::kUnloaded;
    // Others took memory that the limit does not know of.
    if (loaded.error().code == Code::kOutOfMemory && unload_one_idle(lock)) return;
    entry.failed = true;
    const std::string name = entry.model.card.id;
    Error failed = std::move(loaded).error().with_context("loading model '" + name + "'");
    failed.detail = kLoadFailed;
    fail_waiting(entry, failed, calls);
    for (auto& done : std::exchange(entry.unloads, {}))
      calls.push_back([done = std::move(done)] { done({}); });
  }
  lock.unlock();
  for (const auto& call : calls) call();
  calls.clear();
  lock.lock();
}

void ModelPool::Core::unload(Entry& entry, Lock& lock) {
  entry.state = ModelState::kUnloading;
  ModelLease generator = std::move(entry.generator);
  lock.unlock();
  generator.reset();
  malloc_trim(0);  // the tokenizer's many small pieces go back to the system, too
  lock.lock();
  entry.state = ModelState::kUnloaded;
  entry.draining = false;
  auto unloads = std::exchange(entry.unloads, {});
  lock.unlock();
  for (const auto& done : unloads) done({});
  unloads.clear();
  lock.lock();
}

bool ModelPool::Core::unload_one_idle(Lock& lock) {
  Entry* oldest = nullptr;
  for (const auto& entry : entries) {
    const bool idle = entry->state == ModelState::kLoaded && entry->leases == 0;
    if (idle && entry->model.load && (!oldest || entry->last_used < oldest->last_used))
      oldest = entry.get();
  }
  if (oldest) unload(*oldest, lock);
  return oldest != nullptr;
}

void ModelPool::Core::answer_waiting(Entry& entry, Calls& calls) {
  for (Waiter& waiter : std::exchange(entry.waiting, {}))
    calls.push_back([taker = std::move(waiter.taker), lease = grant(entry)]() mutable {
      taker(std::move(lease));
    });
  std::erase(to_load, &entry);
}

void ModelPool::Core::fail_waiting(Entry& entry, const Error& error, Calls& calls) {
  for (Waiter& waiter : std::exchange(entry.waiting, {}))
    calls.push_back([taker = std::move(waiter.taker), error] { taker(error); });
  std::erase(to_load, &entry);
}

void ModelPool::Core::stop() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  changed.notify_all();
  thread.join();
  const Error stopped{Code::kUnavailable, "the server is stopping"};
  Calls calls;
  std::vector<ModelLease> generators;
  {
    const std::lock_guard lock(mutex);
    for (const auto& entry : entries) {
      fail_waiting(*entry, stopped, calls);
      for (auto& done : std::exchange(entry->unloads, {}))
        calls.push_back([done = std::move(done), stopped] { done(stopped); });
      generators.push_back(std::move(entry->generator));
      entry->state = ModelState::kUnloaded;
    }
  }
  for (const auto& call : calls) call();
}

}  // namespace aquilon::chat
