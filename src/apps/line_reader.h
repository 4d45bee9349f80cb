// Reads a person's messages: with line editing and history on a terminal, plain lines elsewhere.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "apps/interrupt.h"

namespace aquilon::apps {

// Threads: one user at a time.
class LineReader {
 public:
  explicit LineReader(InterruptFlag& interrupt);
  ~LineReader();

  // The next message: a line, lines joined by a trailing '\', or a block between lines of `"""`.
  // Nothing at the end of the input. Ctrl-C at the prompt gives up the message that is being typed.
  std::optional<std::string> read_message(const std::string& prompt);

 private:
  std::optional<std::string> read_line(const std::string& prompt);

  struct Editor;
  InterruptFlag& interrupt_;
  std::unique_ptr<Editor> editor_;  // absent where stdin is no terminal
};

}  // namespace aquilon::apps
