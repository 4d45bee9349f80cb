#include "apps/served_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <optional>

#include "apps/adapter_options.h"
#include "apps/progress_line.h"
#include "base/memory.h"
#include "chat/adapted_generator.h"
#include "chat/local_generator.h"
#include "hub/store.h"

namespace aquilon::apps {
namespace {

struct Served {
  chat::LocalGeneratorOptions local;
  std::vector<std::string> aliases;
  bool named = true;  // by a flag: an error of it ends the program
  chat::ModelCard card;
  MemoryNeed need;
  std::uint64_t bytes = 0;
};

Result<Served> describe(const ModelOptions& how, const std::string& text) {
  const auto [id, model] = split_name(text);
  ModelOptions options = how;
  options.model = model;
  Served served;
  served.local = AQ_TRY(local_options(options, id));
  served.local.metrics = std::make_shared<engine::EngineMetrics>();
  return served;
}

Result<std::vector<Served>> choose_models(const ServedModelsOptions& options,
                                          const ModelOptions& how) {
  std::vector<Served> all;
  std::vector<std::string> named = options.models;
  if (named.empty()) named.emplace_back();
  ModelOptions further = how;
  further.draft_model.clear();  // it guesses for the first one
  for (const std::string& text : named)
    all.push_back(AQ_TRY(describe(all.empty() ? how : further, text)));
  if (!options.any_installed) return all;
  const hub::Store store = AQ_TRY(hub::Store::open());
  for (const hub::Manifest& manifest : AQ_TRY(store.list())) {
    const std::string path = store.path_to_open(manifest);
    const bool there = std::any_of(all.begin(), all.end(), [&](const Served& s) {
      return s.local.id == manifest.name || s.local.path == path;
    });
    if (there) continue;
    all.push_back(AQ_TRY(describe(further, manifest.name)));
    all.back().named = false;
  }
  return all;
}

Status add_aliases(const std::vector<std::string>& aliases, std::vector<Served>& models) {
  for (const std::string& text : aliases) {
    const std::size_t at = text.find('=');
    const std::string name = text.substr(0, at);
    const std::string of = at == text.npos ? models.front().local.id : text.substr(at + 1);
    const auto model = std::find_if(models.begin(), models.end(),
                                    [&](const Served& served) { return served.local.id == of; });
    if (model == models.end())
      return make_error(Code::kInvalidArgument,
                        "--alias {}: no model '{}' is served; name one with --model", text, of);
    model->aliases.push_back(name);
  }
  return {};
}

// What the models need; those of the store that cannot be opened are left out.
Status outline(std::vector<Served>& models, RequestLog& log) {
  std::vector<Served> kept;
  for (Served& served : models) {
    auto outline = chat::outline_local_model(served.local);
    if (!outline.ok() && served.named)
      return std::move(outline).error().with_context("model " + served.local.id);
    if (!outline.ok()) {
      log.write(
          fmt::format("model {} is not served: {}", served.local.id, outline.error().message));
      continue;
    }
    served.card = outline->card;
    served.need = {outline->weight_bytes, outline->least_kv_bytes, outline->most_kv_bytes};
    kept.push_back(std::move(served));
  }
  models = std::move(kept);
  return {};
}

Status share(std::uint64_t limit, std::vector<Served>& models) {
  std::vector<MemoryNeed> needs;
  for (const Served& served : models) needs.push_back(served.need);
  const std::vector<std::uint64_t> bytes = share_memory(limit, needs);
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (bytes[i] > limit && models[i].named)
      return make_error(Code::kOutOfMemory,
                        "model {} needs {} at least, and all models may have {}: raise "
                        "--models-memory, or use a smaller model, --ctx or --kv-type",
                        models[i].local.id, format_bytes(bytes[i]), format_bytes(limit));
    models[i].bytes = models[i].local.memory = bytes[i];
  }
  return {};
}

// Loads a model on the pool's thread. The first ones show their progress to who waits for the
// start.
std::function<Result<chat::ModelLease>()> loader(chat::LocalGeneratorOptions local,
                                                 std::shared_ptr<std::atomic<bool>> starting,
                                                 RequestLog& log) {
  return [local = std::move(local), starting, &log]() mutable -> Result<chat::ModelLease> {
    const auto began = std::chrono::steady_clock::now();
    ProgressLine line;
    if (*starting)
      local.progress = [&](std::uint64_t done, std::uint64_t total) {
        line.update("loading", done, total);
      };
    auto loaded = chat::make_local_generator(local);
    local.progress = nullptr;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    if (!loaded.ok()) {
      if (*starting) return std::move(loaded).error();  // the program ends with it
      log.write(fmt::format("model {} failed to load: {}", local.id, loaded.error().message),
                LogLevel::kError);
      return std::move(loaded).error();
    }
    if (!*starting) log.write(fmt::format("model {} loaded in {:.2f} s", local.id, took.count()));
    return chat::ModelLease(std::move(loaded).value());
  };
}

// Adapters live in their model's generator, the first one's. Its memory is theirs too, so that
// model is never unloaded.
Status add_adapted(const Served& served, Result<chat::ModelLease> loaded, chat::ModelPool& pool) {
  const chat::ModelLease base = AQ_TRY(std::move(loaded));
  const auto added = pool.add({.card = base->card(),
                               .aliases = served.aliases,
                               .bytes = served.bytes,
                               .loaded = base,
                               .metrics = served.local.metrics});
  if (!added.ok()) return added.error();
  for (std::size_t i = 0; i < served.local.adapters.size(); ++i) {
    const auto adapted = chat::with_adapter(base, served.local.adapters[i].name, i);
    const auto more = pool.add({.card = adapted->card(), .loaded = adapted});
    if (!more.ok()) return Error(more.error()).with_context("--lora");
  }
  return {};
}

Result<std::uint64_t> memory_limit(const std::string& text, bool several) {
  if (!text.empty()) {
    auto size = parse_size(text);
    if (!size.ok()) return std::move(size).error().with_context("--models-memory");
    return size;
  }
  return several ? available_memory() / 5 * 4 : 0;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  double number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  std::erase(unit, ' ');
  if (unit.ends_with("iB") || unit.ends_with("ib")) unit.resize(unit.size() - 2);
  if (unit.ends_with('B') || unit.ends_with('b')) unit.pop_back();
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t power =
      unit.size() == 1 ? kUnits.find(static_cast<char>(std::toupper(unit[0]))) + 1 : 0;
  const double bytes = number * std::pow(1024.0, static_cast<double>(power));
  const bool known = unit.empty() || (unit.size() == 1 && power > 0 && power <= kUnits.size());
  if (ec != std::errc() || !known || !(bytes >= 1) || bytes > 0x1p62)
    return make_error(Code::kInvalidArgument,
                      "'{}' is no size: write a number and its unit, such as 8GiB or 512MiB", text);
  return static_cast<std::uint64_t>(bytes);
}

std::vector<std::uint64_t> share_memory(std::uint64_t limit, const std::vector<MemoryNeed>& needs) {
  std::uint64_t all = 0;
  for (const MemoryNeed& need : needs) all += need.weights + need.least_kv;
  std::vector<std::uint64_t> shares;
  for (const MemoryNeed& need : needs) {
    const std::uint64_t left = limit > need.weights ? limit - need.weights : 0;
    const std::uint64_t wanted =
        all <= limit ? need.least_kv + (limit - all) / needs.size() : left / 2;
    shares.push_back(need.weights +
                     std::clamp(wanted, need.least_kv, std::max(need.least_kv, need.most_kv)));
  }
  return shares;
}

Result<std::unique_ptr<chat::ModelPool>> serve_models(const ServedModelsOptions& options,
                                                      const ModelOptions& how, RequestLog& log) {
  std::vector<Served> models = AQ_TRY(choose_models(options, how));
  AQ_RETURN_IF_ERROR(add_aliases(options.aliases, models));
  for (const std::string& text : options.adapters)
    models.front().local.adapters.push_back(AQ_TRY(adapter_source(text)));
  const std::uint64_t limit = AQ_TRY(memory_limit(options.memory, models.size() > 1));
  if (limit > 0) {
    AQ_RETURN_IF_ERROR(outline(models, log));
    AQ_RETURN_IF_ERROR(share(limit, models));
  }
  const auto turns = models.size() > 1 ? std::make_shared<engine::Turns>() : nullptr;
  const auto starting = std::make_shared<std::atomic<bool>>(true);
  auto pool = std::make_unique<chat::ModelPool>(chat::ModelPoolOptions{
      .memory = limit,
      .max_waiting = std::max<std::size_t>(static_cast<std::size_t>(how.max_queue), 1),
      .max_tenant_waiting = options.max_tenant_queue});
  std::vector<std::optional<chat::ModelPool::Index>> places;  // none: loaded, and stays so
  for (Served& served : models) {
    served.local.turns = turns;
    served.local.max_tenant_queue = options.max_tenant_queue;
    served.card.id = served.local.id;
    if (served.card.created == 0) served.card.created = std::time(nullptr);
    if (!served.local.adapters.empty()) {
      auto loaded = loader(served.local, starting, log)();
      AQ_RETURN_IF_ERROR(add_adapted(served, std::move(loaded), *pool));
      places.push_back(std::nullopt);
      continue;
    }
    const auto added = pool->add({.card = served.card,
                                  .aliases = served.aliases,
                                  .bytes = served.bytes,
                                  .load = loader(served.local, starting, log),
                                  .metrics = served.local.metrics});
    if (!added.ok()) return added.error();
    places.push_back(*added);
  }
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    used += models[i].bytes;
    if (!models[i].named || (limit > 0 && used > limit)) break;
    if (places[i]) AQ_RETURN_IF_ERROR(pool->load(*places[i]));
  }
  *starting = false;
  return pool;
}

}  // namespace aquilon::apps
