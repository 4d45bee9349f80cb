// `aquilon doctor`: what this machine has, what is wrong, and what to do about it.
#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/version.hpp>
#include <fstream>
#include <iterator>

#include "apps/command.h"
#include "apps/doctor_checks.h"
#include "apps/printable.h"
#include "base/memory.h"
#include "hub/folder.h"
#include "hub/hub_client.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/linear_check.h"

namespace aquilon::apps {
namespace {

struct DoctorOptions {
  int port = 8080;
  bool json = false;

  template <class V>
  void visit(V& v) {
    v(port, {.flag = "port", .help = "port that must be free", .min = 1, .max = 65535});
    v(json, {.flag = "json", .help = "print the findings as JSON"});
  }
};

// A file of the kernel's, at most 1 MiB; empty when there is none. Their stated size is zero.
std::string kernel_text(const char* path) {
  std::ifstream file(path);
  std::string text(std::size_t{1} << 20, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return text;
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

// The instruction set of the kernels, tried as at the start of a model.
Finding check_kernels() {
  if (!kernels::isa_problem().empty())
    return {"kernels", Health::kBad, std::string(kernels::isa_problem()), "unset AQUILON_ISA"};
  const auto table = kernels::linear_impls();
  const auto best = std::find_if(table.begin(), table.end(), [](const auto& impl) {
    return impl.isa <= kernels::chosen_isa();
  });
  const std::string name(kernels::isa_name(best->isa));
  const std::string problem = kernels::difference(*best->fn, *table.back().fn);
  if (problem.empty()) return {"kernels", Health::kOk, "instruction set " + name, {}};
  return {"kernels", Health::kWarn, name + " computes wrong " + problem + ", slower ones are used",
          "look for a fault of the processor, hypervisor or emulator"};
}

Finding store_disk(const std::string& folder) {
  const auto free = hub::free_disk_bytes(folder);
  Status usable = hub::check_folder_usable(folder);
  if (usable.ok() && !free.ok()) usable = free.error();
  return check_disk(folder, free.ok() ? *free : 0, usable);
}

Finding hub_settings() {
  const hub::HubConfig config = hub::HubConfig::from_environment();
  const auto client = hub::HubClient::create(config);
  if (!client.ok())
    return {"hub", Health::kBad, client.error().message, "unset the variable, or correct it"};
  return {"hub", Health::kNote,
          fmt::format("{}, {}; not asked", config.endpoint,
                      config.token.empty() ? "no token (HF_TOKEN)" : "with the token of HF_TOKEN"),
          "whether it answers, `aquilon pull` finds out"};
}

Finding versions() {
  utsname system{};
  ::uname(&system);
  const curl_version_info_data* curl = curl_version_info(CURLVERSION_NOW);
  return {"versions",
          Health::kOk,
          fmt::format("aquilon {}, {} {} {}, libcurl {}, {}, Boost {}.{}.{}", AQUILON_VERSION,
                      system.sysname, system.release, system.machine, curl->version,
                      OpenSSL_version(OPENSSL_VERSION), BOOST_VERSION / 100000,
                      BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100),
          {}};
}

std::vector<Finding> examine(const DoctorOptions& options) {
  std::vector<Finding> findings;
  findings.push_back(check_processor(kernel_text("/proc/cpuinfo"), usable_cores(),
                                     parse_core_quota(kernel_text("/sys/fs/cgroup/cpu.max"))));
  findings.push_back(check_kernels());
  const MachineMemory memory = machine_memory();
  findings.push_back(check_memory(memory.total, memory.available, memory.limit));
  findings.push_back(check_huge_pages(kernel_text("/sys/kernel/mm/transparent_hugepage/enabled")));
  const auto store = hub::Store::open();
  if (store.ok()) {
    findings.push_back(store_disk(store->folder()));
    for (Finding& finding : check_models(*store)) findings.push_back(std::move(finding));
  } else {
    findings.push_back({"model store", Health::kBad, store.error().message, {}});
  }
  findings.push_back(check_port(options.port));
  findings.push_back(hub_settings());
  findings.push_back(versions());
  return findings;
}

void print_text(const std::vector<Finding>& findings) {
  for (const Finding& f : findings) {
    fmt::print("{:<5} {}: {}\n", health_name(f.health), printable(f.topic), printable(f.text));
    if (!f.advice.empty()) fmt::print("      -> {}\n", printable(f.advice));
  }
}

void print_json(const std::vector<Finding>& findings, std::size_t bad) {
  boost::json::array checks;
  for (const Finding& f : findings)
    checks.push_back(boost::json::object{{"topic", valid_utf8(f.topic)},
                                         {"health", health_name(f.health)},
                                         {"text", valid_utf8(f.text)},
                                         {"advice", valid_utf8(f.advice)}});
  fmt::print("{}\n", boost::json::serialize(
                         boost::json::object{{"ok", bad == 0}, {"checks", std::move(checks)}}));
}

Status run_doctor(const DoctorOptions& options) {
  const std::vector<Finding> findings = examine(options);
  const auto bad = static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(), [](const Finding& f) { return f.health == Health::kBad; }));
  if (options.json)
    print_json(findings, bad);
  else
    print_text(findings);
  if (bad == 0) return {};
  return make_error(Code::kUnavailable, "{} of {} checks are bad", bad, findings.size());
}

}  // namespace

void register_doctor(Commands& commands) {
  commands.add<DoctorOptions>("doctor", "Examine this machine, the store and the settings",
                              run_doctor);
}

}  // namespace aquilon::apps
