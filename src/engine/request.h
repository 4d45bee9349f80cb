// What the engine is asked and what it answers, in tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "constraint/matcher.h"
#include "engine/sampling.h"
#include "text/tokenizer.h"

namespace aquilon::model {
class Adapter;
}  // namespace aquilon::model

namespace aquilon::engine {

// Error::detail where an answer cannot be kept to its constraint any further.
inline constexpr std::string_view kConstraintFailed = "constraint_failed";

enum class FinishReason {
  kStop,         // end-of-generation id, stop string or stop token
  kLength,       // max_tokens
  kModelLength,  // end of the context
  kError,        // cancelled, or the engine stopped
};

// Log-probabilities are those of the model's own distribution, before temperature and penalties; of
// a constrained answer, among the tokens that were allowed.
struct TokenLogprob {
  text::TokenId id = 0;
  std::string bytes;
  float logprob = 0;
};
struct TokenLogprobs {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;  // best first
  int rank = 0;            // of the chosen one among the whole vocabulary; 1 is the likeliest
  std::size_t hidden = 0;  // bytes of the chosen one, its first, that the text has not
};

struct Usage {
  int prompt_tokens = 0;
  int completion_tokens = 0;  // over all choices; includes an end-of-generation id
  int cached_tokens = 0;      // of the prompt, found already computed
  int guessed_tokens = 0;     // guesses at the answer that were checked
  int accepted_tokens = 0;    // and right
  int forced_tokens = 0;      // of the answer, that were the only ones possible
};

// How the states of a text's tokens become one vector of length 1.
enum class Pooling {
  kNone,  // no embedding: an answer is wanted
  kMean,
  kLast,
};

// Follows one answer's text while it is written, and knows where it may end. Threads: the engine's.
class AnswerWatch {
 public:
  virtual ~AnswerWatch() = default;
  // Takes the text that came last. True: the answer ends with it.
  virtual bool ends_with(std::string_view text) = 0;
  // Here the answer ends, if it may, where the model's likeliest token is none that its constraint
  // allows: it would say something else, not go on.
  virtual bool ends_astray() const = 0;
};

// Another way for an answer to go, weighed before it begins: `begin` is fed as if the answer began
// so, seen by nobody. Where the tokens that may follow it have `least` of the model's probability
// or more together, the answer is held to this constraint and not to the request's.
struct Branch {
  std::vector<text::TokenId> begin;  // not empty
  constraint::Matcher behind;        // what may follow it
  constraint::Matcher constraint;    // where the answer begins
  double least = 0.5;
};

struct Request {
  std::vector<text::TokenId> prompt;  // not empty, within the vocabulary
  SamplingParams sampling;
  int max_tokens = 0;                      // >= 1, 0 to look at the prompt alone
  int min_tokens = 0;                      // before which nothing but the context ends the answer
  std::vector<std::string> stop;           // none empty
  std::vector<text::TokenId> stop_tokens;  // end the answer; not part of its text
  bool ignore_eos = false;
  std::vector<text::TokenId> shown_tokens;  // control tokens that the text shows as written
  bool drop_first_space = false;            // of the answer's text, if it begins with one
  int n = 1;                                // answers to the same prompt
  int top_logprobs = -1;                    // -1: none
  int prompt_logprobs = -1;                 // alternatives a token of the prompt; -1: none
  // What the answer may say: a hint, checked token by token.
  std::vector<text::TokenId> prediction;
  // What the answer must be: each token is one that it allows. Where the answer begins.
  std::optional<constraint::Matcher> constraint;
  std::optional<Branch> branch;                         // only with a constraint
  std::function<std::unique_ptr<AnswerWatch>()> watch;  // one for each choice; empty: none
  // Asked on the engine's thread after each token of an answer: false ends it, as max_tokens does.
  // Must not block. Null: true.
  std::function<bool()> may_go_on;
  Pooling pooling = Pooling::kNone;  // an embedding of the prompt; nothing else is generated
  // A part of what is queued already: a full queue does not refuse it.
  bool follows = false;
  // Computed prompts are shared among requests of the same salt only.
  std::uint64_t cache_salt = 0;
  // Whose request it is: those that wait are served in equal shares of tokens.
  std::uint64_t tenant = 0;
  double waited_seconds = 0;  // since it arrived, before the engine got it
  // Bound to the engine's model; null: none.
  std::shared_ptr<const model::Adapter> adapter;
  float adapter_scale = 1;  // finite; 0 is no adapter
};

// One step of an answer. Text is always whole UTF-8; it may be empty where ids arrive whose text is
// still held back. The last event of a choice has `finish`; the last event of all has `usage` as
// well, and `error` if the generation failed.
struct Event {
  int choice = 0;
  std::string text;
  std::vector<text::TokenId> ids;       // new ids of the answer (an ending id included)
  std::vector<TokenLogprobs> logprobs;  // one an id, when asked for; an ending one is hidden
  // One a token of the prompt, when asked for, in the first event of the first choice; the first
  // token's own is NaN.
  std::vector<TokenLogprobs> prompt_logprobs;
  std::vector<float> embedding;  // [D], with the only event of a request for one
  std::optional<FinishReason> finish;
  std::string stop;  // the stop string that ended the choice; empty: none did
  // Why `finish` is kError, where another choice ends well or may.
  std::optional<Error> choice_error;
  std::optional<Usage> usage;
  std::optional<Error> error;
};

// Called on the engine's thread, in order: must not block.
using EventSink = std::function<void(Event)>;

}  // namespace aquilon::engine
