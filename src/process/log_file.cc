// SPDX-License-Identifier: Apache-2.0
#include "process/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace uwsgi {

Status OpenLogFile(const LogFileSpec& spec) {
  const int truncate = spec.truncate ? O_TRUNC : 0;
  const UniqueFd file = TRY(OpenFile(spec.path, O_WRONLY | O_CREAT | O_APPEND | truncate, 0640));
  if (spec.mode >= 0 && ::fchmod(file.get(), static_cast<mode_t>(spec.mode)) != 0) {
    return ErrnoError("logfile-chmod " + spec.path, errno);
  }
  for (const int standard : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(file.get(), standard) < 0) return ErrnoError("log to " + spec.path, errno);
  }
  return {};
}

Status OwnLogFile(const IdentitySpec& identity) {
  auto uid = static_cast<uid_t>(-1);  // unchanged
  auto gid = static_cast<gid_t>(-1);
  if (!identity.user.empty()) uid = TRY(FindUser(identity.user)).uid;
  if (!identity.group.empty()) gid = TRY(FindGroup(identity.group));
  if (::fchown(STDERR_FILENO, uid, gid) != 0) return ErrnoError("logfile-chown", errno);
  return {};
}

}  // namespace uwsgi
