// How fast a model reads prompts and writes answers, by the token.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/statistics.h"
#include "model/model.h"

namespace aquilon::bench {

// One measurement. `prompt` tokens are read by one sequence, or `generate` tokens are written by
// each of `sequences`, after `depth` tokens that are not timed. One of prompt, generate is 0.
struct ModelTest {
  std::size_t prompt = 0;
  std::size_t generate = 0;
  std::size_t depth = 0;
  std::size_t sequences = 1;

  // "pp512", "tg128", "tg128@4096" (depth), "tg128x8" (sequences).
  std::string name() const;
  std::size_t context() const { return depth + prompt + generate; }
};

struct ModelResult {
  ModelTest test;
  Summary tokens_s;  // all sequences together
};

struct ModelSpeedOptions {
  int repetitions = 5;
  std::size_t slice = 512;  // tokens of a prompt that one pass takes
  model::KvType kv_type = model::KvType::kBf16;
};

// Called before each repetition; false ends the run.
using TestProgress = std::function<bool(const ModelTest& test, int repetition)>;

// Runs the tests in order; prompts are random ids, the best token is written each time.
// Stopped by `progress`, or within a layer by Forward::stop_when, it returns the tests that were
// done.
// Requires: every test's context() fits the model's.   Errors: kOutOfMemory.
// Threads: one caller a model.
Result<std::vector<ModelResult>> measure_model(model::Model& model,
                                               const std::vector<ModelTest>& tests,
                                               const ModelSpeedOptions& options,
                                               const TestProgress& progress);

// The most memory that this process has had so far, in bytes.
std::size_t peak_memory();

}  // namespace aquilon::bench
