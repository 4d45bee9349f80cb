// Guesses by a second, smaller model of the same vocabulary.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/guess_source.h"
#include "engine/prefix_tree.h"
#include "engine/step_cost.h"
#include "model/model.h"

namespace aquilon::engine {

// Whether the ids of `draft` mean what those of `model` do; that one of them has some padding more
// is no difference. Errors: kInvalidArgument names both and the first token that differs.
Status check_same_vocabulary(const text::Tokenizer& model, std::string_view model_name,
                             const text::Tokenizer& draft, std::string_view draft_name);

struct DraftModelOptions {
  std::size_t vocab = 0;   // V of the model whose answers are guessed at
  std::size_t pages = 0;   // of keys and values
  std::size_t tokens = 4;  // guesses at once
  model::KvType kv_type = model::KvType::kBf16;
};

// The second model keeps keys and values of its own. It reads a prompt when it first guesses at the
// answer, a piece a step. It draws as the answer's sampler will, with the same randomness. Where
// its memory is short it does not guess.
class DraftModel final : public GuessSource {
 public:
  // The model is prepared, its vocabulary checked. Errors: kOutOfMemory.
  static Result<std::unique_ptr<DraftModel>> create(std::unique_ptr<model::Model> model,
                                                    const DraftModelOptions& options);

  std::span<const double> priors() const override { return kPriors; }
  std::size_t offer(Task& task) override;
  double seconds(const Task& task, std::size_t guesses, std::size_t answers) const override;
  void guess(std::span<Task> tasks, double patience) override;
  void clear() override;

 private:
  static constexpr double kPriors[] = {0.7};
  class Mind;    // what it keeps of an answer
  struct Batch;  // what one pass computes

  DraftModel(std::unique_ptr<model::Model> model, std::shared_ptr<model::KvPool> pool,
             const DraftModelOptions& options);

  Status reserve(model::KvCache& kv, std::size_t tokens);
  void add_news(Task& task, double patience, Batch& batch);
  void run(Batch& batch);
  text::TokenId draw(std::span<const float> logits, Sampler& sampler);

  std::unique_ptr<model::Model> model_;
  std::shared_ptr<model::KvPool> pool_;
  const DraftModelOptions options_;
  PrefixTree prefixes_;
  StepCost cost_;
  bool measured_ = false;      // cost_ knows this machine
  std::vector<float> logits_;  // [rows, V of its own]
  std::vector<float> row_;     // [V]
};

}  // namespace aquilon::engine
