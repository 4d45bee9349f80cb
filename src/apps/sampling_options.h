// Options of every command that samples.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chat/generator.h"

namespace aquilon::apps {

struct SamplingOptions {
  double temperature = 0;
  int top_k = 0;
  double top_p = 1;
  double min_p = 0;
  double typical_p = 1;
  double repetition_penalty = 1;
  double presence_penalty = 0;
  double frequency_penalty = 0;
  std::optional<std::int64_t> seed;
  std::optional<int> max_tokens;
  std::vector<std::string> stop;
  bool ignore_eos = false;

  template <class V>
  void visit(V& v) {
    v.section("Sampling");
    v(temperature, {.flag = "temperature",
                    .help = "0 always takes the likeliest token, higher is more varied",
                    .min = 0,
                    .max = 100});
    v(top_k,
      {.flag = "top-k", .help = "keep the K likeliest tokens; 0: all", .min = 0, .max = 1e9});
    v(top_p,
      {.flag = "top-p", .help = "keep the likeliest tokens up to this mass", .min = 0, .max = 1});
    v(min_p, {.flag = "min-p",
              .help = "keep tokens at least this likely, relative to the likeliest",
              .min = 0,
              .max = 1});
    v(typical_p, {.flag = "typical-p",
                  .help = "keep the most typical tokens up to this mass",
                  .min = 0,
                  .max = 1});
    v(repetition_penalty, {.flag = "repetition-penalty",
                           .help = "divide the logits of tokens seen in prompt or answer; 1: off",
                           .min = 0,
                           .max = 100});
    v(presence_penalty, {.flag = "presence-penalty",
                         .help = "subtract once from tokens of the answer",
                         .min = -2,
                         .max = 2});
    v(frequency_penalty, {.flag = "frequency-penalty",
                          .help = "subtract from tokens of the answer each time they came",
                          .min = -2,
                          .max = 2});
    v(seed, {.flag = "seed",
             .help = "the same seed gives the same answer; default: a new one",
             .min = -0x1p63,
             .max = 0x1p63});
    v(max_tokens, {.flag = "max-tokens",
                   .help = "tokens of the answer, at most; default: up to the end of the context",
                   .unit = "TOKENS",
                   .min = 1,
                   .max = 1 << 24});
    v(stop, {.flag = "stop", .help = "text that ends the answer and is left out"});
    v(ignore_eos, {.flag = "ignore-eos", .help = "go on after the model's own end of the answer"});
  }

  // A request with these, its prompt still to be set.
  chat::GenerationRequest request() const {
    chat::GenerationRequest r;
    r.sampling.temperature = temperature;
    r.sampling.top_k = top_k;
    r.sampling.top_p = top_p;
    r.sampling.min_p = min_p;
    r.sampling.typical_p = typical_p;
    r.sampling.repetition_penalty = repetition_penalty;
    r.sampling.presence_penalty = presence_penalty;
    r.sampling.frequency_penalty = frequency_penalty;
    if (seed) r.sampling.seed = static_cast<std::uint64_t>(*seed);
    r.max_tokens = max_tokens;
    r.stop = stop;
    r.ignore_eos = ignore_eos;
    return r;
  }
};

}  // namespace aquilon::apps
