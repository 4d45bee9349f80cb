#include "chat/model_pool.h"

#include <algorithm>
#include <future>

#include "base/check.h"
#include "chat/model_pool_internal.h"

namespace aquilon::chat {

std::string_view model_state_name(ModelState state) {
  constexpr std::array<std::string_view, 4> kNames = {"unloaded", "loading", "loaded", "unloading"};
  return kNames[static_cast<std::size_t>(state)];
}

ModelPool::ModelPool(const ModelPoolOptions& options) : core_(std::make_shared<Core>(options)) {
  core_->thread = std::thread([core = core_.get()] { core->run(); });
}

ModelPool::~ModelPool() {
  core_->stop();
}

Result<ModelPool::Index> ModelPool::add(PooledModel model) {
  AQ_CHECK(model.load || model.loaded);
  const std::lock_guard lock(core_->mutex);
  std::vector<std::string> names = model.aliases;
  names.push_back(model.card.id);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool twice = std::count(names.begin(), names.end(), names[i]) > 1;
    if (twice || core_->find(names[i]) != nullptr)
      return make_error(Code::kInvalidArgument, "two models are called '{}': give one another name",
                        names[i]);
  }
  auto entry = std::make_unique<Core::Entry>();
  entry->generator = std::move(model.loaded);
  if (entry->generator) entry->state = ModelState::kLoaded;
  entry->model = std::move(model);
  core_->entries.push_back(std::move(entry));
  return core_->entries.size() - 1;
}

std::optional<ModelPool::Index> ModelPool::find(std::string_view name) const {
  const std::lock_guard lock(core_->mutex);
  const Core::Entry* entry = core_->find(name);
  for (Index i = 0; i < core_->entries.size(); ++i)
    if (core_->entries[i].get() == entry) return i;
  return {};
}

std::size_t ModelPool::size() const {
  const std::lock_guard lock(core_->mutex);
  return core_->entries.size();
}

ModelStatus ModelPool::status(Index model) const {
  const std::lock_guard lock(core_->mutex);
  const Core::Entry& entry = *core_->entries.at(model);
  return {.card = entry.model.card,
          .aliases = entry.model.aliases,
          .state = entry.state,
          .ready = entry.generator && entry.generator->ready(),
          .failed = entry.failed,
          .bytes = entry.model.bytes,
          .answering = entry.leases,
          .waiting = entry.waiting.size(),
          .metrics = entry.model.metrics};
}

bool ModelPool::ready() const {
  const std::lock_guard lock(core_->mutex);
  return !core_->entries.empty() &&
         std::all_of(core_->entries.begin(), core_->entries.end(), [](const auto& entry) {
           return !entry->generator || entry->generator->ready();
         });
}

ModelLease ModelPool::lease(Index model) {
  const std::lock_guard lock(core_->mutex);
  Core::Entry& entry = *core_->entries.at(model);
  return core_->grants(entry) ? core_->grant(entry) : nullptr;
}

std::uint64_t ModelPool::wait(Index model, std::uint64_t tenant, Taker taker) {
  ModelLease lease;
  Status place;
  std::uint64_t ticket = 0;
  {
    const std::lock_guard lock(core_->mutex);
    Core::Entry& entry = *core_->entries.at(model);
    ticket = ++core_->tickets;
    if (core_->grants(entry)) {
      lease = core_->grant(entry);
    } else if (place = core_->check_place(tenant); place.ok()) {
      if (entry.waiting.empty()) core_->to_load.push_back(&entry);
      entry.waiting.push_back({ticket, tenant, std::move(taker)});
      core_->changed.notify_all();
      return ticket;
    }
  }
  if (lease) {
    taker(std::move(lease));
  } else {
    taker(place.error());
  }
  return ticket;
}

void ModelPool::forget(std::uint64_t ticket) {
  std::deque<Core::Waiter> gone;  // destroyed without the mutex
  const std::lock_guard lock(core_->mutex);
  for (const auto& entry : core_->entries) {
    const auto it = std::find_if(entry->waiting.begin(), entry->waiting.end(),
                                 [&](const Core::Waiter& w) { return w.ticket == ticket; });
    if (it == entry->waiting.end()) continue;
    gone.push_back(std::move(*it));
    entry->waiting.erase(it);
    if (entry->waiting.empty()) std::erase(core_->to_load, entry.get());
    core_->changed.notify_all();
    return;
  }
}

Status ModelPool::load(Index model) {
  std::promise<Status> promise;
  wait(model, 0, [&](Result<ModelLease> lease) {
    promise.set_value(lease.ok() ? Status() : Status(lease.error()));
  });
  return promise.get_future().get();
}

void ModelPool::unload(Index model, std::function<void(Status)> done) {
  Status answer;
  {
    const std::lock_guard lock(core_->mutex);
    Core::Entry& entry = *core_->entries.at(model);
    if (!entry.model.load) {
      answer = make_error(Code::kUnsupported, "model '{}' stays loaded", entry.model.card.id);
    } else if (entry.state == ModelState::kLoaded || entry.state == ModelState::kLoading) {
      entry.draining = entry.state == ModelState::kLoaded;
      entry.unloads.push_back(std::move(done));
      core_->changed.notify_all();
      return;
    }
  }
  done(std::move(answer));
}

// --- What is shared.

ModelLease ModelPool::Core::grant(Entry& entry) {
  ++entry.leases;
  entry.last_used = ++uses;
  return {entry.generator.get(),
          [core = shared_from_this(), &entry](Generator*) { core->release(entry); }};
}

void ModelPool::Core::release(Entry& entry) {
  const std::lock_guard lock(mutex);
  entry.last_used = ++uses;
  if (--entry.leases == 0) changed.notify_all();
}

const ModelPool::Core::Entry* ModelPool::Core::find(std::string_view name) const {
  for (const auto& entry : entries) {
    const auto& aliases = entry->model.aliases;
    if (entry->model.card.id == name ||
        std::find(aliases.begin(), aliases.end(), name) != aliases.end())
      return entry.get();
  }
  return nullptr;
}

// That one more may wait.
Status ModelPool::Core::check_place(std::uint64_t tenant) const {
  if (stopping) return Error{Code::kUnavailable, "the server is stopping"};
  std::size_t all = 0;
  std::size_t own = 0;
  for (const auto& entry : entries) {
    all += entry->waiting.size();
    own += static_cast<std::size_t>(
        std::count_if(entry->waiting.begin(), entry->waiting.end(),
                      [&](const Waiter& waiter) { return waiter.tenant == tenant; }));
  }
  if (all >= options.max_waiting)
    return make_error(Code::kExhausted,
                      "{} requests are waiting for models to be loaded; try again in a few seconds",
                      all);
  if (options.max_tenant_waiting > 0 && own >= options.max_tenant_waiting)
    return make_error(
        Code::kExhausted,
        "{} requests of this key are waiting for models to be loaded; try again in a few seconds",
        own);
  return {};
}

}  // namespace aquilon::chat
