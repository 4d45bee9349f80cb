#include "bench/answer_stream.h"

#include <boost/json.hpp>

namespace aquilon::bench {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostEvent = 1u << 20;  // bytes; what is longer is no event that we read

const json::object* object_at(const json::object& parent, std::string_view name) {
  const json::value* value = parent.if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

std::string_view text_at(const json::object& parent, std::string_view name) {
  const json::value* value = parent.if_contains(name);
  const json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

// `into` stays as it is where there is no whole number.
void read_count(const json::object& parent, std::string_view name, std::size_t& into) {
  const json::value* value = parent.if_contains(name);
  if (value != nullptr && value->is_int64() && value->get_int64() >= 0)
    into = static_cast<std::size_t>(value->get_int64());
}

bool has_text(const json::object& choice) {
  if (!text_at(choice, "text").empty()) return true;
  const json::object* delta = object_at(choice, "delta");
  if (delta == nullptr) return false;
  for (const char* name : {"content", "reasoning_content", "reasoning"})
    if (!text_at(*delta, name).empty()) return true;
  const json::value* parts = delta->if_contains("content");  // Mistral's: chunks of thinking
  return parts != nullptr && parts->is_array() && !parts->get_array().empty();
}

std::string error_text(const json::value& error) {
  if (const json::string* text = error.if_string()) return std::string(*text);
  const json::object* object = error.if_object();
  const std::string_view message = object != nullptr ? text_at(*object, "message") : "";
  return message.empty() ? json::serialize(error) : std::string(message);
}

}  // namespace

void AnswerStream::take(std::string_view bytes, double now) {
  for (const char c : bytes) {
    const bool ends_return = after_return_ && c == '\n';
    after_return_ = c == '\r';
    if (ends_return) continue;
    if (c == '\n' || c == '\r')
      take_line(now);
    else if (line_.size() <= kMostEvent)
      line_ += c;
  }
}

void AnswerStream::end(double now) {
  if (!line_.empty()) take_line(now);
  take_event(now);
}

void AnswerStream::take_line(double now) {
  constexpr std::string_view kData = "data:";
  std::string_view line = line_;
  if (line.empty()) {
    take_event(now);
  } else if (line.starts_with(kData) && data_.size() <= kMostEvent) {
    line.remove_prefix(kData.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (!data_.empty()) data_ += '\n';
    data_ += line;
  }
  line_.clear();
}

void AnswerStream::take_event(double now) {
  const std::string data = std::exchange(data_, {});
  if (data.empty() || data.size() > kMostEvent) return;
  if (data == "[DONE]") {
    done = true;
    return;
  }
  boost::system::error_code problem;
  const json::value value = json::parse(data, problem);
  const json::object* event = problem ? nullptr : value.if_object();
  if (event == nullptr) return;
  if (const json::value* told = event->if_contains("error"); told != nullptr && !told->is_null())
    error = error_text(*told);
  if (const json::object* usage = object_at(*event, "usage")) {
    read_count(*usage, "prompt_tokens", prompt_tokens);
    read_count(*usage, "completion_tokens", completion_tokens);
    if (const json::object* details = object_at(*usage, "prompt_tokens_details"))
      read_count(*details, "cached_tokens", cached_tokens);
  }
  const json::value* choices = event->if_contains("choices");
  if (choices == nullptr || !choices->is_array() || choices->get_array().empty()) return;
  const json::object* choice = choices->get_array()[0].if_object();
  if (choice == nullptr) return;
  if (has_text(*choice)) pieces.push_back(now);
  if (const std::string_view reason = text_at(*choice, "finish_reason"); !reason.empty())
    finish_reason = reason;
}

}  // namespace aquilon::bench
