// Other programs as children, and who used the processors meanwhile.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::bench {

// Starts words[0], found as a shell finds it, with nothing to read, in a process group of its own
// so that its children can be ended with it.
//   out, err  descriptors for what it prints; stay the caller's
// Errors: kNotFound.   Threads: safe.
Result<pid_t> spawn_child(const std::vector<std::string>& words, int out, int err);

struct ChildEnd {
  int status = 0;          // as of waitpid
  double cpu_seconds = 0;  // of it and the children that it waited for
};
ChildEnd wait_child(pid_t child);
double cpu_seconds(const rusage& usage);

// "with status 2: LAST LINE", from what it printed to stderr.
std::string how_child_ended(int status, std::string_view errors);

// The share of all processors' time that others used since construction, 0 to 1.
class ForeignUse {
 public:
  ForeignUse();
  //   own_cpu_seconds  what the measured programs used
  double share(double own_cpu_seconds) const;

 private:
  double busy_;   // seconds of all processors since the system started
  double begin_;  // seconds of a steady clock
};

double steady_seconds();

}  // namespace aquilon::bench
