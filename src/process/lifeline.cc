// SPDX-License-Identifier: Apache-2.0
#include "process/lifeline.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace uwsgi {

Result<Lifeline> Lifeline::Create() { return Lifeline(TRY(MakePipe())); }

int Lifeline::WatchInChild(pid_t parent) {
  parent_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, parent, 0)));
  return parent_.valid() ? parent_.get() : read_end();
}

void Lifeline::LetGo() {
  pipe_.second.Reset();
  older_.clear();
}

std::vector<int> Lifeline::write_ends() const {
  std::vector<int> ends{pipe_.second.get()};
  for (const UniqueFd& end : older_) ends.push_back(end.get());
  return ends;
}

}  // namespace uwsgi
