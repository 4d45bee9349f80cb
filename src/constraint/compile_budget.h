// What one request may spend on compiling constraints: its schemas, those of its tools, and further
// tries with less of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stop_token>

namespace aquilon::constraint {

// Of one constraint, in steps of some 50 ns: 0.3 s.
inline constexpr std::size_t kCompileWork = 6'000'000;

struct CompileBudget {
  std::size_t work = 3 * kCompileWork;
  std::stop_token stop = {};  // nobody waits any more

  void take(std::size_t steps) { work -= std::min(work, steps); }
};

}  // namespace aquilon::constraint
