// `aquilon bench kernels`: products with packed weights, by type and number of tokens.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "apps/bench_output.h"
#include "apps/command.h"
#include "apps/interrupt.h"
#include "base/nearest.h"
#include "base/thread_pool.h"
#include "bench/kernel_speed.h"
#include "bench/pinned_run.h"
#include "bench/placement.h"
#include "bench/probes.h"
#include "bench/synthetic_matrix.h"
#include "kernels/isa.h"

namespace aquilon::apps {
namespace {

struct KernelsOptions {
  std::string preset = "dense";
  int rows = 0;
  int columns = 0;
  std::string types;
  std::string tokens = "1,2,3,4,6,8,12,16,32,128,512";
  int repetitions = 5;
  int sample_ms = 20;
  int threads = 0;
  double floor = 0;
  BenchOutput output;

  template <class V>
  void visit(V& v) {
    v(preset, {.flag = "preset",
               .help = "shapes: dense (a 7B's layers) or mixture (128 small experts, 8 a token)",
               .unit = "NAME"});
    v(rows, {.flag = "rows",
             .help = "rows of one matrix, instead of a preset",
             .min = 0,
             .max = 1 << 20});
    v(columns, {.flag = "columns", .help = "its columns", .min = 0, .max = 1 << 20});
    v(types,
      {.flag = "types", .help = "such as Q4_0,Q6_K; default: every packed type", .unit = "LIST"});
    v(tokens, {.flag = "tokens", .help = "how many are multiplied together", .unit = "LIST"});
    v(repetitions,
      {.flag = "repetitions", .help = "samples of each figure", .min = 1, .max = 1000});
    v(sample_ms, {.flag = "sample-ms",
                  .help = "time of a sample, at least",
                  .unit = "MS",
                  .min = 1,
                  .max = 10000});
    v(threads,
      {.flag = "threads", .help = "threads that compute; 0: one a core", .min = 0, .max = 1024});
    v(floor, {.flag = "floor",
              .help = "fail where a product reaches less of the nearer limit",
              .unit = "PERCENT",
              .min = 0,
              .max = 100});
    output.visit(v);
  }
};

Result<std::vector<bench::KernelShape>> choose_shapes(const KernelsOptions& options) {
  const auto rows = static_cast<std::size_t>(options.rows);
  const auto columns = static_cast<std::size_t>(options.columns);
  using Shapes = std::vector<bench::KernelShape>;
  if ((rows == 0) != (columns == 0))
    return Error{Code::kInvalidArgument, "--rows and --columns go together"};
  if (rows != 0) return Shapes{{rows, columns}};
  if (options.preset == "dense") return Shapes{{4096, 4096}, {14336, 4096}};
  if (options.preset == "mixture") return Shapes{{768, 2048, 128, 8}, {2048, 768, 128, 8}};
  return make_error(Code::kInvalidArgument, "--preset is dense or mixture, not '{}'",
                    options.preset);
}

Result<std::vector<tensor::DType>> choose_types(std::string_view list) {
  const std::vector<tensor::DType> all = bench::packed_types();
  if (list.empty()) return all;
  std::vector<std::string> names;
  for (const tensor::DType type : all) names.emplace_back(tensor::dtype_info(type).name);
  std::vector<tensor::DType> types;
  while (!list.empty()) {
    const std::string word(list.substr(0, list.find(',')));
    list.remove_prefix(std::min(list.size(), word.size() + 1));
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end())
      return make_error(Code::kInvalidArgument, "--types: '{}' has no packing; known: {}{}", word,
                        fmt::join(names, ", "), did_you_mean(word, names));
    types.push_back(all[static_cast<std::size_t>(found - names.begin())]);
  }
  return types;
}

// What all threads together could do: a product takes at least the longer of its arithmetic at
// this rate and its reading at that.
struct Limits {
  double ops_s = 0;
  double bytes_s = 0;

