// Result<T>: a value or an Error. Everything that comes from outside (file, request, flag, network)
// is answered with one; broken invariants use AQ_CHECK (base/check.h) instead.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace aquilon {

// What went wrong, in kind. base/error_codes.h maps each to an HTTP status, an API error type and
// an exit status.
enum class Code {
  kInvalidArgument,   // the caller sent something wrong
  kUnauthenticated,   // no credential, or not a valid one
  kPermissionDenied,  // a valid credential that may not do this
  kNotFound,          // no such model, file, route
  kCorrupt,           // a file that breaks its own format
  kUnsupported,       // valid, but not something we do
  kOutOfMemory,       // would not fit; nothing was allocated
  kExhausted,         // a bounded queue or quota is full; try again later
  kCancelled,         // the caller went away
  kDeadline,          // took too long
  kUnavailable,       // network or device not there, or shutting down
  kInternal,          // our fault
};

// A failure: its kind and one sentence that names the thing and says what to do.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string param = {};   // request field or flag the error is about, empty if none
  std::string detail = {};  // machine-readable API code ("context_length_exceeded"), empty if none

  // The same error with "context: " in front of its message.
  Error with_context(std::string_view context) && {
    message = fmt::format("{}: {}", context, message);
    return std::move(*this);
  }
};

// make_error(Code::kNotFound, "no model named '{}'", name)
template <class... Args>
Error make_error(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

// A T or an Error. Not thread-safe. Reading the value of a failed result is a broken invariant.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  void value() const {}
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  Error error_;
  bool ok_ = true;
};

using Status = Result<void>;

}  // namespace aquilon

// The value of a Result; on failure returns its Error from the enclosing function.
//   auto file = AQ_TRY(MappedFile::open(path));
// Not inside a braced list or an argument list that builds other objects: GCC 12 leaves those
// undestroyed when it returns from among them. Take the value into a local first.
#define AQ_TRY(expr)                                            \
  ({                                                            \
    auto aq_result_ = (expr);                                   \
    if (!aq_result_.ok()) return std::move(aq_result_).error(); \
    std::move(aq_result_).value();                              \
  })

#define AQ_RETURN_IF_ERROR(expr)                                                          \
  do {                                                                                    \
    if (auto aq_status_ = (expr); !aq_status_.ok()) return std::move(aq_status_).error(); \
  } while (0)
