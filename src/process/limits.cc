// SPDX-License-Identifier: Apache-2.0
#include "process/limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/log.h"

namespace uwsgi {
namespace {

// Raises the hard limit too when it must and may.
Status SetLimit(__rlimit_resource resource, int64_t value, const char* option) {
  if (value <= 0) return {};
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return ErrnoError(option, errno);
  limit.rlim_cur = static_cast<rlim_t>(value);
  limit.rlim_max = std::max(limit.rlim_max, limit.rlim_cur);
  if (::setrlimit(resource, &limit) != 0)
    return ErrnoError(std::string(option) + " " + std::to_string(value), errno);
  return {};
}

int64_t Current(__rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
  return static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace

Status ApplyPriority(const LimitSpec& spec) {
  if (!spec.priority) return {};
  // After a reload it is as it was, and a former root could not set it again.
  if (::getpriority(PRIO_PROCESS, 0) == *spec.priority) return {};
  if (::setpriority(PRIO_PROCESS, 0, *spec.priority) != 0) return ErrnoError("prio", errno);
  Log("scheduler priority set to {}", *spec.priority);
  return {};
}

Status ApplyLimits(const LimitSpec& spec) {
  TRY_STATUS(SetLimit(RLIMIT_NOFILE, spec.max_fd, "max-fd"));
  TRY_STATUS(SetLimit(RLIMIT_AS, spec.address_space_bytes, "limit-as"));
  TRY_STATUS(SetLimit(RLIMIT_NPROC, spec.processes, "limit-nproc"));
  return {};
}

int64_t MaxOpenFiles() { return Current(RLIMIT_NOFILE); }

int64_t MaxProcesses() { return Current(RLIMIT_NPROC); }

}  // namespace uwsgi
