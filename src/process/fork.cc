// SPDX-License-Identifier: Apache-2.0
#include "process/fork.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "net/signal_source.h"
#include "process/log_relay.h"
#include "process/privileges.h"

namespace uwsgi {
namespace {

constexpr int kCannotStart = 127;

// The child shall end with its parent, and at once if the parent is gone already.
void TieLifeTo(pid_t parent, int death_signal) {
  ::prctl(PR_SET_PDEATHSIG, death_signal);
  if (::getppid() != parent) EndProcess(0);
}

// Before signals are unblocked: the parent's handlers would leave what the child receives in the
// parent's pipe.
void ResetSignals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
}

[[noreturn]] void RunChild(ForkSpec& spec, pid_t parent, UniqueFd reports,
                           std::optional<LogSeat> seat) {
  TieLifeTo(parent, spec.death_signal);
  GiveUpSignalRight();
  if (seat) spec.log->Enter(std::move(*seat));
  if (spec.leave_parent) spec.leave_parent();
  if (spec.runtime != nullptr) spec.runtime->AfterForkChild();
  EndProcess(spec.main(std::move(reports)));
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What follows runs in the child of a process that may have had threads: nothing here allocates.

[[noreturn]] void Complain(const char* what) {
  const char* const why = std::strerror(errno);
  for (const char* part : {what, ": ", why, "\n"}) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, part, std::strlen(part));
  }
  ::_exit(kCannotStart);
}

bool Become(const ProgramIdentity& identity) {
  return ::setgroups(identity.groups.size(), identity.groups.data()) == 0 &&
         ::setgid(identity.gid) == 0 && ::setuid(identity.uid) == 0;
}

bool ReadNothing() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return fd >= 0 && ::dup2(fd, STDIN_FILENO) >= 0;
}

// The caller goes on as the first process of a new namespace; outside, its parent stands for it.
void EnterPidNamespace() {
  if (::unshare(CLONE_NEWPID) != 0) Complain("pid namespace");
  const pid_t inner = ::fork();
  if (inner < 0) Complain("fork()");
  if (inner == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return;
  }
  // It becomes no program, so nothing would close what is the master's: sockets that clients
  // connect to, pipes whose end others wait for.
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  int status = 0;
  while (::waitpid(inner, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

[[noreturn]] void RunProgram(const ProgramSpec& spec, char* const* argv, char* const* environment,
                             pid_t parent) {
  if (spec.new_session) ::setsid();
  // The kernel forgets the death signal of who becomes somebody else.
  if (spec.identity && !Become(*spec.identity)) Complain("identity");
  if (spec.death_signal != 0) TieLifeTo(parent, spec.death_signal);
  ResetSignals();
  UnblockSignals();
  if (spec.null_input && !ReadNothing()) Complain("/dev/null");
  if (spec.new_pid_namespace) EnterPidNamespace();
  if (spec.input >= 0) ::dup2(spec.input, STDIN_FILENO);
  if (spec.output >= 0) {
    ::dup2(spec.output, STDOUT_FILENO);
    ::dup2(spec.output, STDERR_FILENO);
  }
  if (!spec.directory.empty() && ::chdir(spec.directory.c_str()) != 0)
    Complain(spec.directory.c_str());
  ::environ = const_cast<char**>(environment);
  if (spec.before_exec != nullptr && !(*spec.before_exec)()) ::_exit(1);
  for (const int fd : spec.inherit) ::fcntl(fd, F_SETFD, 0);
  ::execve(spec.path.c_str(), argv, ::environ);
  Complain(spec.path.c_str());
}

}  // namespace

void EndProcess(int status) {
  std::fflush(nullptr);
  ::_exit(status);
}

Status KeepLifeTied(UniqueFunction<Status()> change) {
  const pid_t parent = ::getppid();
  int death_signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &death_signal);
  TRY_STATUS(change());
  if (death_signal != 0) TieLifeTo(parent, death_signal);
  return {};
}

Result<Forked> ForkChild(ForkSpec spec) {
  FdPair pipe = TRY(MakePipe());
  std::optional<LogSeat> seat;
  if (spec.log != nullptr) seat = TRY(spec.log->Prepare(spec.log_as, spec.log_worker));
  const SignalMask mask;
  const pid_t parent = ::getpid();
  // What is still in stdio's buffers must not be written twice.
  std::fflush(nullptr);
  if (spec.runtime != nullptr) spec.runtime->BeforeFork();
  const pid_t pid = ::fork();
  if (pid == 0) {
    pipe.first.Reset();
    RunChild(spec, parent, std::move(pipe.second), std::move(seat));
  }
  const int error = errno;
  if (spec.runtime != nullptr) spec.runtime->AfterForkParent();
  if (pid < 0) return ErrnoError("fork()", error);
  if (seat) spec.log->NoteChild(std::move(*seat), pid);
  return Forked{pid, std::move(pipe.first)};
}

Result<pid_t> SpawnProgram(const ProgramSpec& spec) {
  const std::vector<char*> argv = Pointers(spec.argv);
  const std::vector<char*> environment = Pointers(spec.environment);
  const SignalMask mask;
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) RunProgram(spec, argv.data(), environment.data(), parent);
  if (pid < 0) return ErrnoError("fork()", errno);
  return pid;
}

Result<pid_t> SpawnDetached(const ProgramSpec& spec) {
  ProgramSpec detached = spec;
  detached.death_signal = 0;
  const std::vector<char*> argv = Pointers(detached.argv);
  const std::vector<char*> environment = Pointers(detached.environment);
  FdPair pipe = TRY(MakePipe());
  const SignalMask mask;
  const pid_t parent = ::getpid();
  const pid_t middle = ::fork();
  if (middle == 0) {
    const pid_t pid = ::fork();
    if (pid == 0) RunProgram(detached, argv.data(), environment.data(), parent);
    [[maybe_unused]] const ssize_t written = ::write(pipe.second.get(), &pid, sizeof pid);
    ::_exit(pid < 0 ? kCannotStart : 0);
  }
  if (middle < 0) return ErrnoError("fork()", errno);
  // It ends at once.
  while (::waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_t pid = 0;
  const bool is_whole = ::read(pipe.first.get(), &pid, sizeof pid) == sizeof pid;
  if (!is_whole || pid <= 0) return Fail("fork() of a program in the background failed");
  return pid;
}

Result<bool> Detach() {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return ErrnoError("daemonize: fork()", errno);
  if (child > 0) {
    // The one in the middle ends at once.
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return false;
  }
  if (::setsid() < 0) return ErrnoError("daemonize: setsid()", errno);
  const pid_t daemon = ::fork();
  if (daemon < 0) return ErrnoError("daemonize: fork()", errno);
  if (daemon > 0) EndProcess(0);
  return true;
}

}  // namespace uwsgi
