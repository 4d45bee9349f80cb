// `aquilon bench model`: prompts and answers of one model, in tokens a second.
#include <fmt/format.h>

#include <chrono>

#include "apps/bench_output.h"
#include "apps/command.h"
#include "apps/interrupt.h"
#include "apps/model_options.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "bench/model_speed.h"
#include "kernels/isa.h"

namespace aquilon::apps {
namespace {

struct BenchModelOptions {
  std::string model;
  std::string prompt = "128,512,2048";
  int generate = 128;
  std::string depth = "0,4096";
  std::string sequences = "1,2,4,8,16";
  int slice = 512;
  int repetitions = 5;
  int threads = 0;
  std::string kv_type = "bf16";
  bool reference = false;
  BenchOutput output;

  template <class V>
  void visit(V& v) {
    v(model, {.flag = "model",
              .help = "installed model, GGUF file or model folder; default: the default model",
              .unit = "NAME_OR_FILE"});
    v(prompt, {.flag = "prompt",
               .help = "tokens of the prompts that are read; empty: none",
               .unit = "LIST"});
    v(generate, {.flag = "generate",
                 .help = "tokens that a sequence writes; 0: none",
                 .min = 0,
                 .max = 1 << 20});
    v(depth, {.flag = "depth", .help = "tokens before those that are written", .unit = "LIST"});
    v(sequences, {.flag = "sequences",
                  .help = "how many write together; more than one at the first depth only",
                  .unit = "LIST"});
    v(slice, {.flag = "slice",
              .help = "tokens of a prompt that one pass takes",
              .min = 1,
              .max = 1 << 16});
    v(repetitions,
      {.flag = "repetitions", .help = "samples of each figure", .min = 1, .max = 1000});
    v(threads,
      {.flag = "threads", .help = "threads that compute; 0: one a core", .min = 0, .max = 1024});
    v(kv_type, {.flag = "kv-type",
                .help = "how keys and values are stored: bf16, f16 or f32",
                .unit = "TYPE"});
    v(reference,
      {.flag = "reference", .help = "compute in f32 with every weight decoded: exact and slow"});
    output.visit(v);
  }
};

Result<std::vector<bench::ModelTest>> choose_tests(const BenchModelOptions& options) {
  constexpr std::size_t kMostTokens = 1 << 24;
  std::vector<bench::ModelTest> tests;
  for (const std::size_t n : AQ_TRY(parse_counts(options.prompt, "--prompt", 1, kMostTokens)))
    tests.push_back({.prompt = n});
  const auto depths = AQ_TRY(parse_counts(options.depth, "--depth", 0, kMostTokens));
  const auto sequences = AQ_TRY(parse_counts(options.sequences, "--sequences", 1, 1024));
  const auto generate = static_cast<std::size_t>(options.generate);
  for (std::size_t d = 0; d < depths.size() && generate > 0; ++d)
    for (const std::size_t n : sequences)
      if (d == 0 || n == 1)
        tests.push_back({.generate = generate, .depth = depths[d], .sequences = n});
  if (tests.empty()) return Error{Code::kInvalidArgument, "no test was asked for"};
  return tests;
}

// Leaves out what the model has no context for.
std::vector<bench::ModelTest> fitting(const std::vector<bench::ModelTest>& tests,
                                      std::size_t context) {
  std::vector<bench::ModelTest> fit;
  for (const bench::ModelTest& test : tests)
    if (test.context() <= context)
      fit.push_back(test);
    else
      fmt::print(stderr, "left out: {} needs {} tokens of context, the model has {}\n", test.name(),
                 test.context(), context);
  return fit;
}

bench::Table make_table(const std::vector<bench::ModelResult>& results) {
  bench::Table table{.key = "tests",
                     .title =
                         "Tokens a second; pp reads a prompt, tg writes, @ after so many, x "
                         "so many sequences together",
                     .columns = {{"test", "test"},
                                 {"tokens_s", "median", 2},
                                 {"tokens_s_min", "min", 2},
                                 {"tokens_s_max", "max", 2},
                                 {"samples", "samples", 0}},
                     .chart = {bench::Chart::Kind::kBars, 0, 1}};
  for (const bench::ModelResult& result : results) {
    std::vector<bench::Cell> row = {result.test.name()};
    add_summary(row, result.tokens_s, 1);
    row.emplace_back(result.tokens_s.samples);
    table.rows.push_back(std::move(row));
  }
  return table;
}

Status bench_model(const BenchModelOptions& options) {
  if (!kernels::isa_problem().empty())
    return Error{Code::kInvalidArgument, std::string(kernels::isa_problem())};
  const model::KvType kv_type = AQ_TRY(model::parse_kv_type(options.kv_type));
  const auto asked = AQ_TRY(choose_tests(options));
  AQ_RETURN_IF_ERROR(check(options.output));
  const std::string path = AQ_TRY(resolve_model(options.model));
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  const auto begin = std::chrono::steady_clock::now();
  const auto arithmetic =
      options.reference ? model::Arithmetic::kReference : model::Arithmetic::kPacked;
  const auto model =
      AQ_TRY(model::Model::load(path, {.threads = threads, .arithmetic = arithmetic}));
  const double load_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const InterruptFlag interrupt;
  model->forward().stop_when(&interrupt.flag());
  const auto progress = [&](const bench::ModelTest& test, int repetition) {
    fmt::print(stderr, "{} {} of {}\n", test.name(), repetition + 1, options.repetitions);
    return !interrupt.is_set();
  };
  const auto tests = fitting(asked, model->config().context_length);
  const auto results =
      AQ_TRY(bench::measure_model(*model, tests,
                                  {.repetitions = options.repetitions,
                                   .slice = static_cast<std::size_t>(options.slice),
                                   .kv_type = kv_type},
                                  progress));
  bench::Report report{.title = "Model " + path.substr(path.rfind('/') + 1),
                       .facts = bench::machine_facts()};
  report.facts.emplace_back("threads", std::to_string(threads));
  report.facts.emplace_back("weights", options.reference ? "decoded to f32" : "packed");
  report.facts.emplace_back("keys and values", options.kv_type);
  report.facts.emplace_back("file", format_bytes(model->file().file_bytes()));
  report.facts.emplace_back("weights in memory", format_bytes(model->weight_bytes(arithmetic)));
  report.facts.emplace_back("loaded in", fmt::format("{:.2f} s", load_s));
  report.facts.emplace_back("memory, at most", format_bytes(bench::peak_memory()));
  report.tables.push_back(make_table(results));
  AQ_RETURN_IF_ERROR(show(report, options.output));
  if (results.size() == tests.size()) return {};
  return Error{Code::kCancelled, "interrupted: not every test was run"};
}

}  // namespace

void register_bench_model(Commands& commands) {
  commands.add<BenchModelOptions>("bench model", "Measure how fast a model reads and writes",
                                  bench_model);
}

}  // namespace aquilon::apps
