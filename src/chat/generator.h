// Generator: what the API and the terminal talk to. The local engine is one implementation; an
// upstream server will be another.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "chat/answer_constraint.h"
#include "chat/thinking.h"
#include "chat/tools/dialect.h"
#include "chat/tools/tool.h"
#include "engine/request.h"
#include "text/tokenizer.h"  // TokenId

namespace aquilon::chat {

// A conversation to answer, in OpenAI's message shape (already validated by the caller).
struct ChatPrompt {
  boost::json::array messages;
  boost::json::value tools;             // null: none
  bool must_call = false;               // one of them, whatever is asked
  boost::json::object template_kwargs;  // chat_template_kwargs
  // The last message is the assistant's and the beginning of the answer; what is generated follows
  // its text without repeating it.
  bool continue_final_message = false;
  // "high", "low", ...: for models that are told how long to think. Empty: theirs. "none" is of
  // every model, other values are refused where the format has no place for them.
  std::string reasoning_effort;
  bool wants_thinking = false;  // refused where the model has no thoughts
  bool safe_prompt = false;     // Mistral's guardrail text before the conversation
};

// What stands between two texts.
struct FillInPrompt {
  std::string before;
  std::string after;
};

// A conversation, a text to continue, ids to continue, or a gap to fill.
using Prompt = std::variant<ChatPrompt, std::string, std::vector<text::TokenId>, FillInPrompt>;

// Which of a generator's LoRA adapters changes the model, and how strongly; 0: as if there were
// none.
struct AdapterChoice {
  std::size_t index = 0;  // in the order of loading
  double scale = 1;
};

struct GenerationRequest {
  Prompt prompt;
  engine::SamplingParams sampling;
  std::optional<int> max_tokens;           // absent: up to the end of the context
  int min_tokens = 0;                      // before which the answer does not end
  std::vector<std::string> stop;           // none empty
  std::vector<text::TokenId> stop_tokens;  // end the answer; not part of it
  bool ignore_eos = false;                 // end-of-generation ids do not end the answer
  int n = 1;                               // answers to the same prompt
  int top_logprobs = -1;                   // -1: no log-probabilities; else alternatives per token
  int prompt_logprobs = -1;                // the same of the prompt's tokens
  std::string prediction;                  // what the answer may say, as a hint
  AnswerConstraint constraint;             // what it must be, unless it calls
  ToolUse tools;                           // that a conversation's answer may call
  // Asked once before it is queued, with the prompt's tokens: an error is that of start(). Null: it
  // may.
  std::function<Status(std::size_t prompt_tokens)> may_begin;
  std::function<bool()> may_go_on;  // see engine::Request
  bool embed = false;               // the prompt's embedding instead of an answer
  bool follows = false;             // another part of what is queued already
  std::uint64_t tenant = 0;         // see engine::Request
  std::uint64_t cache_salt = 0;
  double waited_seconds = 0;
  std::stop_token abandoned;             // nobody waits for the start any more
  std::optional<AdapterChoice> adapter;  // absent: the generator's own, mostly none
};

using engine::FinishReason;
using engine::TokenLogprob;
using engine::TokenLogprobs;
using engine::Usage;
using GenerationEvent = engine::Event;
using EventSink = engine::EventSink;

// A running generation; its events are called on the engine's thread, in order, and must not block.
// Destroying it cancels what is left and returns only when no call to the sink is
// running or will follow, unless destroyed from within the sink.
class Generation {
 public:
  virtual ~Generation() = default;
  virtual void cancel() = 0;  // ends within a step; the last event still comes
  virtual const std::vector<text::TokenId>& prompt_ids() const = 0;
  // What a constraint asked for that the answer need not keep to: with best_effort alone.
  virtual std::span<const Unenforced> unenforced() const { return {}; }
  // How the texts of its answers mark thoughts; nothing: they have none.
  virtual std::optional<ThinkingMarks> thinking() const { return std::nullopt; }
  virtual bool thinking_begun() const { return false; }  // by the prompt
};

// What a client may know of a model.
struct ModelCard {
  std::string id;
  std::int64_t created = 0;  // Unix seconds
  std::string owned_by = "aquilon";
  std::string description;
  int context_length = 0;  // tokens of prompt and answer that the server accepts
  int whole_contexts = 0;  // so long that its memory for keys and values holds at once; 0: unknown
  bool chat = false;       // has a chat template
  bool fill_in = false;    // can fill a gap between two texts
  bool tools = false;      // conversations may have tools
  bool reasoning = false;  // takes a reasoning_effort
  std::string parent;      // of a model with an adapter: the id of that without; else empty
};

// What a client needs to know of the tokenizer to use it itself. Empty: the model has none.
struct TokenizerInfo {
  std::string bos;  // as written in texts
  std::string eos;
  bool adds_bos = false;  // every prompt begins with it
  std::string chat_template;
};

struct EncodeOptions {
  bool bos = false;      // in front, where the model begins every text with one
  bool control = false;  // control tokens that are written in the text count as such
};

// Threads: every member is safe from any thread.
class Generator {
 public:
  virtual ~Generator() = default;
  virtual const ModelCard& card() const = 0;
  // Renders, tokenises, checks and queues; returns before the first token. May take milliseconds on
  // a long prompt: call it off the network threads. Errors: kInvalidArgument (with `param`;
  // `detail` "context_length_exceeded" says both numbers), kExhausted (queue full), kUnavailable
  // (stopping).
  virtual Result<std::unique_ptr<Generation>> start(GenerationRequest request, EventSink sink) = 0;
  // True once it can generate; proves that the engine steps.
  virtual bool ready() const = 0;

  // Of the model's tokenizer and chat format alone; nothing is generated. A generator without them
  // at hand answers kUnsupported.

  // The ids that start() would feed. Errors: those of start() before it queues.
  virtual Result<std::vector<text::TokenId>> prompt_ids(const Prompt& prompt) const = 0;
  // The prompt of a conversation as text, control tokens written out.
  virtual Result<std::string> prompt_text(const ChatPrompt& prompt) const = 0;
  virtual Result<std::vector<text::TokenId>> encode(std::string_view text,
                                                    const EncodeOptions& options) const = 0;
  // Control tokens are left out unless `with_control`. Errors: kInvalidArgument, with `param`
  // "tokens", names an id outside the vocabulary.
  virtual Result<std::string> decode(std::span<const text::TokenId> ids,
                                     bool with_control) const = 0;
  virtual TokenizerInfo tokenizer_info() const = 0;
  // How calls are written in the texts of answers; chat/tools/call_reader.h finds them there.
  virtual const Dialect& dialect() const { return *find_dialect("json"); }

  // The bytes that one id adds to a text; of a control token its written form.
  virtual std::string token_bytes(text::TokenId id) const = 0;
};

}  // namespace aquilon::chat
