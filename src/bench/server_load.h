// The load that two servers are compared under: requests sent at once, and how fast they are
// answered.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/speeds.h"

namespace aquilon::bench {

// `streams` requests sent at once, each of `prompt` random tokens and for `generate` more.
struct ServerTest {
  std::size_t prompt = 512;
  std::size_t generate = 64;  // 2 and more
  std::size_t streams = 1;

  // "first512", "first512x4": prompt tokens a second until every stream has its first token.
  std::string first_name() const;
  // "write64@512x4": tokens a second of all streams, from the first token to the last.
  std::string write_name() const;
};

struct ServerLoadOptions {
  std::string url;     // "http://127.0.0.1:8080"
  double limit_s = 0;  // of a request
  unsigned seed = 1;   // of the prompts; no two are alike, so that no cache helps
  std::function<bool()> keep_going;
};

// Two speeds a test, by the names above. Prompts go as token ids 10 .. 249, which every vocabulary
// has; the end of an answer is ignored (ignore_eos), so that all write equally much.
// Errors: kUnavailable (no connection, broken answer), kInvalidArgument (the server refused: its
// words are told), kDeadline, kCancelled.   Threads: safe; runs in the caller's alone.
Result<Speeds> measure_server(const std::vector<ServerTest>& tests,
                              const ServerLoadOptions& options);

}  // namespace aquilon::bench
