// The requests of a load: prompts of common words, as long as is wanted and drawn by a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "bench/load_client.h"

namespace aquilon::bench {

// What a text of so many words is for a server's model.
struct TokenScale {
  double tokens_per_word = 1;
  double fixed = 0;  // tokens that come besides: a chat's frame, BOS

  // Words that make about so many tokens; 1 at least.
  std::size_t words_for(std::size_t tokens) const;
};

struct RequestShape {
  LoadRoute route = LoadRoute::kCompletions;
  std::string model;
  std::size_t prompt = 128;       // tokens of a prompt, without the shared ones
  std::size_t generate = 64;      // of an answer
  std::size_t shared_prefix = 0;  // tokens that prompts begin with, alike in all of one maker
  double shared_part = 1;         // of the requests that begin with them
  TokenScale scale = {};
  // Fields beyond OpenAI's oldest API, for servers that take them.
  bool ignore_eos = true;     // answers go on to their full length
  bool include_usage = true;  // stream_options
};

struct MadeRequest {
  std::string body;  // JSON
  bool shared = false;
};

// Equal seeds make equal requests on every machine. No two prompts of a maker are alike.
// Threads: one user at a time.
class RequestMaker {
 public:
  RequestMaker(RequestShape shape, std::uint64_t seed);
  MadeRequest next();
  const RequestShape& shape() const { return shape_; }

 private:
  std::string words(std::size_t count);

  RequestShape shape_;
  std::mt19937_64 random_;
  std::string prefix_;
};

// The time to the next arrival where `rate` a second arrive independently: exponential.
double poisson_wait(std::mt19937_64& random, double rate);

}  // namespace aquilon::bench
