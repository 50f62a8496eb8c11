// SPDX-License-Identifier: Apache-2.0
#include "process/messages.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>

#include "worker/worker.h"

namespace uwsgi::message {

std::string MasterSpawned(pid_t pid) {
  return fmt::format("spawned uWSGI master process (pid: {})", pid);
}

std::string MasterRespawned(pid_t pid) {
  return fmt::format("gracefully (RE)spawned uWSGI master process (pid: {})", pid);
}

std::string WorkerSpawned(int id, pid_t pid, int cores) {
  return fmt::format("spawned uWSGI worker {} (pid: {}, cores: {})", id, pid, cores);
}

std::string OnlyWorkerSpawned(pid_t pid, int cores) {
  return fmt::format("spawned uWSGI worker 1 (and the only) (pid: {}, cores: {})", pid, cores);
}

std::string WorkerRespawned(int id, pid_t pid) {
  return fmt::format("Respawned uWSGI worker {} (new pid: {})", id, pid);
}

std::string WorkerDied(int id, pid_t pid, int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return fmt::format("DAMN ! worker {} (pid: {}) died, killed by signal {} :( trying respawn ...",
                       id, pid, WTERMSIG(wait_status));
  }
  return fmt::format("DAMN ! worker {} (pid: {}) died, exit code {} :( trying respawn ...", id, pid,
                     WEXITSTATUS(wait_status));
}

std::string WorkerBuried(int id, int64_t seconds) {
  return fmt::format("worker {} buried after {} seconds", id, seconds);
}

std::string WorkerKilled(int id, pid_t pid) {
  return fmt::format("worker {} killed successfully (pid: {})", id, pid);
}

std::string WorkerCheaped(int id) { return fmt::format("uWSGI worker {} cheaped.", id); }

std::string WorkerHasServed(int id, pid_t pid, uint64_t requests) {
  return fmt::format("worker {} (pid: {}) has served {} requests (max-requests) and is replaced",
                     id, pid, requests);
}

std::string WorkerHasRaised(int id, pid_t pid) {
  return fmt::format("... monitored exception detected, respawning worker {} (pid: {})...", id,
                     pid);
}

std::string WorkersIdle(int64_t limit_s, int64_t now_s, int64_t last_s) {
  return fmt::format("workers have been inactive for more than {} seconds ({}-{})", limit_s, now_s,
                     last_s);
}

std::string WorkerLifetimeReached(int id, int64_t seconds) {
  return fmt::format("worker {} lifetime reached, it was running for {} second(s)", id, seconds);
}

std::string WorkerCannotStart(int id, pid_t pid, int exit_status) {
  if (exit_status != kExitNoApp)
    return fmt::format("OOPS ! worker {} (pid {}) cannot start (exit code {})", id, pid,
                       exit_status);
  return fmt::format("OOPS ! failed loading app in worker {} (pid {})", id, pid);
}

std::string RespawningTooFast(int id, int64_t pause_s) {
  return fmt::format("worker respawning too fast !!! worker {} has to wait a bit ({} seconds)...",
                     id, pause_s);
}

std::string NoMercy(std::string_view kind, int id, pid_t pid) {
  return fmt::format("{} {} (pid: {}) is taking too much time to die...NO MERCY !!!", kind, id,
                     pid);
}

std::string MuleSpawned(int id, pid_t pid) {
  return fmt::format("spawned uWSGI mule {} (pid: {})", id, pid);
}

std::string MuleDied(int id, pid_t pid) {
  return fmt::format("OOOPS mule {} (pid: {}) crippled...trying respawn...", id, pid);
}

std::string SpoolerSpawned(std::string_view directory, pid_t pid) {
  return fmt::format("spawned the uWSGI spooler on dir {} with pid {}", directory, pid);
}

std::string HelperEnded(std::string_view title, pid_t pid) {
  return fmt::format("{} ended (pid: {})", title, pid);
}

std::string HelperHarakiri(bool is_spooler, int id, pid_t pid) {
  if (is_spooler) return fmt::format("*** HARAKIRI ON THE SPOOLER (pid: {}) ***", pid);
  return fmt::format("*** HARAKIRI ON MULE {} (pid: {}) ***", id, pid);
}

std::string ListenQueueFull(std::string_view socket, int fd, int waiting, int limit) {
  return fmt::format("listen queue of socket \"{}\" (fd: {}) full !!! ({}/{})", socket, fd, waiting,
                     limit);
}

std::string Crashed(std::string_view name, pid_t pid, int signal) {
  return fmt::format("{} (pid: {}) was killed by signal {} ({})", name, pid, signal,
                     ::strsignal(signal));
}

std::string Pidfile(std::string_view path) { return fmt::format("writing pidfile to {}", path); }

std::string Chdir(std::string_view path) { return fmt::format("chdir() to {}", path); }

std::string Vacuumed(std::string_view what) { return fmt::format("VACUUM: {} removed.", what); }

}  // namespace uwsgi::message
