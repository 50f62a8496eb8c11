// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <system_error>

namespace uwsgi {

std::string Error::text() const {
  if (error_number == 0) return message;
  return fmt::format("{}: {}", message, std::generic_category().message(error_number));
}

tl::unexpected<Error> ErrnoError(std::string_view what, int error_number) {
  return tl::unexpected<Error>(Error{std::string(what), error_number});
}

tl::unexpected<Error> WithContext(std::string_view doing, Error error) {
  error.message = fmt::format("{}: {}", doing, error.message);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace uwsgi
