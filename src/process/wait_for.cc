// SPDX-License-Identifier: Apache-2.0
#include "process/wait_for.h"

#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <filesystem>

#include "base/clock.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "net/address.h"

namespace uwsgi {
namespace {

constexpr long kLookAgainNanos = 100'000'000;

bool HasType(const std::string& path, mode_t type) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && (found.st_mode & S_IFMT) == type;
}

bool IsMountPoint(const std::string& path) {
  struct stat found {};
  struct stat above {};
  if (::stat(path.c_str(), &found) != 0 || ::stat((path + "/..").c_str(), &above) != 0)
    return false;
  return found.st_dev != above.st_dev || found.st_ino == above.st_ino;
}

bool Answers(const std::string& text) {
  const auto address = ParseSocketAddress(text);
  if (!address) return false;
  const UniqueFd probe(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe.valid() && ::connect(probe.get(), address->get(), address->length) == 0;
}

}  // namespace

bool IsThere(WaitKind kind, const std::string& name) {
  struct stat found {};
  switch (kind) {
    case WaitKind::kPath:
      return ::stat(name.c_str(), &found) == 0;
    case WaitKind::kFile:
      return HasType(name, S_IFREG);
    case WaitKind::kDirectory:
      return HasType(name, S_IFDIR);
    case WaitKind::kMountPoint:
      return IsMountPoint(name);
    case WaitKind::kInterface:
      return ::if_nametoindex(name.c_str()) != 0;
    case WaitKind::kSocket:
      return Answers(name);
  }
  return false;
}

Status WaitFor(WaitKind kind, const std::string& name, int64_t seconds) {
  Log("waiting for {} (max {} seconds) ...", name, seconds);
  const int64_t deadline = MonotonicMicros() + seconds * 1'000'000;
  while (!IsThere(kind, name)) {
    if (MonotonicMicros() >= deadline) {
      return Fail("{} is not there after {} seconds", name, seconds);
    }
    const timespec a_little{0, kLookAgainNanos};
    ::nanosleep(&a_little, nullptr);
  }
  LogDated("{} found", name);
  return {};
}

}  // namespace uwsgi
