// A streamed answer of a server with OpenAI's API, as it arrives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aquilon::bench {

// Reads the body of `POST /v1/chat/completions` or `/v1/completions` with "stream": true, of one
// choice. Comments (pings) and what is no event are passed over. Threads: one user at a time.
class AnswerStream {
 public:
  // The next bytes of a `text/event-stream` body, which came at `now` (seconds of a steady clock).
  // They may be split anywhere, in a line's end and in a character too.
  void take(std::string_view bytes, double now);
  // The body ended: an event without its empty line counts as well.
  void end(double now);

  std::vector<double> pieces;  // when each piece of text came: content, reasoning or text
  std::string finish_reason;   // empty before the end
  std::string error;           // what an error among the events says
  bool done = false;           // "[DONE]" came
  // Of the usage that the server told, 0 before.
  std::size_t prompt_tokens = 0;
  std::size_t completion_tokens = 0;
  std::size_t cached_tokens = 0;

 private:
  void take_line(double now);
  void take_event(double now);

  std::string line_;
  std::string data_;  // of the event under way, its lines joined
  bool after_return_ = false;
};

}  // namespace aquilon::bench
