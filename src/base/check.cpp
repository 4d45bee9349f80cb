#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

#include "base/check_reporter.h"

namespace aquilon {
namespace {

thread_local int scopes = 0;
thread_local std::string_view scope_request;

std::atomic<std::uint64_t> broken{0};

std::mutex report_mutex;
const std::function<void(std::string_view)>* reporter = nullptr;

void tell(const std::string& message) {
  const std::lock_guard lock(report_mutex);
  if (reporter) {
    (*reporter)(message);
  } else {
    std::fprintf(stderr, "%s\n", message.c_str());
  }
}

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

CheckReporter::CheckReporter(std::function<void(std::string_view)> report)
    : report_(std::move(report)) {
  const std::lock_guard lock(report_mutex);
  reporter = &report_;
}
CheckReporter::~CheckReporter() {
  const std::lock_guard lock(report_mutex);
  reporter = nullptr;
}

void leave_scope() {
  throw CheckFailure();
}

std::uint64_t broken_invariants() {
  return broken;
}

namespace internal {

void check_failed(const char* file, int line, const char* condition) {
  if (scopes == 0) {
    std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
    std::abort();
  }
  ++broken;
  std::string message =
      std::string(file) + ":" + std::to_string(line) + ": broken invariant: " + condition;
  if (!scope_request.empty()) message.append(" in request ").append(scope_request);
  tell(message);
  leave_scope();
}

}  // namespace internal
}  // namespace aquilon
