#include "base/process_limits.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace aquilon {

void forbid_core_dumps() {
  // A limit of zero alone does not stop dumps that a pipe takes; this does.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace aquilon
