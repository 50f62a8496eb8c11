// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace uwsgi {

// What went wrong, for a person: `message` says what and where; `error_number` is the errno behind
// it, 0 when there is none. `exit_code` is the status the program ends with when this error ends
// it.
struct Error {
  std::string message;
  int error_number = 0;
  int exit_code = 1;

  // The message with the text of errno behind it, e.g. "open app.ini: No such file or directory".
  [[nodiscard]] std::string text() const;
};

// A value or what went wrong.
template <typename T>
using Result = tl::expected<T, Error>;

// Done, or what went wrong.
using Status = Result<void>;

// An error made with fmt, to be returned: `return Fail("bad port {}", port);`
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> Fail(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{fmt::format(format, std::forward<Args>(args)...)});
}

// An error that carries errno: `return ErrnoError("open " + path, errno);`
[[nodiscard]] tl::unexpected<Error> ErrnoError(std::string_view what, int error_number);

// The same error with what the caller was doing in front: "doing: message".
[[nodiscard]] tl::unexpected<Error> WithContext(std::string_view doing, Error error);

}  // namespace uwsgi

// The value of a Result, or a return of its error from the enclosing function.
#define TRY(...)                                                           \
  ({                                                                       \
    auto try_result_ = (__VA_ARGS__);                                      \
    if (!try_result_.has_value())                                          \
      return tl::unexpected<uwsgi::Error>(std::move(try_result_).error()); \
    std::move(try_result_).value();                                        \
  })

// The same for a Status.
#define TRY_STATUS(...)                                                    \
  do {                                                                     \
    auto try_status_ = (__VA_ARGS__);                                      \
    if (!try_status_.has_value())                                          \
      return tl::unexpected<uwsgi::Error>(std::move(try_status_).error()); \
  } while (false)
