// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "config/options.h"
#include "process/cheaper.h"
#include "process/daemon_spec.h"
#include "process/emperor_plan.h"
#include "process/emperor_protocol.h"
#include "process/hooks.h"
#include "process/limits.h"
#include "process/log_file.h"
#include "process/privileges.h"
#include "process/process_title.h"
#include "process/recycle.h"
#include "process/stats_plan.h"
#include "process/touch_spec.h"
#include "process/wait_for.h"

namespace uwsgi {

// How the master and, without one, the first process treat the workers. Times in microseconds, 0
// for off.
struct SupervisionSpec {
  int processes = 1;
  int threads = 1;
  bool has_master = false;
  bool lazy_apps = false;
  bool need_app = false;
  bool exit_on_reload = false;
  bool no_orphans = false;
  std::string worker_directory;  // chdir2
  int64_t worker_mercy_us = 0;   // to finish requests on reload, recycling and SIGTERM
  int64_t prompt_mercy_us = 0;   // the same on SIGINT and SIGQUIT
  int64_t harakiri_us = 0;
  int64_t harakiri_grace_us = 0;
  RecycleSpec recycle;
  ScalingSpec scaling;
  bool lazy = false;           // a reload replaces the workers only
  bool cheap = false;          // no worker before the first connection
  int64_t idle_us = 0;         // without requests, then the server is cheap again
  bool die_on_idle = false;    // or ends
  bool shows_memory = false;   // somebody wants to see the memory of workers
  int64_t look_period_us = 0;  // between looks at load, age and memory
  int64_t pause_base_s = 1;    // between starts that fail
  int cpus_per_worker = 0;     // cpu-affinity
  TitleSpec titles;
};

// Files that hold our pid; empty for none.
struct PidfileSpec {
  std::string before_drop;       // pidfile
  std::string after_drop;        // pidfile2
  std::string safe_before_drop;  // safe-pidfile
  std::string safe_after_drop;   // safe-pidfile2
};

// A file or directory of the start, and the option that names it.
struct NamedFile {
  std::string path;
  std::string option;
  std::string origin;  // where it was given
};

// What the process does to itself before it serves.
struct StartUpSpec {
  std::vector<std::string> environment;  // "NAME=value", set
  std::vector<std::string> removed_environment;
  std::vector<std::string> environment_directories;  // envdir
  int umask = -1;
  bool daemonize = false;
  bool daemonize_after_load =
      false;                     // the log goes to the terminal until the applications are loaded
  LogFileSpec log;               // logto, daemonize
  LogFileSpec log_after_drop;    // logto2
  bool log_to_identity = false;  // logfile-chown
  bool log_reopen = false;       // at a reload
  std::string directory;         // chdir
  std::vector<WaitSpec> waits;   // before anything is bound
  IdentitySpec identity;
  LimitSpec limits;
  PidfileSpec pidfiles;
  bool vacuum = false;
  std::vector<NamedFile> named_files;  // of all of the above, for errors
};

struct ProcessSpec {
  StartUpSpec start_up;
  SupervisionSpec supervision;
  EmperorSpec emperor;
  VassalSpec vassal;
  HookSpec hooks;
  std::vector<std::string> fifos;  // by slot
  std::vector<TouchSpec> touches;
  std::vector<FdReloadSpec> fd_reloads;
  StatsSpec stats;
  std::vector<DaemonSpec> daemons;
  int64_t daemon_mercy_us = 0;  // what a daemon has to end
  int64_t stop_delay_us = 0;    // shutdown-delay
};

// What the options say about processes. An error names the option and where it was given.
Result<ProcessSpec> PlanProcesses(const Options& options);

// Whether something else than requests is asked for, so that a server without a socket has
// something to do.
bool WorksWithoutSockets(const Options& options);

// How lines of the server log begin (log-date, log-prefix).
LogStyle PlanLogStyle(const Options& options);

// What --stop, --reload, --pause, --suspend or --resume ask for: a signal for the process in a
// pidfile.
struct SignalOrder {
  std::string option;
  std::string pidfile;
  int signal = 0;
  int value = 0;  // that is sent with it
};
std::optional<SignalOrder> PlanSignal(const Options& options);

}  // namespace uwsgi
