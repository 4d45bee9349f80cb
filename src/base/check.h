// AQ_CHECK: an invariant of our own. Always on; prints place and condition, then aborts. Nothing
// from outside may reach one: outside input is answered with a Result.
//
// Where one request's work is told from all other, a CheckScope makes a broken invariant the end of
// that request alone: AQ_CHECK then prints the same and leaves by an exception, which whoever
// opened the scope catches.
#pragma once

#include <exception>

namespace aquilon {

// What a broken invariant within a CheckScope becomes.
class CheckFailure : public std::exception {
 public:
  const char* what() const noexcept override { return "a broken invariant"; }
};

// Of this thread, until it is destroyed. What runs within must release what it holds when it is
// left at any call, and nobody may use what it was working on. Not for loops of kernels, whose
// threads have no scope: there the process ends.
class CheckScope {
 public:
  CheckScope();
  ~CheckScope();
  CheckScope(const CheckScope&) = delete;
  CheckScope& operator=(const CheckScope&) = delete;
};

}  // namespace aquilon

namespace aquilon::internal {

[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace aquilon::internal

#define AQ_CHECK(condition) \
  ((condition) ? (void)0 : ::aquilon::internal::check_failed(__FILE__, __LINE__, #condition))

// For hot loops: off in release builds.
#ifdef NDEBUG
#define AQ_DCHECK(condition) ((void)0)
#else
#define AQ_DCHECK(condition) AQ_CHECK(condition)
#endif
