// A Generator without a model: a clock that emits words. For tests of the server alone and under
// load.
//
// The last user message (or text prompt) may steer it, word by word:
//   !say TEXT       answers with the words of TEXT       !wait        emits nothing until cancelled
//   !think TEXT     the same, of a model that thinks in <think> tags; !begun TEXT: its prompt has
//                   opened them
//   !fail N         an error after N tokens               !full        refuses: queue full
//   !bytes          tokens that split an emoji            !front       its prompt begins with BOS
//   !break          a broken invariant where it is read
//   !hold           is not read before nobody waits for it
//   !half           the first choice fails after a token, as by its constraint; others go on
//   !adapter        says which adapter it has: there is one, number 0
// Of a constraint with best_effort it says that /aé's "not" is not enforced.
// As a tokenizer its ids are the 256 bytes and 256, the control token <s>, which is its BOS too.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "chat/generator.h"

namespace aquilon::api {

struct FakeOptions {
  double steps_per_second = 2000;  // each step emits one token for every running choice
  int context_length = 256;        // a prompt token is a word, or an id
  std::string id = "fake-model";
  bool ready = true;
};

class FakeGenerator final : public chat::Generator {
 public:
  explicit FakeGenerator(FakeOptions options = {});
  ~FakeGenerator() override;

  const chat::ModelCard& card() const override { return card_; }
  Result<std::unique_ptr<chat::Generation>> start(chat::GenerationRequest request,
                                                  chat::EventSink sink) override;
  bool ready() const override { return ready_; }
  Result<std::vector<text::TokenId>> prompt_ids(const chat::Prompt& prompt) const override;
  Result<std::string> prompt_text(const chat::ChatPrompt& prompt) const override;
  Result<std::vector<text::TokenId>> encode(std::string_view text,
                                            const chat::EncodeOptions& options) const override;
  Result<std::string> decode(std::span<const text::TokenId> ids, bool with_control) const override;
  chat::TokenizerInfo tokenizer_info() const override {
    return {.bos = "<s>", .eos = {}, .adds_bos = true, .chat_template = {}};
  }
  std::string token_bytes(text::TokenId id) const override;
  const chat::Dialect& dialect() const override { return *chat::find_dialect("hermes"); }

  void set_ready(bool ready) { ready_ = ready; }
  // Generations started / destroyed or asked to cancel before their end.
  int started() const { return started_; }
  int cancelled() const { return cancelled_; }
  int running() const;
  // Requests that are held back.
  int held() const { return held_; }

 private:
  struct Stream;
  class Handle;

  void run();
  void step();

  FakeOptions options_;
  chat::ModelCard card_;
  std::atomic<bool> ready_;
  std::atomic<int> started_ = 0;
  std::atomic<int> cancelled_ = 0;
  std::atomic<int> held_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Stream>> streams_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace aquilon::api
