// SPDX-License-Identifier: Apache-2.0
#include "process/vassal_blacklist.h"

#include <algorithm>

namespace uwsgi {

void VassalBlacklist::NoteFailure(const std::string& name, int64_t now_us, int64_t wall_s) {
  Entry& entry = entries_[name];
  if (entry.attempts++ == 0) entry.first_failure = wall_s;
  entry.last_failure = wall_s;
  entry.pause_us = std::min(longest_us_, entry.pause_us + step_us_);
  entry.may_start_us = now_us + entry.pause_us;
  entry.is_reported = false;
}

bool VassalBlacklist::MayStart(const std::string& name, int64_t now_us) const {
  const auto found = entries_.find(name);
  return found == entries_.end() || now_us >= found->second.may_start_us;
}

bool VassalBlacklist::ReportOnce(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.is_reported) return false;
  found->second.is_reported = true;
  return true;
}

}  // namespace uwsgi
