// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_json.h"
#include "base/log_output.h"
#include "base/unique_fd.h"
#include "net/event_loop.h"
#include "service/log_router.h"
#include "service/log_target.h"

namespace uwsgi {

// Everything that happens to a line between the pipe it came from and the loggers. For the process
// that writes the log; spec, loop and counters must outlive it.
class LogHub {
 public:
  // Where the log goes without loggers: an open descriptor, and the name of its file (empty: it has
  // none, and is neither rotated nor opened again).
  struct MainLog {
    UniqueFd fd;
    std::string path;
    int mode = -1;
  };
  static Result<std::unique_ptr<LogHub>> Create(const LogSpec& spec, EventLoop& loop,
                                                MainLog main_log, LogCounters& counters,
                                                const LogCommandStarter& start_command);

  // A line without its newline. Flush() when there are no more for now.
  void Take(const LogOrigin& origin, LogStream stream, std::string_view line,
            std::string_view level);
  void Flush();
  // Once a second.
  void Tick();
  void Rotate();
  void Reopen();
  void SetMain(MainLog main_log);
  // The sizes of files are somebody else's business from now on.
  void Retire() { is_retired_ = true; }

  // Nothing waits to be passed on.
  [[nodiscard]] bool is_empty() const;
  // What waits is lost.
  void GiveUp();

 private:
  LogHub(const LogSpec& spec, EventLoop& loop, LogCounters& counters, LogRouter router)
      : spec_(spec), loop_(loop), counters_(counters), router_(std::move(router)) {}
  Result<std::unique_ptr<LogTarget>> OpenMain(MainLog main_log);
  LogAnnouncer AnnouncerFor(size_t logger);
  [[nodiscard]] LogTarget& TargetOf(size_t logger) const {
    return logger == LogRouter::kMain ? *main_ : *targets_[logger];
  }
  [[nodiscard]] std::string Announcement(size_t logger, std::string_view line) const;
  void CountLost(size_t logger);
  void ReportLost();
  template <typename F>
  void ForEach(F&& visit) {
    for (size_t i = 0; i < targets_.size(); ++i) visit(i);
    visit(LogRouter::kMain);
  }

  const LogSpec& spec_;
  EventLoop& loop_;
  LogCounters& counters_;
  LogRouter router_;
  std::vector<std::unique_ptr<LogTarget>> targets_;
  std::unique_ptr<LogTarget> main_;
  std::vector<uint64_t> unreported_;  // lost by each target; the main log's at the end
  bool is_retired_ = false;
};

}  // namespace uwsgi
