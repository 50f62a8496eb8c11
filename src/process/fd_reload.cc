// SPDX-License-Identifier: Apache-2.0
#include "process/fd_reload.h"

#include "base/log.h"

namespace uwsgi {

Status FdReloadDuty::Begin(MasterDesk& desk) {
  for (const FdReloadSpec& spec : specs_) {
    const Status watched = watches_.Add(desk.loop(), spec.fd, spec.bytes, [&desk, &spec] {
      desk.Command(spec.command, fmt::format("*** fd {} ready !!! ***", spec.fd));
    });
    if (!watched) return WithContext(spec.where, watched.error());
    Log("added {} reload monitor for fd {} (read size: {})",
        spec.command == MasterCommand::kReload ? "graceful" : "brutal", spec.fd, spec.bytes);
  }
  return {};
}

}  // namespace uwsgi
