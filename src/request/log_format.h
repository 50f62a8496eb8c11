// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "request/request.h"
#include "request/request_spec.h"
#include "request/response.h"

namespace uwsgi {

// What the log line tells beyond request and response.
struct RequestFigures {
  int64_t micros = 0;           // from the complete request to the end of the response
  uint64_t total_requests = 0;  // of all workers
};

// Everything a request line may tell of.
struct LogMoment {
  const Request& request;
  const Response& response;
  const RequestFigures& figures;
  const AccessLogSpec& spec;
  int worker_id;
  int pid;
  ByteView address;
  int64_t ended_us;  // since 1970

  [[nodiscard]] int64_t started_us() const { return ended_us - figures.micros; }
  [[nodiscard]] ByteView var(CgiName id) const { return request.vars.Get(id); }
  [[nodiscard]] bool read_error() const { return request.body.failed(); }
  [[nodiscard]] bool write_error() const { return response.client_gone(); }
};

// Local time in strftime's format.
std::string LocalTimeText(int64_t wall_s, const char* format);

// The value of a variable of log-format; empty when there is none of that name.
std::string LogVariableValue(std::string_view name, const LogMoment& moment);

// A template of request lines (reference 12 section 5): literal text and `%(name)`. Where the whole
// of it is a JSON object, values are escaped as JSON wants it.
class LogFormat {
 public:
  explicit LogFormat(std::string_view text);

  // Without newline.
  void Append(std::string& to, const LogMoment& moment) const;

  struct Piece {
    bool is_variable = false;
    std::string text;  // literal, or the name
  };
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  [[nodiscard]] bool empty() const { return pieces_.empty(); }

 private:
  std::vector<Piece> pieces_;
  bool is_json_ = false;
};

// Resident and virtual size of this process in bytes.
struct MemoryFigures {
  uint64_t rss = 0;
  uint64_t vsz = 0;
};
MemoryFigures ReadMemory();

// The request as a JSON object (log-json): who, when, and what a format would tell; `message` is
// left out when it is empty.
void AppendRequestJson(std::string& to, const LogMoment& moment, std::string_view message);

}  // namespace uwsgi
