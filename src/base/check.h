// AQ_CHECK: an invariant of our own. Always on; prints place and condition, then aborts. Nothing
// from outside may reach one: outside input is answered with a Result.
//
// Where one request's work is told from all other, or what is shared can be made anew, a CheckScope
// makes a broken invariant the end of that work alone: AQ_CHECK then prints the same and leaves by
// an exception, which whoever opened the scope catches.
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>

namespace aquilon {

// What a broken invariant within a CheckScope becomes.
class CheckFailure : public std::exception {
 public:
  const char* what() const noexcept override { return "a broken invariant"; }
};

// Of this thread, until it is destroyed. What runs within must release what it holds when it is
// left at any call, and nobody may use what it was working on. A parallel loop (base/thread_pool.h)
// is within the scope of its caller. What may not throw (noexcept, destructors) ends the process.
class CheckScope {
 public:
  // `request`: whose work it is, for the message; outlives the scope. Empty: not of one.
  explicit CheckScope(std::string_view request = {});
  ~CheckScope();
  CheckScope(const CheckScope&) = delete;
  CheckScope& operator=(const CheckScope&) = delete;

  // Whether this thread is in one.
  static bool open();

 private:
  std::string_view outer_request_;
};

// Leaves the scope that is open: other threads that worked for it have said why.
[[noreturn]] void leave_scope();

// How many invariants the process has broken and survived.
std::uint64_t broken_invariants();

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
