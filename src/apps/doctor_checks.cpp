#include "apps/doctor_checks.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include "apps/model_view.h"
#include "base/descriptor.h"
#include "base/memory.h"
#include "hub/byte_text.h"
#include "hub/folder.h"

namespace aquilon::apps {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kLeastMemory = 512 * kMiB;    // the default model with its context
constexpr std::uint64_t kUsefulMemory = 3072 * kMiB;  // a model of 1.5B in 4 bits
constexpr std::uint64_t kLeastDisk = 300'000'000;     // the default model and some room
constexpr std::uint64_t kUsefulDisk = 5'000'000'000;  // a model of 7B in 4 bits

// Instruction sets worth naming, by the kernel's names for them.
constexpr std::array<std::string_view, 11> kInstructionSets = {
    "sse4_2",   "avx2",        "fma",      "f16c",  "avx512f", "avx512_vnni",
    "avx_vnni", "avx512_bf16", "amx_bf16", "asimd", "asimddp"};

std::string_view line_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && line.starts_with(key)) {
      std::string_view value = line.substr(colon + 1);
      value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
      return value;
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return {};
}

std::set<std::string_view> words(std::string_view text) {
  std::set<std::string_view> result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end != 0) result.insert(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

Finding check_model(const hub::Store& store, const hub::Manifest& manifest) {
  const ModelView view = view_installed(store, manifest);
  Finding finding{.topic = "model " + manifest.name};
  if (view.problem.empty()) {
    finding.text = fmt::format("{}, {}", hub::byte_text(manifest.total_bytes()), view.quant());
    return finding;
  }
  finding.health = Health::kBad;
  finding.text = view.problem;
  finding.advice = manifest.repo.empty() ? fmt::format("aquilon models remove {}", manifest.name)
                                         : fmt::format("aquilon pull {}", manifest.name);
  return finding;
}

// Folders of downloads that did not end.
std::vector<Finding> unfinished(const hub::Store& store) {
  std::vector<Finding> findings;
  const std::string partial = store.folder() + "/.partial";
  const auto names = hub::folder_entries(partial);
  if (!names.ok()) return findings;
  for (const std::string& name : *names) {
    const std::string folder = partial + "/" + name;
    if (!hub::open_folder(folder).ok()) continue;  // a lock file
    const auto parts = hub::folder_entries(folder);
    if (!parts.ok() || parts->empty()) continue;
    std::uint64_t bytes = 0;
    for (const std::string& part : *parts) bytes += hub::regular_file_bytes(folder + "/" + part);
    findings.push_back({"download " + name, Health::kWarn,
                        fmt::format("unfinished, {} so far", hub::byte_text(bytes)),
                        fmt::format("the same `aquilon pull` goes on; or delete {}", folder)});
  }
  return findings;
}

}  // namespace

std::string_view health_name(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kNote:
      return "note";
    case Health::kWarn:
      return "warn";
    case Health::kBad:
      return "bad";
  }
  return "bad";
}

Finding check_processor(std::string_view cpuinfo, int cores, std::optional<double> core_quota) {
  std::string_view name = line_value(cpuinfo, "model name");
  if (name.empty()) name = line_value(cpuinfo, "CPU part");
  std::string_view flags = line_value(cpuinfo, "flags");
  if (flags.empty()) flags = line_value(cpuinfo, "Features");
  const std::set<std::string_view> known = words(flags);
  std::vector<std::string_view> found;
  for (const std::string_view set : kInstructionSets)
    if (known.contains(set)) found.push_back(set);
  Finding finding{.topic = "processor"};
  finding.text = fmt::format(
      "{}, {} core{}{}; {}", name.empty() ? "unknown" : name, cores, cores == 1 ? "" : "s",
      core_quota ? fmt::format(" (the container may use {:g})", *core_quota) : std::string(),
      fmt::join(found, " "));
  const bool vectors =
      (known.contains("avx2") && known.contains("fma") && known.contains("f16c")) ||
      known.contains("asimd");
  if (!vectors) {
    finding.health = Health::kWarn;
    finding.advice =
        "without AVX2, FMA and F16C models run several times slower; in a virtual "
        "machine, pass the host's processor type through";
  } else if (core_quota && *core_quota < cores) {
    finding.health = Health::kWarn;
    finding.advice = fmt::format("more threads than the quota slow it down: serve --threads {:.0f}",
                                 std::max(1.0, *core_quota));
  }
  return finding;
}

