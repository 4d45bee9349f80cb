#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace aquilon {
namespace {

thread_local int scopes = 0;

}  // namespace

CheckScope::CheckScope() {
  ++scopes;
}
CheckScope::~CheckScope() {
  --scopes;
}

namespace internal {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  if (scopes > 0) throw CheckFailure();
  std::abort();
}

}  // namespace internal
}  // namespace aquilon
