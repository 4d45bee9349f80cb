// `aquilon bench compare`: two programs measured in turn.
#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "apps/bench_output.h"
#include "apps/command.h"
#include "apps/interrupt.h"
#include "bench/compare.h"
#include "bench/external_run.h"
#include "bench/placement.h"
#include "bench/server_run.h"
#include "bench/speeds.h"

namespace aquilon::apps {
namespace {

struct CompareOptions {
  std::string a, b;
  bool wall = false;
  int pairs = 7;
  int most_pairs = 0;
  double most_foreign = 10;
  int limit_s = 600;
  std::string streams = "1,4";
  int prompt = 512;
  int generate = 64;
  BenchOutput output;

  template <class V>
  void visit(V& v) {
    v(a,
      {.flag = "a",
       .help = "command line: aquilon bench model (this program), llama-bench or "
               "llama-batched-bench with their flags; or a server, aquilon serve or llama-server",
       .unit = "COMMAND",
       .required = true});
    v(b, {.flag = "b",
          .help = "the one to compare with, likewise",
          .unit = "COMMAND",
          .required = true});
    v(wall, {.flag = "wall", .help = "compare the time of the whole commands, which may be any"});
    v(pairs, {.flag = "pairs", .help = "runs of both that must count", .min = 1, .max = 1000});
    v(most_pairs, {.flag = "max-pairs",
                   .help = "tries to get them; 0: three times as many",
                   .min = 0,
                   .max = 10000});
    v(most_foreign, {.flag = "max-foreign",
                     .help = "share of the processors that others may use before a pair is dropped",
                     .unit = "PERCENT",
                     .min = 0,
                     .max = 100});
    v(limit_s, {.flag = "limit",
                .help = "time after which a run is ended",
                .unit = "SECONDS",
                .min = 1,
                .max = 86400});
    v.section("Load of servers, which are started on a free port");
    v(streams, {.flag = "streams", .help = "requests sent at once", .unit = "LIST"});
    v(prompt, {.flag = "prompt", .help = "tokens each asks with", .min = 1, .max = 1 << 20});
    v(generate, {.flag = "generate", .help = "tokens each asks for", .min = 2, .max = 1 << 20});
    output.visit(v);
  }
};

// The word `aquilon` at the beginning means this very program.
std::string this_program() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return n > 0 && n < static_cast<ssize_t>(sizeof path)
             ? std::string(path, static_cast<std::size_t>(n))
             : "aquilon";
}

struct Side {
  std::vector<std::string> words;
  bench::BenchTool tool;
};

Result<Side> read_side(const std::string& line, std::string_view flag, bool wall) {
  auto words = bench::split_command(line);
  if (!words.ok()) return Error(words.error()).with_context(flag);
  Side side{std::move(*words), {}};
  side.tool = bench::tool_of(side.words);
  if (side.words[0] == "aquilon") side.words[0] = this_program();
  if (wall) return side;
  if (side.tool == bench::BenchTool::kOther)
    return make_error(Code::kInvalidArgument,
                      "{}: {} is none of aquilon, llama-bench, llama-batched-bench and "
                      "llama-server; any command can be compared by its time, with --wall",
                      flag, side.words[0]);
  for (std::string& more : bench::machine_readable_flags(side.tool))
    side.words.push_back(std::move(more));
  return side;
}

bench::Sampler make_sampler(const Side& side, const CompareOptions& options,
                            const std::vector<bench::ServerTest>& server_tests,
                            const InterruptFlag& interrupt) {
  return [&]() -> Result<bench::Sample> {
    const auto keep_going = [&] { return !interrupt.is_set(); };
    if (side.tool == bench::BenchTool::kServer && !options.wall)
      return bench::run_server(side.words, server_tests, options.limit_s, keep_going);
    const bench::ExternalRun run =
        AQ_TRY(bench::run_external(side.words, options.limit_s, keep_going));
    bench::Sample sample{.foreign_share = run.foreign_share};
    if (options.wall)
      sample.speeds["runs a second"] = 1 / run.seconds;
    else
      sample.speeds = AQ_TRY(bench::parse_speeds(side.tool, run.out));
    return sample;
  };
}

bench::Report make_report(const CompareOptions& options, const bench::Compared& compared) {
  bench::Report report{.title = "A against B", .facts = bench::machine_facts()};
  report.facts.emplace_back("A", options.a);
  report.facts.emplace_back("B", options.b);
  report.facts.emplace_back(
      "pairs", fmt::format("{} accepted of {}; discarded: {} moved, {} disturbed",
                           compared.accepted, compared.tried, compared.moved, compared.disturbed));
  bench::Table table{.key = "tests",
                     .title = options.wall ? "Runs a second" : "Tokens a second",
                     .columns = {{"test", "test"},
                                 {"placement", "placement"},
                                 {"pairs", "pairs", 0},
                                 {"a", "A", 2},
                                 {"b", "B", 2},
                                 {"ratio", "A / B", 3},
                                 {"ratio_min", "min", 3},
                                 {"ratio_max", "max", 3}},
                     .chart = {bench::Chart::Kind::kBars, 0, 5}};
  for (const bench::Comparison& test : compared.tests) {
    std::vector<bench::Cell> row = {test.test, test.placement, test.ratio.samples, test.a.median,
                                    test.b.median};
    add_summary(row, test.ratio, 1);
    table.rows.push_back(std::move(row));
  }
  report.tables.push_back(std::move(table));
  return report;
}

Result<std::vector<bench::ServerTest>> server_tests(const CompareOptions& options) {
  std::vector<bench::ServerTest> tests;
  for (const std::size_t n : AQ_TRY(parse_counts(options.streams, "--streams", 1, 256)))
    tests.push_back({.prompt = static_cast<std::size_t>(options.prompt),
                     .generate = static_cast<std::size_t>(options.generate),
                     .streams = n});
  if (tests.empty()) return Error{Code::kInvalidArgument, "--streams is empty"};
  return tests;
}

Status bench_compare(const CompareOptions& options) {
  const Side a = AQ_TRY(read_side(options.a, "--a", options.wall));
  const Side b = AQ_TRY(read_side(options.b, "--b", options.wall));
  const auto tests = AQ_TRY(server_tests(options));
  AQ_RETURN_IF_ERROR(check(options.output));
  const auto probe = AQ_TRY(bench::PlacementProbe::create());
  const InterruptFlag interrupt;
  const bench::CompareOptions rules{
      .pairs = options.pairs,
      .most_pairs = options.most_pairs > 0 ? options.most_pairs : 3 * options.pairs,
      .most_foreign = options.most_foreign / 100};
  const bench::Compared compared = AQ_TRY(bench::compare(
      make_sampler(a, options, tests, interrupt), make_sampler(b, options, tests, interrupt),
      [&] { return std::string(probe.run().label); }, rules,
      [](int tried, std::string_view verdict) {
        fmt::print(stderr, "pair {}: {}\n", tried, verdict);
      }));
  AQ_RETURN_IF_ERROR(show(make_report(options, compared), options.output));
  if (compared.accepted >= options.pairs) return {};
  return make_error(Code::kUnavailable,
                    "only {} of {} pairs counted: the machine was not quiet enough",
                    compared.accepted, compared.tried);
}

}  // namespace

void register_bench_compare(Commands& commands) {
  commands.add<CompareOptions>(
      "bench compare", "Compare two programs, measured in turn on equal terms", bench_compare);
}

}  // namespace aquilon::apps
