// What a server takes and how long its prompts are, found out before it is measured.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "bench/load_requests.h"

namespace aquilon::bench {

// Fills in `shape`: the model, if it is empty; the scale, by two short requests; and leaves out the
// fields that the server refuses by name. `false` in the result: the server tells no usage, a word
// counts as a token.
// Errors: those of LoadRecord, kUnavailable, kCancelled.   Threads: safe.
Result<bool> prepare_requests(const LoadTarget& target, std::uint64_t seed, RequestShape& shape,
                              const std::function<bool()>& keep_going);

}  // namespace aquilon::bench
