// Another program, run to its end and timed.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::bench {

struct ExternalRun {
  std::string out;           // what it printed
  double seconds = 0;        // from start to end
  double foreign_share = 0;  // of all processors' time: what others used meanwhile, 0 to 1
};

// The words of a command line: separated by blanks; '...' and "..." keep blanks, \ keeps the next
// character. Nothing is expanded. Errors: kInvalidArgument for an open quote or no word at all.
Result<std::vector<std::string>> split_command(std::string_view line);

// Runs words[0], found as a shell finds it. `keep_going` is asked some times a second.
// Errors: kNotFound (no such program), kUnavailable (it failed: its last line is told), kDeadline
// (ended after `limit_s`), kCancelled.   Threads: safe.
Result<ExternalRun> run_external(const std::vector<std::string>& words, double limit_s,
                                 const std::function<bool()>& keep_going);

}  // namespace aquilon::bench
