// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace uwsgi {

// Which vassals have failed, and when each may be tried again: later with every failure, until it
// has proven itself. Times are microseconds of the monotonic clock, but for those that are shown.
class VassalBlacklist {
 public:
  struct Entry {
    int64_t pause_us = 0;
    int64_t attempts = 0;
    int64_t may_start_us = 0;
    int64_t first_failure = 0;  // seconds since 1970
    int64_t last_failure = 0;
    bool is_reported = false;  // that it has to wait
  };

  // A pause grows by `step_us` with each failure, up to `longest_us`.
  VassalBlacklist(int64_t step_us, int64_t longest_us)
      : step_us_(step_us), longest_us_(longest_us) {}

  void NoteFailure(const std::string& name, int64_t now_us, int64_t wall_s);
  [[nodiscard]] bool MayStart(const std::string& name, int64_t now_us) const;
  // True the first time it is asked after a failure.
  bool ReportOnce(const std::string& name);
  void Forget(const std::string& name) { entries_.erase(name); }
  // Those that `is_gone` names, once they might start again.
  template <typename IsGone>
  void ForgetIf(IsGone is_gone, int64_t now_us) {
    std::erase_if(entries_, [&](const auto& entry) {
      return now_us >= entry.second.may_start_us && is_gone(entry.first);
    });
  }
  void Clear() { entries_.clear(); }
  [[nodiscard]] const std::map<std::string, Entry>& entries() const { return entries_; }

 private:
  int64_t step_us_, longest_us_;
  std::map<std::string, Entry> entries_;
};

}  // namespace uwsgi