  double seconds(const bench::KernelResult& r) const {
    return std::max(ops_s > 0 ? r.operations / ops_s : 0, r.bytes / bytes_s);
  }
};

Result<Limits> probe_limits(std::size_t threads) {
  std::vector<int> cpus = bench::usable_cpus();
  cpus.resize(std::clamp<std::size_t>(threads, 1, cpus.size()));
  Limits limits;
  for (const bench::ArithmeticProbe& probe : bench::arithmetic_probes())
    if (probe.kind == "int8")
      limits.ops_s = std::max(limits.ops_s, bench::measure_arithmetic(probe, cpus, 7).median);
  const auto placement = AQ_TRY(bench::PlacementProbe::create());
  limits.bytes_s = placement.read(cpus).median;
  return limits;
}

bench::Table make_table() {
  return {.key = "kernels",
          .title = "Products with packed weights",
          .columns = {{"shape", "shape"},
                      {"type", "type"},
                      {"tokens", "tokens", 0},
                      {"gops", "Gop/s"},
                      {"gops_min", "min"},
                      {"gops_max", "max"},
                      {"gbs", "GB/s"},
                      {"int8_percent", "% int8", 0},
                      {"read_percent", "% read", 0},
                      {"limit_percent", "% limit", 0}},
          .chart = {bench::Chart::Kind::kLines, 2, 3, 1}};
}

std::string shape_name(const bench::KernelShape& shape) {
  const std::string one = fmt::format("{}x{}", shape.rows, shape.columns);
  return shape.experts == 1 ? one : fmt::format("{} of {} {}", shape.used, shape.experts, one);
}

void add_row(bench::Table& table, const bench::KernelShape& shape, tensor::DType type,
             const bench::KernelResult& r, const Limits& limits) {
  const double ops_s = r.operations / r.seconds.median;
  const double bytes_s = r.bytes / r.seconds.median;
  table.rows.push_back(
      {shape_name(shape), std::string(tensor::dtype_info(type).name), r.tokens, ops_s * 1e-9,
       r.operations / r.seconds.max * 1e-9, r.operations / r.seconds.min * 1e-9, bytes_s * 1e-9,
       limits.ops_s > 0 ? 100 * ops_s / limits.ops_s : 0.0, 100 * bytes_s / limits.bytes_s,
       100 * limits.seconds(r) / r.seconds.median});
}

// A test for continuous integration: percent of the machine's limit, whatever the machine.
Status check_floor(const bench::Report& report, double floor) {
  constexpr std::size_t kType = 1, kTokens = 2, kLimitPercent = 9;  // columns of make_table()
  for (const bench::Table& table : report.tables)
    for (const std::vector<bench::Cell>& row : table.rows)
      if (*row[kLimitPercent].number < floor)
        return make_error(Code::kUnavailable,
                          "{} {}, tokens {:.0f}: {:.0f} % of the limit, {:.0f} % were asked for",
                          row[0].text, row[kType].text, *row[kTokens].number,
                          *row[kLimitPercent].number, floor);
  return {};
}

Status bench_kernels(const KernelsOptions& options) {
  if (!kernels::isa_problem().empty())
    return Error{Code::kInvalidArgument, std::string(kernels::isa_problem())};
  const auto shapes = AQ_TRY(choose_shapes(options));
  const auto types = AQ_TRY(choose_types(options.types));
  const auto tokens = AQ_TRY(parse_counts(options.tokens, "--tokens", 1, 1 << 16));
  AQ_RETURN_IF_ERROR(check(options.output));
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  const Limits limits = AQ_TRY(probe_limits(static_cast<std::size_t>(threads)));
  ThreadPool pool(threads);
  const InterruptFlag interrupt;
  bench::Report report{.title = "Kernels", .facts = bench::machine_facts()};
  report.facts.emplace_back("threads", std::to_string(threads));
  report.facts.emplace_back("int8 probe", fmt::format("{:.0f} Gop/s", limits.ops_s * 1e-9));
  report.facts.emplace_back("read probe", fmt::format("{:.1f} GB/s", limits.bytes_s * 1e-9));
  for (const bench::KernelShape& shape : shapes) {
    bench::Table table = make_table();
    table.key = report.tables.empty() ? "kernels" : fmt::format("kernels_{}", report.tables.size());
    table.title += ", " + shape_name(shape);
    for (const tensor::DType type : types) {
      if (interrupt.is_set()) break;
      for (const bench::KernelResult& result :
           AQ_TRY(bench::measure_kernel(pool, type, shape, tokens, options.repetitions,
                                        options.sample_ms, [&] { return interrupt.is_set(); })))
        add_row(table, shape, type, result, limits);
      fmt::print(stderr, "{} {}\n", shape_name(shape), tensor::dtype_info(type).name);
    }
    report.tables.push_back(std::move(table));
  }
  AQ_RETURN_IF_ERROR(show(report, options.output));
  if (interrupt.is_set())
    return Error{Code::kCancelled, "interrupted: not every product was measured"};
  return check_floor(report, options.floor);
}

}  // namespace

void register_bench_kernels(Commands& commands) {
  commands.add<KernelsOptions>("bench kernels",
                               "Measure products with packed weights beside the machine's limits",
                               bench_kernels);
}

}  // namespace aquilon::apps
