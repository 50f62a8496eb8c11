// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace uwsgi {

// Why a connection ended although its client had begun to ask and got no answer, or not the whole
// of it. The names are in log lines, in the stats (`closed`) and in the metrics.
enum class CloseReason : uint8_t {
  kNone,              // it was answered, or had asked nothing
  kClientLeftInHead,  // the client went away within the head of a request
  kClientLeftInBody,  // the same within its body
  kHeadTimeout,       // the head did not come in time, and the protocol has no answer for that
  kBodyTimeout,       // the same for the body
  kBadRequest,        // not a request of the protocol, and the protocol has no answer for that
  kClientGone,        // the client closed before it had the whole answer
  kWriteTimeout,      // the client did not take the answer
  kAbandoned,         // the application failed with the answer begun, or gave the connection up
  kNoResources,       // the system had no room for the connection
  kWorkerDied,        // the worker was killed or died while it ran the request
  kCount,
};

constexpr std::string_view NameOf(CloseReason reason) {
  constexpr std::string_view kNames[] = {
      "none",         "client-left-in-head", "client-left-in-body", "head-timeout",
      "body-timeout", "bad-request",         "client-gone",         "write-timeout",
      "abandoned",    "no-resources",        "worker-died"};
  return kNames[static_cast<size_t>(reason)];
}

}  // namespace uwsgi
