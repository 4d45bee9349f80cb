// Other programs as children.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace aquilon {

// Starts words[0], found as a shell finds it, in a process group of its own so that its children
// can be ended with it.
//   in, out, err  descriptors that it reads and prints to; stay the caller's
// Errors: kNotFound.   Threads: safe.
Result<pid_t> spawn(const std::vector<std::string>& words, int in, int out, int err);

}  // namespace aquilon
