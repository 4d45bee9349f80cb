// The JSON of answers: one shape a route. Those of OpenAI's completions are chosen so that the
// OpenAI, Mistral, Azure, LangChain and AI SDK clients all read them:
// - `usage` is absent, never null, in chunks that do not carry it; the chunk with the last
//   finish_reason does, together with its text.
// - every choice of a chunk has finish_reason; only its first chunk has a role.
// - a failure in mid-stream is a normal chunk with finish_reason "error" and a top-level `error`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/api_error.h"
#include "chat/generator.h"

namespace aquilon::api {

// Of a prompt's tokens, as a request asks for them.
struct PromptLogprobs {
  bool as_vllm = false;  // by position and id; else as those of an answer, from the second token on
  std::vector<chat::TokenLogprobs> tokens;  // the first one has no number
};

// One choice as far as it has come: in a stream what is new, else all of it.
struct ChoicePart {
  int index = 0;
  std::string thinking;  // before the text
  std::string text;
  std::vector<chat::ToolCall> calls;          // behind the text, ids made up
  std::size_t calls_before = 0;               // in a stream: told already
  std::vector<chat::TokenLogprobs> logprobs;  // one without a number for an echo's first token
  std::shared_ptr<const PromptLogprobs> prompt_logprobs;  // null: as of prompt_ids
  std::optional<chat::FinishReason> finish;
  std::optional<ApiError> error;  // why `finish` is kError, while others end well
  std::string stop;               // the stop string that ended it; empty: none did
  std::vector<float> embedding;
  std::vector<std::int32_t> ids;  // of the answer
  std::shared_ptr<const std::vector<std::int32_t>>
      prompt_ids;  // null: not to be told, or told already
  bool with_ids = false;

  bool called() const { return calls_before + calls.size() > 0; }
  bool empty() const { return thinking.empty() && text.empty() && calls.empty(); }
};

// What an answer and its chunks have in common.
struct AnswerHead {
  std::string id;
  std::int64_t created = 0;  // Unix seconds
  std::string model;         // as the request named it
};

// How the numbers of an embedding are written.
struct EmbeddingForm {
  enum class Dtype { kFloat, kInt8, kUint8, kBinary, kUbinary };
  Dtype dtype = Dtype::kFloat;
  bool base64 = false;           // of the numbers' bytes, little-endian, instead of a list
  std::optional<int> dimension;  // the first numbers only, scaled to length 1 again
};

// An event of a stream: "event: <name>" unless the name is empty, and "data: <data>".
struct StreamEvent {
  std::string_view name;
  std::string data;
};
using StreamEvents = std::vector<StreamEvent>;

// Not thread-safe.
class AnswerShape {
 public:
  virtual ~AnswerShape() = default;

  // The whole answer.
  virtual std::string whole(std::span<const ChoicePart> choices, const chat::Usage& usage) = 0;

  // The events of a stream: of its beginning, of what is new, of its end, or of its failure.
  virtual StreamEvents begin(int choices, int prompt_tokens) = 0;
  // `usage` only with the part that finishes the last choice.
  virtual StreamEvents part(const ChoicePart& part, const chat::Usage* usage) = 0;
  // `include_usage`: stream_options asks for it.
  virtual StreamEvents end(const chat::Usage& usage, bool include_usage) = 0;
  // `choices`: those that had not finished.
  virtual StreamEvents fail(std::span<const int> choices, const ApiError& error) = 0;
};

// Streams of OpenAI's older routes: chunks without names, [DONE] at the end.
class ChunkShape : public AnswerShape {
 public:
  StreamEvents begin(int choices, int prompt_tokens) final;
  StreamEvents part(const ChoicePart& part, const chat::Usage* usage) final;
  StreamEvents end(const chat::Usage& usage, bool include_usage) final;
  StreamEvents fail(std::span<const int> choices, const ApiError& error) final;

 private:
  // Each a JSON text. The opening of a choice may be empty.
  virtual std::string opening(int choice) = 0;
  virtual std::string chunk(const ChoicePart& part, const chat::Usage* usage) = 0;
  // The extra chunk of stream_options.include_usage.
  virtual std::string usage_chunk(const chat::Usage& usage) = 0;
  virtual std::string error_chunk(std::span<const int> choices, const ApiError& error) = 0;
};

struct CompletionRequest;
std::unique_ptr<AnswerShape> make_chat_shape(AnswerHead head, const CompletionRequest& request);
std::unique_ptr<AnswerShape> make_text_shape(AnswerHead head, int top_logprobs);
std::unique_ptr<AnswerShape> make_embedding_shape(AnswerHead head, const EmbeddingForm& form);
// Anthropic's messages, OpenAI's responses: events with names.
std::unique_ptr<AnswerShape> make_messages_shape(AnswerHead head, const CompletionRequest& request);
std::unique_ptr<AnswerShape> make_responses_shape(AnswerHead head,
                                                  const CompletionRequest& request);

}  // namespace aquilon::api
