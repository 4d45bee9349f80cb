#include "bench/model_speed.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <optional>

#include "bench/model_sequences.h"

namespace aquilon::bench {
namespace {

// Nothing where `progress` stopped it.
Result<std::optional<ModelResult>> run_test(model::Model& model, const ModelTest& test,
                                            const ModelSpeedOptions& options,
                                            const TestProgress& progress) {
  ModelSequences sequences =
      AQ_TRY(ModelSequences::create(model, test.sequences, test.depth, test.prompt + test.generate,
                                    options.slice, options.kv_type));
  const std::vector<text::TokenId> prompt = random_ids(model.config(), test.prompt);
  const auto stopped = [&] { return model.forward().stopped(); };
  const auto work = [&](std::size_t generate) {
    if (test.prompt > 0)
      sequences.read(prompt, options.slice);
    else
      sequences.write(generate);
  };
  if (test.prompt == 0) work(std::min<std::size_t>(4, test.generate));  // wakes the threads
  std::vector<double> seconds;
  for (int i = 0; i < options.repetitions; ++i) {
    if (stopped() || !progress(test, i)) return std::optional<ModelResult>();
    AQ_RETURN_IF_ERROR(sequences.rewind());
    const auto begin = std::chrono::steady_clock::now();
    work(test.generate);
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    if (stopped()) return std::optional<ModelResult>();
  }
  const std::size_t tokens = (test.prompt + test.generate) * test.sequences;
  return std::optional(ModelResult{test, rates(static_cast<double>(tokens), seconds)});
}

}  // namespace

std::string ModelTest::name() const {
  std::string name = prompt > 0 ? fmt::format("pp{}", prompt) : fmt::format("tg{}", generate);
  if (depth > 0) name += fmt::format("@{}", depth);
  if (sequences > 1) name += fmt::format("x{}", sequences);
  return name;
}

Result<std::vector<ModelResult>> measure_model(model::Model& model,
                                               const std::vector<ModelTest>& tests,
                                               const ModelSpeedOptions& options,
                                               const TestProgress& progress) {
  std::vector<ModelResult> results;
  for (const ModelTest& test : tests) {
    const auto result = AQ_TRY(run_test(model, test, options, progress));
    if (!result) break;
    results.push_back(*result);
  }
  return results;
}

std::size_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace aquilon::bench
