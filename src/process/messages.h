// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

// The lines about processes that operators and their scripts look for (reference 12 sections 2 and
// 8). Each is written here and nowhere else, so that its shape changes for nobody by accident.
namespace uwsgi::message {

std::string MasterSpawned(pid_t pid);
std::string MasterRespawned(pid_t pid);
std::string WorkerSpawned(int id, pid_t pid, int cores);
// Without a master, and the only worker.
std::string OnlyWorkerSpawned(pid_t pid, int cores);
std::string WorkerRespawned(int id, pid_t pid);

// A worker that nobody had asked to end; `wait_status` as waitpid() gave it.
std::string WorkerDied(int id, pid_t pid, int wait_status);
std::string WorkerBuried(int id, int64_t seconds);
std::string WorkerKilled(int id, pid_t pid);
std::string WorkerCheaped(int id);
std::string WorkerHasServed(int id, pid_t pid, uint64_t requests);
std::string WorkerHasRaised(int id, pid_t pid);
// Nobody has asked for anything for a while; both in seconds since 1970.
std::string WorkersIdle(int64_t limit_s, int64_t now_s, int64_t last_s);
std::string WorkerLifetimeReached(int id, int64_t seconds);
// Its exit status tells whether it is the application that cannot be loaded.
std::string WorkerCannotStart(int id, pid_t pid, int exit_status);
std::string RespawningTooFast(int id, int64_t pause_s);
std::string NoMercy(std::string_view kind, int id, pid_t pid);
std::string MuleSpawned(int id, pid_t pid);
std::string MuleDied(int id, pid_t pid);
// A mule or spooler; `title` as in ps.
std::string SpoolerSpawned(std::string_view directory, pid_t pid);
std::string HelperEnded(std::string_view title, pid_t pid);
std::string HelperHarakiri(bool is_spooler, int id, pid_t pid);

// Without the stars around it, as alarms tell it.
std::string ListenQueueFull(std::string_view socket, int fd, int waiting, int limit);
// `name` is "worker 1", "uWSGI mule 2".
std::string Crashed(std::string_view name, pid_t pid, int signal);

std::string Pidfile(std::string_view path);
std::string Chdir(std::string_view path);
// `what` is a path with what it was: "pidfile", "unix socket /run/app.sock".
std::string Vacuumed(std::string_view what);

inline constexpr std::string_view kStopping = "SIGINT/SIGTERM received...killing workers...";
inline constexpr std::string_view kPaused = "*** PAUSE (press start to resume, ...) ***";
inline constexpr std::string_view kHarakiriNeedsMaster =
    "*** WARNING: harakiri needs the master process (--master), without it no request is ended ***";
inline constexpr std::string_view kSpoolerDied = "OOOPS the spooler is no more...trying respawn...";
inline constexpr std::string_view kGoodbye = "goodbye to uWSGI.";
inline constexpr std::string_view kGameOver = "uWSGI: GAME OVER (insert coin)";
inline constexpr std::string_view kReloading = "...gracefully killing workers...";
inline constexpr std::string_view kCheap = "cheap mode enabled: waiting for socket connection...";
inline constexpr std::string_view kBinaryReloading = "binary reloading uWSGI...";
inline constexpr std::string_view kNeedApp = "need-app requested, destroying the instance...";
inline constexpr std::string_view kRoot =
    "*** WARNING: you are running uWSGI as root !!! (use the --uid flag) ***";
inline constexpr std::string_view kNoMaster =
    "*** WARNING: you are running uWSGI without its master process manager ***";

}  // namespace uwsgi::message
