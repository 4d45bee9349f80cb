// `aquilon bench serve`: any server with OpenAI's API under load.
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <random>

#include "apps/bench_serve_options.h"
#include "apps/command.h"
#include "apps/interrupt.h"
#include "bench/load_report.h"
#include "bench/load_setup.h"

namespace aquilon::apps {
namespace {

// How far a load is, on a terminal; elsewhere one line a load.
class LoadLine {
 public:
  explicit LoadLine(std::string name) : name_(std::move(name)) {
    if (!terminal_) fmt::print(stderr, "{}\n", name_);
  }
  ~LoadLine() {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
  }
  void show(const bench::LoadProgress& progress) {
    if (!terminal_ || progress.seconds - shown_ < kRedraw) return;
    shown_ = progress.seconds;
    drawn_ = true;
    fmt::print(stderr, "\r{}: {} answered, {} running, {:.0f} s", name_,
               progress.ended - progress.failed, progress.running, progress.seconds);
    if (progress.failed > 0) fmt::print(stderr, ", {} failed", progress.failed);
    fmt::print(stderr, "\x1b[K");
    std::fflush(stderr);
  }

 private:
  static constexpr double kRedraw = 0.2;  // seconds
  const std::string name_;
  const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool drawn_ = false;
  double shown_ = 0;
};

std::uint64_t chosen_seed(std::int64_t seed) {
  return seed > 0 ? static_cast<std::uint64_t>(seed) : std::random_device()() % 1'000'000'000 + 1;
}

// Another one for each load and purpose, so that no two loads share prompts.
std::uint64_t seed_of(std::uint64_t seed, std::size_t load, std::uint64_t purpose) {
  return (seed << 20) + load * 8 + purpose;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &local);
  return text;
}

struct Job {
  const BenchServeOptions& options;
  bench::LoadTarget target;
  std::vector<bench::LoadCase> loads;
  std::function<bool()> keep_going;
};

Result<Job> prepare(const BenchServeOptions& options, std::function<bool()> keep_going) {
  Job job{options, {}, {}, std::move(keep_going)};
  job.loads = AQ_TRY(choose_loads(options));
  AQ_RETURN_IF_ERROR(check(options.output));
  bench::LoadCase& first = job.loads[0];
  job.target = {.url = first.url, .key = options.key, .route = first.shape.route};
  job.target.limit_s = options.limit_s;
  const std::uint64_t seed = chosen_seed(options.seed);
  const bool counts =
      AQ_TRY(bench::prepare_requests(job.target, seed_of(seed, 0, 1), first.shape, job.keep_going));
  const std::string date = now_text();
  for (bench::LoadCase& load : job.loads) {
    load.shape = first.shape;
    load.plan.seed = seed;
    load.date = date;
    load.counts_tokens = counts;
  }
  return job;
}

// One load with its warm-up.
bench::LoadSummary run_one(const Job& job, std::size_t index) {
  const bench::LoadCase& load = job.loads[index];
  LoadLine line(bench::load_name(load.plan));
  const auto show = [&](const bench::LoadProgress& progress) { line.show(progress); };
  if (job.options.warm_up > 0) {
    bench::RequestMaker maker(load.shape, seed_of(load.plan.seed, index, 3));
    const auto n = static_cast<std::size_t>(job.options.warm_up);
    const std::size_t together = load.plan.rate > 0 ? n : std::min(n, load.plan.clients);
    bench::run_load({.clients = together, .requests = n}, job.target, maker, job.keep_going, show);
  }
  bench::RequestMaker maker(load.shape, seed_of(load.plan.seed, index, 2));
  bench::LoadPlan plan = load.plan;
  plan.seed = seed_of(load.plan.seed, index, 4);
  return summarize_load(run_load(plan, job.target, maker, job.keep_going, show), load.bounds);
}

// The commonest of the errors, when nothing was answered.
Status check_answered(const std::vector<bench::LoadSummary>& summaries) {
  std::size_t answered = 0, most = 0;
  std::string why;
  for (const bench::LoadSummary& summary : summaries) {
    answered += summary.answered.size();
    for (const auto& [error, count] : summary.errors)
      if (count > most) {
        most = count;
        why = error;
      }
  }
  if (answered > 0 || most == 0) return {};
  return make_error(Code::kUnavailable, "no request was answered; {} times: {}", most, why);
}

Status show_loads(const Job& job, const std::vector<bench::LoadCase>& loads,
                  const std::vector<bench::LoadSummary>& summaries) {
  BenchOutput output = job.options.output;
  if (output.json)
    for (std::size_t i = 0; i < summaries.size(); ++i)
      fmt::print("{}\n", bench::load_json(loads[i], summaries[i], job.options.detailed));
  return show_report(bench::load_report(loads, summaries), output, !output.json);
}

Status run_loads(const Job& job) {
  std::vector<bench::LoadSummary> summaries;
  std::vector<bench::LoadCase> loads;
  for (std::size_t i = 0; i < job.loads.size() && job.keep_going(); ++i) {
    bench::LoadSummary summary = run_one(job, i);
    if (!job.keep_going() && summary.answered.empty() && summary.failed == 0) break;
    summaries.push_back(std::move(summary));
    loads.push_back(job.loads[i]);
  }
  if (!loads.empty()) AQ_RETURN_IF_ERROR(show_loads(job, loads, summaries));
  if (!job.keep_going())
    return Error{Code::kCancelled, "interrupted: not every request was measured"};
  return check_answered(summaries);
}

Status run_joins(const Job& job) {
  const bench::LoadCase& load = job.loads[0];
  bench::RequestShape streams = load.shape;
  // Enough to outlast it; what holds the long prompt holds these as well.
  streams.generate = std::max(load.shape.generate, static_cast<std::size_t>(job.options.join));
  bench::RequestShape joiner = load.shape;
  joiner.prompt = static_cast<std::size_t>(job.options.join);
  joiner.generate = std::min<std::size_t>(load.shape.generate, 16);
  bench::RequestMaker running(streams, seed_of(load.plan.seed, 0, 2));
  bench::RequestMaker joining(joiner, seed_of(load.plan.seed, 0, 5));
  const bench::JoinPlan plan{.streams = load.plan.clients};
  std::vector<bench::JoinResult> joins;
  Status failed;
  for (std::size_t i = 0; i < load.plan.requests && failed.ok(); ++i) {
    fmt::print(stderr, "join {} of {}\n", i + 1, load.plan.requests);
    auto join = bench::run_join(plan, job.target, running, joining, job.keep_going);
    if (join.ok())
      joins.push_back(*join);
    else
      failed = join.error();
  }
  if (joins.empty()) return failed;
  if (job.options.output.json) fmt::print("{}\n", bench::join_json(load, plan, joins));
  AQ_RETURN_IF_ERROR(show_report(bench::join_report(load, plan, joins), job.options.output,
                                 !job.options.output.json));
  return failed;
}

Status bench_serve(const BenchServeOptions& options) {
  const InterruptFlag interrupt;
  const Job job = AQ_TRY(prepare(options, [&] { return !interrupt.is_set(); }));
  return options.join > 0 ? run_joins(job) : run_loads(job);
}

}  // namespace

void register_bench_serve(Commands& commands) {
  commands.add<BenchServeOptions>(
      "bench serve", "Put any server with OpenAI's API under load and measure it", bench_serve);
}

}  // namespace aquilon::apps
