#include "bench/load_setup.h"

#include <algorithm>

namespace aquilon::bench {
namespace {

// Words of the longer of the two requests; no longer than those to come, which the context holds.
constexpr std::size_t kLeastWords = 8, kMostWords = 80;
constexpr double kPollSeconds = 0.1;

Result<LoadRecord> ask(const LoadTarget& target, std::string body,
                       const std::function<bool()>& keep_going) {
  LoadClient client(target);
  client.send(std::move(body));
  for (;;) {
    for (LoadRecord& record : client.wait(kPollSeconds)) return std::move(record);
    if (!keep_going()) return Error{Code::kCancelled, "interrupted"};
  }
}

// Whether the server refused a field that can go; it is left out then.
bool leave_out_refused(const Error& error, RequestShape& shape) {
  const auto refused = [&](std::string_view field, bool& sent) {
    if (!sent || error.message.find(field) == std::string::npos) return false;
    sent = false;
    return true;
  };
  return error.code == Code::kInvalidArgument && (refused("ignore_eos", shape.ignore_eos) ||
                                                  refused("stream_options", shape.include_usage));
}

// The usage's prompt tokens of a request of so many words.
Result<std::size_t> prompt_tokens(const LoadTarget& target, std::uint64_t seed, std::size_t words,
                                  RequestShape& shape, const std::function<bool()>& keep_going) {
  for (;;) {
    RequestShape probe = shape;
    probe.prompt = words;
    probe.generate = 1;
    probe.shared_prefix = 0;
    probe.scale = {};
    const LoadRecord record =
        AQ_TRY(ask(target, RequestMaker(probe, seed).next().body, keep_going));
    if (!record.error) return record.answer.prompt_tokens;
    if (!leave_out_refused(*record.error, shape)) return *record.error;
  }
}

}  // namespace

Result<bool> prepare_requests(const LoadTarget& target, std::uint64_t seed, RequestShape& shape,
                              const std::function<bool()>& keep_going) {
  if (shape.model.empty()) shape.model = AQ_TRY(served_model(target));
  const std::size_t longer = std::clamp(shape.prompt, kLeastWords, kMostWords);
  const std::size_t shorter = longer / 4;
  const std::size_t few = AQ_TRY(prompt_tokens(target, seed, shorter, shape, keep_going));
  const std::size_t many = AQ_TRY(prompt_tokens(target, seed + 1, longer, shape, keep_going));
  if (few == 0 || many <= few) return false;
  const double per_word = static_cast<double>(many - few) / static_cast<double>(longer - shorter);
  shape.scale.tokens_per_word = per_word;
  shape.scale.fixed =
      std::max(0.0, static_cast<double>(few) - static_cast<double>(shorter) * per_word);
  return true;
}

}  // namespace aquilon::bench
