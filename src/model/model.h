// A model ready to run: its file, shape, weights, tokenizer and forward pass.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/gguf.h"
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
  PackProgress progress = {};  // called while weights are packed
};

// Threads: const members are safe from any; forward() has one caller at a time.
class Model {
 public:
  // Reads all but the weights, which stay in the file; says what is wrong with it. forward() comes
  // with prepare(). Errors: those of formats::open_model, read_config, read_weights and the
  // tokenizer.
  static Result<std::unique_ptr<Model>> open(const std::string& path);
  // Makes the model ready to run. Errors: those of pack_weights.
  Status prepare(const LoadOptions& options);
  // Both.
  static Result<std::unique_ptr<Model>> load(const std::string& path, const LoadOptions& options);

  // Memory that prepare() will take for weights, and what of the file stays in use beside it.
  std::uint64_t weight_bytes(Arithmetic arithmetic) const;

  const formats::GgufFile& file() const { return file_; }
  const ModelConfig& config() const { return config_; }
  const Weights& weights() const { return weights_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  const SpecialTokens& special() const { return special_; }
  // The Jinja source that the file carries; empty if none.
  std::string_view chat_template() const { return chat_template_; }
  Forward& forward() { return *forward_; }

 private:
  explicit Model(formats::GgufFile file) : file_(std::move(file)) {}

  formats::GgufFile file_;
  ModelConfig config_;
  Weights weights_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  SpecialTokens special_;
  std::string_view chat_template_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Forward> forward_;
};

}  // namespace aquilon::model
