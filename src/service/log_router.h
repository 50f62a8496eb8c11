// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/result.h"
#include "service/log_frame.h"
#include "service/log_spec.h"

namespace uwsgi {

// Which loggers get a message, and in which shape (reference 12 section 7). Loggers are numbered:
// those of the server's lines first, then those of requests. Number kMain stands for the place
// where the log goes without loggers.
class LogRouter {
 public:
  static constexpr size_t kMain = static_cast<size_t>(-1);

  // The spec must outlive it; its patterns compile.
  static Result<LogRouter> Create(const LogSpec& spec);

  struct Delivery {
    size_t logger;
    std::string message;
  };
  // `message` has a newline at its end.
  [[nodiscard]] std::vector<Delivery> Route(LogStream stream, std::string_view message,
                                            int64_t wall_us) const;
  // The message as this logger gets it, whatever the routes.
  [[nodiscard]] std::string Encode(size_t logger, std::string_view message, int64_t wall_us) const;

 private:
  struct RouteRow {
    Regex pattern;
    std::vector<size_t> loggers;
  };
  struct Stream {
    const LogStreamSpec* spec = nullptr;
    std::vector<RouteRow> routes;
    std::vector<size_t> unnamed;
  };
  static Result<Stream> MakeStream(const LogStreamSpec& spec, size_t first);
  [[nodiscard]] bool IsUnwanted(std::string_view line) const;
  [[nodiscard]] std::string Encode(const Stream& stream, size_t logger, std::string_view message,
                                   int64_t wall_us) const;

  explicit LogRouter(const LogSpec& spec) : spec_(&spec) {}

  const LogSpec* spec_;
  Stream server_;
  Stream requests_;
  bool has_request_loggers_ = false;
  std::vector<Regex> drains_;
  std::vector<Regex> filters_;
};

}  // namespace uwsgi
