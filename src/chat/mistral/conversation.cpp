#include "chat/mistral/conversation.h"

#include <algorithm>
#include <limits>
#include <map>

#include "chat/mistral/message_reader_internal.h"
#include "chat/mistral/python_json.h"

namespace aquilon::chat::mistral {
namespace {

constexpr std::string_view kBetweenMessages = "\n\n";

// Joins texts, within a message and over messages, and keeps thinking apart.
class Gatherer {
 public:
  explicit Gatherer(std::string_view between_parts) : between_parts_(between_parts) {}

  void add(const std::vector<Part>& message) {
    fresh_message_ = !text_.empty();
    for (const Part& part : message) {
      if (part.thinking) {
        flush();
        parts_.push_back(part);
      } else if (!part.text.empty()) {
        if (!text_.empty()) text_ += fresh_message_ ? kBetweenMessages : between_parts_;
        text_ += part.text;
        fresh_message_ = false;
      }
    }
  }

  std::vector<Part> take() {
    flush();
    return std::move(parts_);
  }

 private:
  void flush() {
    if (!text_.empty()) parts_.push_back({std::move(text_)});
    text_.clear();
  }

  std::string_view between_parts_;
  std::vector<Part> parts_;
  std::string text_;
  bool fresh_message_ = false;  // the next text is of another message than text_
};

std::vector<Part> gather(const std::vector<Part>& message, const Format& format) {
  Gatherer gatherer(format.between_parts);
  gatherer.add(message);
  return gatherer.take();
}

// Turns neighbouring messages of one role into turns.
class Joiner {
 public:
  explicit Joiner(const Format& format) : format_(format) {}

  void add(Turn message) {
    if (!group_.empty() && group_.front().role != message.role) end_group();
    group_.push_back(std::move(message));
  }

  Conversation finish() {
    end_group();
    const bool own_turn = format_.system == SystemPlace::kOwnTurn;
    auto& turns = conversation_.turns;
    if (turns.empty() || (!own_turn && turns.front().role != Role::kUser))
      turns.insert(turns.begin(), Turn{});
    return std::move(conversation_);
  }

 private:
  void end_group() {
    if (group_.empty()) return;
    switch (group_.front().role) {
      case Role::kSystem:
        join_system();
        break;
      case Role::kTool:
        join_results();
        break;
      case Role::kUser:
      case Role::kAssistant:
        join_texts();
        break;
    }
    group_.clear();
  }

  void join_system() {
    for (Turn& message : group_) {
      const bool empty = message.parts.empty();
      message.parts = gather(message.parts, format_);
      if (format_.system == SystemPlace::kOwnTurn) {
        conversation_.turns.push_back(std::move(message));
      } else if (!empty) {
        auto& system = conversation_.system;
        system = system ? *system + std::string(kBetweenMessages) + message.text() : message.text();
      }
    }
  }

  void join_texts() {
    Turn turn;
    turn.role = group_.front().role;
    Gatherer gatherer(format_.between_parts);
    for (Turn& message : group_) {
      gatherer.add(message.parts);
      std::move(message.calls.begin(), message.calls.end(), std::back_inserter(turn.calls));
      turn.open |= message.open;
    }
    turn.parts = gatherer.take();
    for (const Call& call : turn.calls) call_order_[call.id] = calls_++;
    conversation_.turns.push_back(std::move(turn));
  }

  void join_results() {
    for (Turn& message : group_) message.parts = gather(message.parts, format_);
    if (format_.sorts_results) {
      std::stable_sort(group_.begin(), group_.end(),
                       [&](const Turn& a, const Turn& b) { return order_of(a) < order_of(b); });
    }
    std::move(group_.begin(), group_.end(), std::back_inserter(conversation_.turns));
    call_order_.clear();
    calls_ = 0;
  }

  std::size_t order_of(const Turn& result) const {
    const auto found = call_order_.find(result.call_id);
    return found == call_order_.end() ? std::numeric_limits<std::size_t>::max() : found->second;
  }

  const Format& format_;
  Conversation conversation_;
  std::vector<Turn> group_;
  std::map<std::string, std::size_t> call_order_;  // calls whose results may follow
  std::size_t calls_ = 0;
};

}  // namespace

bool Turn::has_thinking() const {
  return std::any_of(parts.begin(), parts.end(), [](const Part& part) { return part.thinking; });
}

std::string Turn::text() const {
  std::string text;
  for (const Part& part : parts) text += part.text;
  return text;
}

Result<Conversation> read_conversation(const boost::json::array& messages, bool open_end,
                                       const Format& format) {
  Joiner joiner(format);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    Turn message = AQ_TRY(read_message(messages[i], i, format));
    const bool last = i + 1 == messages.size();
    message.open = (message.open || (open_end && last)) && message.role == Role::kAssistant;
    if (message.open && !last)
      return message_error(Code::kInvalidArgument, i, "only the last message may have a prefix");
    joiner.add(std::move(message));
  }
  return joiner.finish();
}

}  // namespace aquilon::chat::mistral
