// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "request/request.h"

namespace uwsgi {

// How requests find their application (reference 22 section 9.1).
struct AppTableSpec {
  bool manage_script_name = false;  // split PATH_INFO at the longest mount point
  bool ignore_script_name = false;  // SCRIPT_NAME does not choose
  bool no_default_app = false;      // unknown mount points get no application
  enum class HostKey : uint8_t { kNone, kServerName, kHttpHost };
  HostKey host_key = HostKey::kNone;  // vhost: keys are HOST|SCRIPT_NAME
};

// Which application answers below which mount point. Filled while applications are loaded, then
// read by the threads that run requests (a language with dynamic applications guards it with its
// own lock). Applications are numbered from 0.
class AppTable {
 public:
  static constexpr int kNone = -1;

  explicit AppTable(AppTableSpec spec) : spec_(spec) {}

  // Mounts the next application and returns its number; a mount point that is taken stays with the
  // first. Trailing slashes of `mountpoint` do not count: "/" is the same as "".
  int Add(std::string_view mountpoint);

  // The application for this request, kNone when there is none. With manage_script_name it moves
  // the mount point from PATH_INFO to SCRIPT_NAME; the request must not outlive the table.
  [[nodiscard]] int Choose(Request& request) const;

  // The application mounted exactly under this key.
  [[nodiscard]] int Find(std::string_view key) const;
  // What a request is looked up by: UWSGI_APPID, else SCRIPT_NAME, with its host in front for
  // vhosts.
  [[nodiscard]] std::string_view KeyOf(Request& request) const;
  // The one for keys that nobody has: the first mounted at "" or below "/".
  [[nodiscard]] int default_app() const { return default_app_; }
  [[nodiscard]] const std::string& mountpoint(int app) const {
    return mountpoints_[static_cast<size_t>(app)];
  }
  [[nodiscard]] int size() const { return static_cast<int>(mountpoints_.size()); }

 private:
  // The application with the longest mount point that is whole segments of the path.
  [[nodiscard]] int FindByPath(std::string_view path) const;

  AppTableSpec spec_;
  std::deque<std::string> mountpoints_;  // never moved: SCRIPT_NAME of running requests points here
  int default_app_ = kNone;
};

}  // namespace uwsgi
