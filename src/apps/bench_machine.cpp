// `aquilon bench machine`: what the processors and the memory can do at most.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "apps/bench_output.h"
#include "apps/command.h"
#include "base/memory.h"
#include "bench/pinned_run.h"
#include "bench/placement.h"
#include "bench/probes.h"
#include "bench/small_pages.h"
#include "tensor/huge_buffer.h"

namespace aquilon::apps {
namespace {

struct MachineOptions {
  int repetitions = 9;
  int mib = 512;
  BenchOutput output;

  template <class V>
  void visit(V& v) {
    v(repetitions,
      {.flag = "repetitions", .help = "samples of each figure", .min = 1, .max = 1000});
    v(mib, {.flag = "memory",
            .help = "memory that is read; several times the caches",
            .unit = "MIB",
            .min = 64,
            .max = 65536});
    output.visit(v);
  }
};

// The processors to measure: the first, and all of them.
std::vector<std::vector<int>> processor_sets() {
  const std::vector<int> all = bench::usable_cpus();
  std::vector<std::vector<int>> sets = {{all[0]}};
  if (all.size() > 1) sets.push_back(all);
  return sets;
}

bench::Table arithmetic_table(int repetitions) {
  bench::Table table{.key = "arithmetic",
                     .title = "Arithmetic, Gop/s (a multiply-add is two)",
                     .columns = {{"probe", "probe"},
                                 {"threads", "threads", 0},
                                 {"gops", "median"},
                                 {"gops_min", "min"},
                                 {"gops_max", "max"}},
                     .chart = {bench::Chart::Kind::kBars, 0, 2, 1}};
  for (const bench::ArithmeticProbe& probe : bench::arithmetic_probes())
    for (const std::vector<int>& cpus : processor_sets()) {
      std::vector<bench::Cell> row = {std::string(probe.name), cpus.size()};
      add_summary(row, bench::measure_arithmetic(probe, cpus, repetitions), 1e-9);
      table.rows.push_back(std::move(row));
    }
  return table;
}

void add_reads(bench::Table& table, const char* pages, std::span<const std::byte> data,
               int repetitions) {
  for (const std::vector<int>& cpus : processor_sets()) {
    std::vector<bench::Cell> row = {pages, cpus.size()};
    add_summary(row, bench::measure_read(data, cpus, repetitions), 1e-9);
    table.rows.push_back(std::move(row));
  }
}

Result<bench::Table> read_table(std::size_t bytes, int repetitions) {
  bench::Table table{.key = "read",
                     .title = "Reading memory, GB/s, one forward stream a thread",
                     .columns = {{"pages", "pages"},
                                 {"threads", "threads", 0},
                                 {"gbs", "median"},
                                 {"gbs_min", "min"},
                                 {"gbs_max", "max"}},
                     .chart = {bench::Chart::Kind::kBars, 0, 2, 1}};
  {
    const auto small = AQ_TRY(bench::SmallPages::create(bytes));
    add_reads(table, "4 KiB", small.bytes(), repetitions);
  }
  const auto huge = AQ_TRY(tensor::HugeBuffer::create(bytes));
  std::memset(huge.data(), 1, bytes);
  add_reads(table, "huge, where granted", {huge.data(), bytes}, repetitions);
  return table;
}

bench::Table placement_table(const bench::Placement& placement) {
  return {.key = "placement",
          .title = "Placement of the processors",
          .columns = {{"label", "label"},
                      {"f32_gain", "arithmetic, all to one", 2},
                      {"read_gain", "reading, all to one", 2}},
          .rows = {{std::string(placement.label), placement.f32_gain, placement.read_gain}}};
}

Status bench_machine(const MachineOptions& options) {
  const auto bytes = static_cast<std::size_t>(options.mib) << 20;
  if (const std::uint64_t free = available_memory(); free < bytes + bytes / 4)
    return make_error(Code::kOutOfMemory, "{} of memory are free; ask for less with --memory",
                      format_bytes(free));
  bench::Report report{.title = "What this machine can do", .facts = bench::machine_facts()};
  bench::Placement placement;
  {
    const auto probe = AQ_TRY(bench::PlacementProbe::create());
    placement = probe.run();
  }
  report.tables.push_back(arithmetic_table(options.repetitions));
  report.tables.push_back(AQ_TRY(read_table(bytes, options.repetitions)));
  report.tables.push_back(placement_table(placement));
  return show(report, options.output);
}

}  // namespace

void register_bench_machine(Commands& commands) {
  commands.add<MachineOptions>("bench machine", "Measure what the processors and the memory can do",
                               bench_machine);
}

}  // namespace aquilon::apps
