// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace uwsgi {

// One step of what is done to a message before a logger gets it (reference 12 section 7).
class LogEncoder {
 public:
  enum class Kind : uint8_t { kPrefix, kSuffix, kNewline, kFormat, kJson, kGzip, kCompress };

  // "NAME[:LOGGER] ARGUMENT". An unknown name is an error.
  static Result<LogEncoder> Parse(std::string_view text);

  // Whether messages for this logger (empty: one without a name) take this step.
  [[nodiscard]] bool IsFor(std::string_view logger) const {
    return logger_.empty() || logger_ == logger;
  }
  // A message has a newline at its end, unless an encoder before has taken it away.
  [[nodiscard]] std::string Encode(std::string message, int64_t wall_us) const;

 private:
  struct Part {
    enum class Kind : uint8_t { kText, kMessage, kLine, kUnix, kMicros, kMillis, kTime } kind;
    std::string text;  // literal, or strftime's format
  };
  static std::vector<Part> ParseTemplate(std::string_view text);
  [[nodiscard]] std::string Fill(std::string_view message, int64_t wall_us) const;

  Kind kind_ = Kind::kNewline;
  std::string logger_;
  std::string text_;
  std::vector<Part> template_;
};

}  // namespace uwsgi
