// A model ready to run: its file, shape, weights, tokenizer and forward pass.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/gguf.h"
#include "model/adapter.h"
#include "model/config.h"
#include "model/forward.h"
#include "model/special_tokens.h"
#include "model/weights.h"
#include "text/tokenizer.h"

namespace aquilon::model {

enum class Arithmetic {
  kPacked,     // quantised weights in integers, activations in 8 bits: fast
  kReference,  // every weight decoded to f32: exact and slow
};

struct LoadOptions {
  int threads = 1;  // of the forward pass
  Arithmetic arithmetic = Arithmetic::kPacked;
  std::function<void(std::size_t done_bytes, std::size_t total_bytes)> progress = {};  // of packing
};

// Threads: const members are safe from any; forward() has one caller at a time.
class Model {
 public:
  // Reads shape and weights, which stay in the file; says what is wrong with it. Begins to make the
  // tokenizer on a thread of its own. Errors: those of formats::open_model, read_config and
  // read_weights.
  static Result<std::unique_ptr<Model>> open(const std::string& path);
  // Makes the model ready to run: forward(), tokenizer(), special() and chat_template() come with
  // it. Errors: kOutOfMemory, before anything is taken, where packed weights are more than what is
  // free; those of pack_weights and the tokenizer, which end the packing.
  Status prepare(const LoadOptions& options);
  // Both.
  static Result<std::unique_ptr<Model>> load(const std::string& path, const LoadOptions& options);

  // Memory that prepare() will take for weights, and what of the file stays in use beside it.
  std::uint64_t weight_bytes(Arithmetic arithmetic) const;

  // A LoRA adapter for this model, which must outlive it. Errors: those of AdapterFile::open and
  // Adapter::bind. Threads: safe.
  Result<std::shared_ptr<const Adapter>> load_adapter(const std::string& path) const;

  const formats::GgufFile& file() const { return file_; }
  const ModelConfig& config() const { return config_; }
  const Weights& weights() const { return weights_; }
  // A model without a tokenizer runs by ids alone. Errors of require_tokenizer(): kUnsupported.
  bool has_tokenizer() const;
  Status require_tokenizer() const;
  const text::Tokenizer& tokenizer() const { return *text_.tokenizer; }  // needs has_tokenizer()
  const SpecialTokens& special() const { return text_.special; }
  // The Jinja source that the file carries; empty if none.
  std::string_view chat_template() const { return text_.chat_template; }
  // The one that it has for conversations with tools; empty if that is the same.
  std::string_view tool_template() const { return text_.tool_template; }
  Forward& forward() { return *forward_; }

 private:
  // How the model reads and writes text.
  struct TextSide {
    std::unique_ptr<text::Tokenizer> tokenizer;
    SpecialTokens special;
    std::string_view chat_template;
    std::string_view tool_template;
  };

  explicit Model(formats::GgufFile file) : file_(std::move(file)) {}

  static Result<TextSide> read_text(const formats::GgufFile& file);
  Status take_text(bool wait);

  formats::GgufFile file_;
  ModelConfig config_;
  Weights weights_;
  TextSide text_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Forward> forward_;
  std::future<Result<TextSide>> reading_text_;  // reads file_: the first to be destroyed
};

}  // namespace aquilon::model
