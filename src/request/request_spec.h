// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/address.h"

namespace uwsgi {

// Which finished requests get a line (reference 12 section 4). Zero means off for the numbers.
struct AccessLogSpec {
  bool enabled = true;  // disable-logging
  bool log_4xx = false;
  bool log_5xx = false;
  bool log_zero = false;
  int64_t slow_ms = -1;
  int64_t big_bytes = -1;
  bool sendfile = false;
  bool ioerror = false;
  bool micros = false;
  bool forwarded_for = false;  // log-x-forwarded-for
  bool host_first = false;     // vhost
  bool memory = false;         // memory-report
  std::string format;          // log-format, empty for the default line
  bool format_strftime = false;
  std::string date_format;
  bool json = false;  // log-json: each line is an object
  // The value of a metric as text, empty when there is none of that name.
  std::function<std::string(std::string_view)> metric;
};

// How requests are read and answered; made by request_plan from the options. Times in milliseconds,
// sizes in bytes.
struct RequestSpec {
  uint64_t head_limit = 65536;
  uint64_t vars_limit = 512;        // of a uwsgi packet
  uint64_t body_limit = 0;          // limit-post, 0 = none
  uint64_t body_in_memory = 65536;  // bodies up to here are read before the application is called
  bool post_buffering = false;      // larger ones too, into a temporary file
  uint64_t response_headers_limit = 65536;
  int64_t head_timeout_ms = 60'000;
  int64_t keepalive_timeout_ms = 60'000;
  int64_t socket_timeout_ms = 4'000;  // each wait of a core for a client
  int64_t body_timeout_ms = 60'000;   // each wait of the loop for a piece of a body
  int64_t write_timeout_ms = 60'000;  // each wait of the loop for room in the connection
  bool proxy_protocol = false;
  bool ignore_write_errors = false;
  bool sendfile = true;
  std::string server_name;                                     // the host's name
  std::vector<std::pair<std::string, std::string>> http_vars;  // http-var
  std::vector<std::string> add_headers;                        // "Name: value", checked
  CidrSet trusted_proxies;
  bool dynamic_apps = false;  // uwsgi packets may name code to load
  // First modifiers of uwsgi packets that the server answers itself (remote-services).
  std::vector<uint8_t> native_modifiers;
  AccessLogSpec log;
};

}  // namespace uwsgi
