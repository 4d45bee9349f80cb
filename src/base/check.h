// AQ_CHECK: an invariant of our own. Always on; prints place and condition, then aborts. Nothing
// from outside may reach one: outside input is answered with a Result.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace aquilon::internal {

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace aquilon::internal

#define AQ_CHECK(condition) \
  ((condition) ? (void)0 : ::aquilon::internal::check_failed(__FILE__, __LINE__, #condition))

// For hot loops: off in release builds.
#ifdef NDEBUG
#define AQ_DCHECK(condition) ((void)0)
#else
#define AQ_DCHECK(condition) AQ_CHECK(condition)
#endif
