// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace uwsgi {

// What a start may wait for.
enum class WaitKind : uint8_t {
  kPath,  // anything of this name
  kFile,  // a regular file
  kDirectory,
  kMountPoint,  // a directory on another file system than the one it lies in
  kInterface,   // a network interface
  kSocket,      // somebody accepts connections at this address
};

struct WaitSpec {
  WaitKind kind = WaitKind::kPath;
  std::string name;
  int64_t seconds = 60;
};

// Whether it is there now.
bool IsThere(WaitKind kind, const std::string& name);

// Waits for it, at most this long, and says so in the log; an error when the time is over. Blocks
// the process: before it serves only.
Status WaitFor(WaitKind kind, const std::string& name, int64_t seconds);

}  // namespace uwsgi
