// SPDX-License-Identifier: Apache-2.0
#include "process/fd_reload.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.h"

namespace uwsgi {

Status FdReloadDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  watched_.reserve(specs_.size());
  for (const FdReloadSpec& spec : specs_) {
    Watched& watched = watched_.emplace_back(Watched{.spec = &spec});
    auto watch =
        desk.loop().Watch(spec.fd, kReadable, [this, &watched](uint32_t) { OnReadable(watched); });
    if (!watch) return WithContext(spec.where, watch.error());
    watched.watch = *watch;
    Log("added {} reload monitor for fd {} (read size: {})",
        spec.command == MasterCommand::kReload ? "graceful" : "brutal", spec.fd, spec.bytes);
  }
  return {};
}

// What was written is taken, so that it does not count again after the reload.
void FdReloadDuty::OnReadable(Watched& watched) {
  const FdReloadSpec& spec = *watched.spec;
  std::vector<char> bytes(spec.bytes);
  const ssize_t got = ::read(spec.fd, bytes.data(), bytes.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    // It would be ready for ever, and the server reload without end.
    Log("fd {} is at its end and is watched no more", spec.fd);
    return desk_->loop().Unwatch(std::exchange(watched.watch, 0));
  }
  desk_->Command(spec.command, fmt::format("*** fd {} ready !!! ***", spec.fd));
}

}  // namespace uwsgi