Finding check_memory(std::uint64_t total, std::uint64_t available,
                     std::optional<std::uint64_t> limit) {
  Finding finding{.topic = "memory"};
  finding.text = fmt::format(
      "{} of {} available{}", format_bytes(available), format_bytes(total),
      limit ? fmt::format(" (the container may use {})", format_bytes(*limit)) : std::string());
  if (available < kLeastMemory) {
    finding.health = Health::kBad;
    finding.advice = fmt::format("even the default model needs {}: close other programs",
                                 format_bytes(kLeastMemory));
  } else if (available < kUsefulMemory) {
    finding.health = Health::kWarn;
    finding.advice = "enough for small models only; a longer context needs more";
  }
  return finding;
}

Finding check_huge_pages(std::string_view enabled) {
  const std::size_t open = enabled.find('[');
  const std::size_t close = enabled.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return {"huge pages", Health::kWarn, "the kernel does not say",
            "nothing is wrong; long prompts may be a little slower"};
  const std::string_view mode = enabled.substr(open + 1, close - open - 1);
  if (mode != "never") return {"huge pages", Health::kOk, fmt::format("transparent: {}", mode), {}};
  return {"huge pages", Health::kWarn, "transparent: never",
          "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"};
}

Finding check_disk(const std::string& folder, std::uint64_t free_bytes, const Status& usable) {
  Finding finding{.topic = "model store"};
  finding.text = fmt::format("{}, {} free", folder, hub::byte_text(free_bytes));
  if (!usable.ok()) {
    finding.health = Health::kBad;
    finding.text = usable.error().message;
    finding.advice = "set AQUILON_HOME to a folder of your own";
  } else if (free_bytes < kLeastDisk) {
    finding.health = Health::kBad;
    finding.advice = "make room, or set AQUILON_HOME to a folder on another disk";
  } else if (free_bytes < kUsefulDisk) {
    finding.health = Health::kWarn;
    finding.advice = "enough for small models; larger ones need 5 GB and more";
  }
  return finding;
}

std::vector<Finding> check_models(const hub::Store& store) {
  std::vector<std::string> problems;
  const auto models = store.list(&problems);
  if (!models.ok()) return {{"models", Health::kBad, models.error().message, {}}};
  std::vector<Finding> findings;
  for (const hub::Manifest& manifest : *models) findings.push_back(check_model(store, manifest));
  for (const std::string& problem : problems)
    findings.push_back({"models", Health::kBad, problem, "delete that folder, then pull it again"});
  if (findings.empty())
    findings.push_back(
        {"models", Health::kWarn, "none installed",
         fmt::format("aquilon pull {}", hub::Catalogue::built_in().default_model().name)});
  for (Finding& finding : unfinished(store)) findings.push_back(std::move(finding));
  return findings;
}

Finding check_port(int port) {
  Finding finding{.topic = "port"};
  const Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  const bool bound =
      fd.ok() && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (bound) {
    finding.text = fmt::format("{} is free", port);
    return finding;
  }
  finding.health = Health::kWarn;
  finding.text = fmt::format("{}: {}", port, std::strerror(errno));
  finding.advice = fmt::format("if that is not aquilon itself: aquilon serve --port {}",
                               port < 65000 ? port + 1 : 8081);
  return finding;
}

std::optional<double> parse_core_quota(std::string_view cpu_max) {
  double quota = 0;
  double period = 0;
  const char* end = cpu_max.data() + cpu_max.size();
  const auto first = std::from_chars(cpu_max.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || !(period > 0) || !(quota > 0)) return std::nullopt;
  return quota / period;
}

}  // namespace aquilon::apps
