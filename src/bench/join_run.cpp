#include "bench/join_run.h"

#include <algorithm>
#include <optional>

#include "bench/load_summary.h"

namespace aquilon::bench {
namespace {

constexpr double kPollSeconds = 0.1;
constexpr double kTogether = 0.001;  // seconds

class Join {
 public:
  Join(const LoadTarget& target, const std::function<bool()>& keep_going)
      : client_(target), keep_going_(keep_going) {}

  Result<JoinResult> run(const JoinPlan& plan, RequestMaker& running, RequestMaker& joining) {
    for (std::size_t i = 0; i < plan.streams; ++i)
      streams_.push_back(client_.send(running.next().body));
    AQ_RETURN_IF_ERROR(wait_until([&] {
      return std::all_of(streams_.begin(), streams_.end(),
                         [&](std::size_t id) { return pieces(id).size() >= plan.settle; });
    }));
    joiner_ = client_.send(joining.next().body);
    const double sent = client_.at(*joiner_).sent;
    AQ_RETURN_IF_ERROR(wait_until([&] { return joiner_began(); }));
    const double first = joiner().answer.pieces.front();
    AQ_RETURN_IF_ERROR(wait_until([&] {
      return joined_ && std::all_of(streams_.begin(), streams_.end(),
                                    [&](std::size_t id) { return pieces(id).back() > first; });
    }));
    std::vector<std::vector<double>> times;
    for (const std::size_t id : streams_) times.push_back(pieces(id));
    JoinResult result = join_result(times, sent, first);
    result.prompt_tokens = joined_->answer.prompt_tokens;
    return result;
  }

 private:
  const std::vector<double>& pieces(std::size_t id) const { return client_.at(id).answer.pieces; }
  const LoadRecord& joiner() const { return joined_ ? *joined_ : client_.at(*joiner_); }
  bool joiner_began() const { return !joiner().answer.pieces.empty(); }

  Status wait_until(const std::function<bool()>& done) {
    while (!done()) {
      for (LoadRecord& record : client_.wait(kPollSeconds)) {
        if (record.error) return *record.error;
        if (record.id != joiner_)
          return make_error(Code::kUnavailable,
                            "a stream ended ('{}' after {} tokens) before the joining prompt was "
                            "measured: give --generate more tokens",
                            record.answer.finish_reason, record.answer.completion_tokens);
        if (record.answer.pieces.empty())
          return Error{Code::kUnavailable, "the joining prompt was answered without any text"};
        joined_ = std::move(record);
      }
      if (!keep_going_()) return Error{Code::kCancelled, "interrupted"};
    }
    return {};
  }

  LoadClient client_;
  const std::function<bool()>& keep_going_;
  std::vector<std::size_t> streams_;
  std::optional<std::size_t> joiner_;
  std::optional<LoadRecord> joined_;
};

// Without the pieces that came together with the one before: a step may bring several.
std::vector<double> arrivals(const std::vector<double>& pieces) {
  std::vector<double> kept;
  for (const double piece : pieces)
    if (kept.empty() || piece - kept.back() > kTogether) kept.push_back(piece);
  return kept;
}

}  // namespace

JoinResult join_result(const std::vector<std::vector<double>>& streams, double sent, double first) {
  double all_began = 0;  // normal steps are those of all streams together
  for (const std::vector<double>& pieces : streams)
    if (!pieces.empty()) all_began = std::max(all_began, pieces.front());
  std::vector<double> before, meanwhile;
  for (const std::vector<double>& stream : streams) {
    const std::vector<double> pieces = arrivals(stream);
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      const double gap = pieces[i] - pieces[i - 1];
      if (pieces[i] <= sent && pieces[i - 1] >= all_began)
        before.push_back(gap);
      else if (pieces[i] > sent && pieces[i - 1] < first)
        meanwhile.push_back(gap);
    }
  }
  JoinResult result;
  result.pieces = meanwhile.size();
  const Spread normal = spread_of(std::move(before)), during = spread_of(std::move(meanwhile));
  result.normal = normal.median;
  result.normal_p99 = normal.p99;
  result.largest = during.max;
  result.typical = during.median;
  result.first = first - sent;
  return result;
}

Result<JoinResult> run_join(const JoinPlan& plan, const LoadTarget& target, RequestMaker& running,
                            RequestMaker& joining, const std::function<bool()>& keep_going) {
  return Join(target, keep_going).run(plan, running, joining);
}

}  // namespace aquilon::bench
