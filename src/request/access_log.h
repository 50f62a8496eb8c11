// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "request/log_format.h"

namespace uwsgi {

// The lines of one core's finished requests (reference 12 sections 3 to 5): whole lines are
// collected and written together, with one write per turn of the loop. Add is for the core's
// thread, Flush for every thread.
class AccessLog {
 public:
  AccessLog(const AccessLogSpec& spec, int worker_id);

  // Whether this request gets a line (reference 12 section 4).
  [[nodiscard]] bool Wants(const Request& request, const Response& response, int64_t micros) const;
  void Add(const Request& request, const Response& response, const RequestFigures& figures);
  void Flush();

 private:
  void FlushLocked();
  void AddDefault(const Request& request, const Response& response, const RequestFigures& figures);
  void AddTemplated(const LogMoment& moment);
  [[nodiscard]] ByteView Address(const Request& request) const;
  // The local time of a moment in strftime's format; remembered for a second.
  const std::string& TimeText(int64_t wall_s);

  const AccessLogSpec& spec_;
  int worker_id_;
  int pid_;
  LogFormat format_;
  std::mutex mutex_;  // of the buffer
  std::string buffer_;
  int64_t time_text_s_ = -1;
  std::string time_text_;
};

}  // namespace uwsgi
