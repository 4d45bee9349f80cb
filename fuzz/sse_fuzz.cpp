// Any bytes are what a model says, in pieces: written as a stream of events in each dialect, they
// are read back as they were, by what the standard says of server-sent events and by our own
// reader. The first byte chooses the dialect, the second how the answer ends; pieces are a length
// and bytes.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/answer_shape.h"
#include "api/completion_request.h"
#include "api/http_writer_internal.h"
#include "api/json_text.h"
#include "base/check.h"
#include "bench/answer_stream.h"

using namespace aquilon;
namespace json = boost::json;

namespace {

struct Dialect {
  std::unique_ptr<api::AnswerShape> (*make)();
  bool chunks;  // OpenAI's older routes
};

const api::AnswerHead kHead{.id = "an-id", .created = 1, .model = "a \"model\""};

constexpr Dialect kDialects[] = {
    {[] { return api::make_chat_shape(kHead, api::CompletionRequest()); }, true},
    {[] { return api::make_text_shape(kHead, -1); }, true},
    {[] { return api::make_messages_shape(kHead, api::CompletionRequest()); }, false},
    {[] { return api::make_responses_shape(kHead, api::CompletionRequest()); }, false},
};

// The text as JSON can tell it.
std::string told(std::string_view text) {
  std::string quoted;
  api::append_json_string(quoted, text);
  return std::string(json::parse(quoted).get_string());
}

struct Event {
  std::string name;
  std::string data;
};

// What a reader makes of the bytes that knows nothing of their writer. Every line of ours is one of
// these, and every event has its data on one.
std::vector<Event> read_events(std::string_view wire) {
  std::vector<Event> events;
  Event event;
  while (!wire.empty()) {
    const std::size_t end = wire.find('\n');
    AQ_CHECK(end != wire.npos);
    std::string_view line = wire.substr(0, end);
    wire.remove_prefix(end + 1);
    AQ_CHECK(line.find('\r') == line.npos);
    if (line.empty()) {
      AQ_CHECK(!event.data.empty());
      events.push_back(std::exchange(event, {}));
    } else if (line.starts_with("event: ")) {
      AQ_CHECK(event.name.empty() && event.data.empty());
      event.name = line.substr(7);
    } else if (line.starts_with("data: ")) {
      AQ_CHECK(event.data.empty());
      event.data = line.substr(6);
    } else {
      AQ_CHECK(line.starts_with("id: ") && event.name.empty() && event.data.empty());
    }
  }
  AQ_CHECK(event.data.empty() && event.name.empty());
  return events;
}

void add_string(std::string& to, const json::object& from, const char* member) {
  if (const json::value* text = from.if_contains(member); text && text->is_string())
    to += text->get_string();
}

// The text that an event adds to the answer, whatever its dialect.
void add_text(std::string& to, const json::object& event) {
  if (const json::value* choices = event.if_contains("choices")) {
    for (const json::value& choice : choices->as_array()) {
      add_string(to, choice.as_object(), "text");
      if (const json::value* delta = choice.as_object().if_contains("delta"))
        add_string(to, delta->as_object(), "content");
    }
    return;
  }
  const std::string_view type = event.at("type").as_string();
  if (type == "content_block_delta") add_string(to, event.at("delta").as_object(), "text");
  if (type == "response.output_text.delta") add_string(to, event, "delta");
}

class Wire {
 public:
  void add(const api::StreamEvents& events) {
    for (const api::StreamEvent& event : events)
      api::append_event(bytes, event.data, event.name, "an-id." + std::to_string(count++));
  }
  std::string bytes;
  std::size_t count = 0;
};

void check_own_reader(const Wire& wire, std::size_t split, bool failed) {
  bench::AnswerStream stream;
  stream.take(std::string_view(wire.bytes).substr(0, split), 1);
  stream.take(": keep-alive\n\n", 1);  // as between two writes
  stream.take(std::string_view(wire.bytes).substr(split), 1);
  stream.end(1);
  AQ_CHECK(stream.done);
  AQ_CHECK(stream.error.empty() != failed);
  AQ_CHECK(failed || (stream.finish_reason == "stop" && stream.prompt_tokens == 3));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Dialect& dialect = kDialects[data[0] % std::size(kDialects)];
  const bool fails = (data[1] & 1) != 0;
  const std::unique_ptr<api::AnswerShape> shape = dialect.make();
  std::string_view left(reinterpret_cast<const char*>(data) + 2, size - 2);
  chat::Usage usage;
  usage.prompt_tokens = 3;
  std::string said;
  Wire wire;
  wire.add(shape->begin(1, usage.prompt_tokens));
  while (!left.empty()) {
    api::ChoicePart part;
    const std::size_t length = static_cast<unsigned char>(left.front());
    part.text = left.substr(1, length);
    left.remove_prefix(std::min(left.size(), 1 + length));
    said += told(part.text);
    wire.add(shape->part(part, nullptr));
  }
  if (fails) {
    const int open[] = {0};
    wire.add(shape->fail(open, api::internal_failure()));
  } else {
    api::ChoicePart last;
    last.finish = chat::FinishReason::kStop;
    wire.add(shape->part(last, &usage));
    wire.add(shape->end(usage, (data[1] & 2) != 0));
  }
  std::string read;
  const std::vector<Event> events = read_events(wire.bytes);
  AQ_CHECK(events.size() == wire.count);
  for (const Event& event : events) {
    if (event.data == "[DONE]") continue;
    const json::value value = json::parse(event.data);
    AQ_CHECK(event.name.empty() || value.at("type").as_string() == event.name);
    add_text(read, value.as_object());
  }
  AQ_CHECK(read == said);
  if (dialect.chunks) check_own_reader(wire, wire.bytes.find("\n\n") + 2, fails);
  return 0;
}
