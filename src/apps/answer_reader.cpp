#include "apps/answer_reader.h"

#include <chrono>

namespace aquilon::apps {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// Hands events from the engine's thread to the reader's.
class EventQueue {
 public:
  void push(chat::GenerationEvent event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    ready_.notify_one();
  }
  // Nothing after `timeout`.
  std::optional<chat::GenerationEvent> pop(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    if (!ready_.wait_for(lock, timeout, [&] { return !events_.empty(); })) return std::nullopt;
    chat::GenerationEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<chat::GenerationEvent> events_;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Result<Answer> read_answer(chat::Generator& generator, chat::GenerationRequest request,
                           InterruptFlag& interrupt, const OnText& on_text) {
  interrupt.take();
  EventQueue queue;
  const Clock::time_point start = Clock::now();
  const auto generation = AQ_TRY(generator.start(
      std::move(request), [&](chat::GenerationEvent event) { queue.push(std::move(event)); }));
  Answer answer;
  answer.prompt_ids = generation->prompt_ids();
  std::optional<chat::ThinkingReader> reader;
  if (const auto marks = generation->thinking())
    reader.emplace(*marks, generation->thinking_begun());
  const auto take = [&](const std::string& text, bool thought) {
    (thought ? answer.thoughts : answer.text) += text;
    if (!text.empty()) on_text(text, thought);
  };
  while (true) {
    if (interrupt.take()) {
      answer.interrupted = true;
      generation->cancel();
    }
    const auto event = queue.pop(50ms);
    if (!event) continue;
    if (answer.ids.empty() && !event->ids.empty()) answer.first_token_s = seconds_since(start);
    answer.ids.insert(answer.ids.end(), event->ids.begin(), event->ids.end());
    if (reader) {
      for (const auto& piece : reader->push(event->text)) take(piece.text, piece.thought);
      if (event->finish)
        for (const auto& piece : reader->finish()) take(piece.text, piece.thought);
    } else {
      take(event->text, false);
    }
    if (!event->usage) continue;
    answer.finish = event->finish.value_or(chat::FinishReason::kError);
    answer.usage = *event->usage;
    answer.total_s = seconds_since(start);
    if (event->error && !answer.interrupted) return *event->error;
    return answer;
  }
}

std::string_view finish_name(chat::FinishReason reason) {
  switch (reason) {
    case chat::FinishReason::kStop:
      return "stop";
    case chat::FinishReason::kLength:
      return "length";
    case chat::FinishReason::kModelLength:
      return "model_length";
    case chat::FinishReason::kError:
      return "error";
  }
  return "error";
}

}  // namespace aquilon::apps
