// SPDX-License-Identifier: Apache-2.0
#include "process/child_table.h"

#include <algorithm>

namespace uwsgi {

Child& ChildTable::Add(ChildKind kind, int id) {
  Child& child = children_.emplace_back();
  child.kind = kind;
  child.id = id;
  return child;
}

void ChildTable::ForgetPredecessors() {
  // They stand behind all others, so that erasing them moves nobody.
  while (!children_.empty() && RowOf(children_.back().kind).restart == Restart::kNever &&
         children_.back().state == ChildState::kVacant) {
    children_.pop_back();
  }
}

Child* ChildTable::FindPid(pid_t pid) {
  const auto found =
      std::ranges::find_if(children_, [pid](const Child& child) { return child.pid == pid; });
  return pid != 0 && found != children_.end() ? &*found : nullptr;
}

Child* ChildTable::Find(ChildKind kind, int id, int berth) {
  const auto found = std::ranges::find_if(children_, [=](const Child& child) {
    return child.kind == kind && child.id == id && child.berth == berth;
  });
  return found != children_.end() ? &*found : nullptr;
}

Child& ChildTable::TwinOf(const Child& worker) {
  return *Find(worker.kind, worker.id, 1 - worker.berth);
}

int ChildTable::CountProcesses() const {
  return static_cast<int>(
      std::ranges::count_if(children_, [](const Child& child) { return child.has_process(); }));
}

int ChildTable::CountProcesses(ChildKind kind) const {
  return static_cast<int>(std::ranges::count_if(
      children_, [kind](const Child& child) { return child.kind == kind && child.has_process(); }));
}

int ChildTable::Count(ChildKind kind, ChildState state) const {
  return static_cast<int>(std::ranges::count_if(children_, [kind, state](const Child& child) {
    return child.kind == kind && child.state == state;
  }));
}

}  // namespace uwsgi
