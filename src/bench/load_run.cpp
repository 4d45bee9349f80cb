#include "bench/load_run.h"

#include <algorithm>
#include <unordered_set>

#include "bench/child_process.h"  // steady_seconds

namespace aquilon::bench {
namespace {

constexpr double kPollSeconds = 0.1;
constexpr double kAfterFailure = 0.1;  // seconds until its client tries again

class Run {
 public:
  Run(const LoadPlan& plan, const LoadTarget& target, RequestMaker& maker)
      : plan_(plan), client_(target), maker_(maker), random_(plan.seed) {}

  LoadResult all(const std::function<bool()>& keep_going,
                 const std::function<void(const LoadProgress&)>& progress) {
    begin_ = steady_seconds();
    // Due times: of each client's next request, or of the one next arrival.
    due_.assign(plan_.rate > 0 ? 1 : plan_.clients, begin_);
    for (;;) {
      send_due();
      const bool more = may_send(steady_seconds());
      if (!more && client_.running() == 0) break;
      take(client_.wait(more ? until_due() : kPollSeconds));
      progress({.ended = result_.requests.size(),
                .failed = failed_,
                .running = client_.running(),
                .seconds = steady_seconds() - begin_});
      if (keep_going()) continue;
      result_.given_up = client_.running();
      break;
    }
    result_.seconds = (result_.requests.empty() ? steady_seconds() : last_end_) - begin_;
    return std::move(result_);
  }

 private:
  bool may_send(double now) const {
    return (plan_.requests == 0 || sent_ < plan_.requests) &&
           (plan_.seconds == 0 || now - begin_ < plan_.seconds);
  }

  double until_due() const {
    if (due_.empty()) return kPollSeconds;
    const double next = *std::min_element(due_.begin(), due_.end());
    return std::clamp(next - steady_seconds(), 0.0, kPollSeconds);
  }

  void send_due() {
    for (double now = steady_seconds(); !due_.empty() && may_send(now); now = steady_seconds()) {
      const auto next = std::min_element(due_.begin(), due_.end());
      if (*next > now) return;
      const double arrival = *next;
      due_.erase(next);
      if (plan_.rate > 0) due_.push_back(arrival + poisson_wait(random_, plan_.rate));
      MadeRequest made = maker_.next();
      const std::size_t id = client_.send(std::move(made.body));
      if (made.shared) shared_.insert(id);
      ++sent_;
      result_.most_running = std::max(result_.most_running, client_.running());
    }
  }

  void take(std::vector<LoadRecord> ended) {
    for (LoadRecord& record : ended) {
      if (record.error) ++failed_;
      last_end_ = std::max(last_end_, record.ended);
      if (plan_.rate == 0) due_.push_back(record.ended + (record.error ? kAfterFailure : 0));
      const bool shared = shared_.erase(record.id) > 0;
      result_.requests.push_back({std::move(record), shared});
    }
  }

  const LoadPlan& plan_;
  LoadClient client_;
  RequestMaker& maker_;
  std::mt19937_64 random_;
  std::vector<double> due_;
  std::unordered_set<std::size_t> shared_;
  std::size_t sent_ = 0, failed_ = 0;
  double begin_ = 0, last_end_ = 0;
  LoadResult result_;
};

}  // namespace

LoadResult run_load(const LoadPlan& plan, const LoadTarget& target, RequestMaker& maker,
                    const std::function<bool()>& keep_going,
                    const std::function<void(const LoadProgress&)>& progress) {
  return Run(plan, target, maker).all(keep_going, progress);
}

}  // namespace aquilon::bench
