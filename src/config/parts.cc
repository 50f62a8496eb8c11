// SPDX-License-Identifier: Apache-2.0
#include "config/parts.h"

#include <algorithm>
#include <array>

namespace uwsgi {
namespace {

constexpr std::array<std::string_view, 26> kParts = {
    "0",
    "cache",
    "cheaper_backlog2",
    "cheaper_busyness",
    "corerouter",
    "echo",
    "http",
    "logfile",
    "logpipe",
    "logsocket",
    "ping",
    "router_basicauth",
    "router_cache",
    "router_expires",
    "router_http",
    "router_redirect",
    "router_rewrite",
    "router_static",
    "router_uwsgi",
    "rpc",
    "rsyslog",
    "signal",
    "spooler",
    "symcall",
    "syslog",
    "zergpool",
};

constexpr bool IsVersionCharacter(char c) { return (c >= '0' && c <= '9') || c == '.'; }

}  // namespace

bool IsBuiltInPart(std::string_view name) {
  if (name.starts_with("python")) {
    // python, python3, python311: whichever was meant, there is one.
    return std::all_of(name.begin() + 6, name.end(), IsVersionCharacter) &&
           !name.substr(6).starts_with('2');
  }
  return name.starts_with("transformation_") || name.starts_with("stats_pusher_") ||
         std::find(kParts.begin(), kParts.end(), name) != kParts.end();
}

}  // namespace uwsgi
