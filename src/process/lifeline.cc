// SPDX-License-Identifier: Apache-2.0
#include "process/lifeline.h"

namespace uwsgi {

Result<Lifeline> Lifeline::Create() { return Lifeline(TRY(MakePipe())); }

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
