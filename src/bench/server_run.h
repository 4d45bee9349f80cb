// A server program: started, measured by a client of ours, and ended.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/compare.h"  // Sample
#include "bench/server_load.h"

namespace aquilon::bench {

// Starts words[0] (`aquilon serve`, `llama-server`) with `--host 127.0.0.1 --port N` on a free
// port, waits until /health answers 200, runs the tests, and ends it. Loading is not measured.
//   limit_s  for loading, and for each request
// Errors: kNotFound (no such program), kUnavailable (it ended early: its last line is told),
// kDeadline, kCancelled, those of measure_server.   Threads: safe.
Result<Sample> run_server(const std::vector<std::string>& words,
                          const std::vector<ServerTest>& tests, double limit_s,
                          const std::function<bool()>& keep_going);

}  // namespace aquilon::bench
