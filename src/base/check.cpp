#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace aquilon {
namespace {

thread_local int scopes = 0;
thread_local std::string_view scope_request;

std::atomic<std::uint64_t> broken{0};

}  // namespace

CheckScope::CheckScope(std::string_view request)
    : outer_request_(std::exchange(scope_request, request)) {
  ++scopes;
}
CheckScope::~CheckScope() {
  --scopes;
  scope_request = outer_request_;
}
bool CheckScope::open() {
  return scopes > 0;
}

void leave_scope() {
  throw CheckFailure();
}

std::uint64_t broken_invariants() {
  return broken;
}

namespace internal {

void check_failed(const char* file, int line, const char* condition) {
  const std::string_view request = scope_request;
  std::fprintf(stderr, "%s:%d: broken invariant: %s%s%.*s\n", file, line, condition,
               request.empty() ? "" : " in request ", static_cast<int>(request.size()),
               request.data());
  if (scopes == 0) std::abort();
  ++broken;
  leave_scope();
}

}  // namespace internal
}  // namespace aquilon
