// The checks of `aquilon doctor`, apart from where their facts come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/store.h"

namespace aquilon::apps {

// kNote: told, not examined.
enum class Health { kOk, kNote, kWarn, kBad };

struct Finding {
  std::string topic;  // "memory"
  Health health = Health::kOk;
  std::string text;    // what was found
  std::string advice;  // what to do, empty when nothing
};

// "ok", "note", "warn", "bad".
std::string_view health_name(Health health);

// /proc/cpuinfo and the cores that this process may use.
Finding check_processor(std::string_view cpuinfo, int cores, std::optional<double> core_quota);

// Bytes; `limit` is the container's, if there is one.
Finding check_memory(std::uint64_t total, std::uint64_t available,
                     std::optional<std::uint64_t> limit);

// /sys/kernel/mm/transparent_hugepage/enabled, empty when there is none.
Finding check_huge_pages(std::string_view enabled);

// Free bytes at the store's folder, and why models could not be put there.
Finding check_disk(const std::string& folder, std::uint64_t free_bytes, const Status& usable);

// One finding a model, or one that says that there is none; unfinished downloads too.
std::vector<Finding> check_models(const hub::Store& store);

// Tries to bind. Port 0 is always free.
Finding check_port(int port);

// The quota of a control group as cores ("150000 100000" -> 1.5), nothing for "max ...".
std::optional<double> parse_core_quota(std::string_view cpu_max);

}  // namespace aquilon::apps
