// Reads the events of a generation on the calling thread, as a terminal command wants them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apps/interrupt.h"
#include "base/result.h"
#include "chat/generator.h"

namespace aquilon::apps {

// An answer as it ended.
struct Answer {
  std::string thoughts;  // before the text, of models that mark them
  std::string text;
  std::vector<text::TokenId> prompt_ids;
  std::vector<text::TokenId> ids;  // an ending id included
  chat::FinishReason finish = chat::FinishReason::kError;
  chat::Usage usage;
  double first_token_s = 0;  // from the call to the first token
  double total_s = 0;
  bool interrupted = false;  // by Ctrl-C
};

using OnText = std::function<void(const std::string& text, bool thought)>;

// Generates one answer; `on_text` gets its pieces as they come. A signal in `interrupt`
// ends the answer, not the program. Errors: those of Generator::start and of a generation that
// broke.
Result<Answer> read_answer(chat::Generator& generator, chat::GenerationRequest request,
                           InterruptFlag& interrupt, const OnText& on_text);

// "stop", "length": the API's words.
std::string_view finish_name(chat::FinishReason reason);

}  // namespace aquilon::apps
