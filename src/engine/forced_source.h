// Guesses for free: text that an answer's constraint says comes next, as the tokenizer cuts it. The
// model may cut it otherwise, which is why it is checked.
#pragma once

#include "engine/guess_source.h"

namespace aquilon::engine {

class ForcedSource final : public GuessSource {
 public:
  std::span<const double> priors() const override { return kPriors; }
  std::size_t offer(Task& task) override {
    task.guesses.assign(task.forced.begin(), task.forced.end());
    return task.guesses.size();
  }
  double seconds(const Task&, std::size_t, std::size_t) const override { return 0; }
  void guess(std::span<Task> tasks, double /*patience*/) override {
    for (Task& task : tasks)
      task.guesses.resize(task.guesses.size() < task.most ? task.guesses.size() : task.most);
  }

 private:
  static constexpr double kPriors[] = {0.85};
};

}  // namespace aquilon::engine
