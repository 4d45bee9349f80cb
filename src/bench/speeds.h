// What a benchmark program printed, as speeds by the names of model_speed.h.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::bench {

using Speeds = std::map<std::string, double>;  // "pp512" -> tokens a second

enum class BenchTool { kAquilon, kLlamaBench, kLlamaBatchedBench, kServer, kOther };

// By the file's name; `aquilon serve` and llama-server are servers.   words: at least one
BenchTool tool_of(const std::vector<std::string>& words);

// The flags that make the tool print what parse_speeds() reads.
std::vector<std::string> machine_readable_flags(BenchTool tool);

// llama-bench gives each test's average; of llama-batched-bench the writing is taken
// ("tg32@16x4": 4 sequences, 16 tokens before).
// Errors: kCorrupt when the text is not what the tool prints; kUnsupported for kServer and kOther.
Result<Speeds> parse_speeds(BenchTool tool, std::string_view text);

}  // namespace aquilon::bench
