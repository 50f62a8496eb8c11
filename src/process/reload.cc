// SPDX-License-Identifier: Apache-2.0
#include "process/reload.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "process/fork.h"
#include "process/privileges.h"

namespace uwsgi {
namespace {

// The end of what a trial has said is what tells why it failed.
constexpr size_t kOutputLimit = 64 * 1024;

std::vector<std::string> WithVariables(std::vector<std::string> environment,
                                       std::vector<std::string> more) {
  for (std::string& variable : more) environment.push_back(std::move(variable));
  return environment;
}

std::string Variable(std::string_view name, int value) { return fmt::format("{}={}", name, value); }

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Of all of them, whichever fail; the first error.
Status KeepOverExec(const std::vector<int>& fds, bool keep) {
  Status done;
  for (const int fd : fds) {
    Status one = SetCloseOnExec(fd, !keep);
    if (!one && done) done = std::move(one);
  }
  return done;
}

// Returns only when it fails.
Error Exec(const StartCommand& command, const std::vector<std::string>& environment) {
  const std::vector<char*> argv_pointers = Pointers(command.argv);
  const std::vector<char*> environment_pointers = Pointers(environment);
  ::execve(command.binary.c_str(), argv_pointers.data(), environment_pointers.data());
  return ErrnoError("exec " + command.binary, errno).value();
}

// The same.
Status ExecSuccessor(const StartCommand& command, const HandOver& state,
                     const std::vector<std::string>& environment) {
  // The user of now may not be allowed in the directory of the start; absolute paths do without
  // it.
  if (::chdir(command.directory.c_str()) != 0 && ::chdir("/") != 0)
    return ErrnoError("chdir()", errno);
  TRY_STATUS(PassCapabilities(state.capabilities));
  return tl::unexpected(Exec(command, environment));
}

}  // namespace

Status Trial::Start(const HandOver& handed) {
  Abandon();
  const UniqueFd state = TRY(MakeMemoryFile(EncodeHandOver(handed)));
  FdPair pipe = TRY(MakePipe());
  const UniqueFd log(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!log.valid()) return ErrnoError("fcntl()", errno);
  ProgramSpec program;
  program.path = command_.binary;
  program.argv = command_.argv;
  program.environment = WithVariables(
      command_.environment,
      {Variable(kHandOverVariable, state.get()), Variable(kTrialVariable, log.get())});
  // As for the successor: absolute paths do without it.
  const bool may_enter = ::faccessat(AT_FDCWD, command_.directory.c_str(), X_OK, AT_EACCESS) == 0;
  program.directory = may_enter ? command_.directory : "/";
  program.output = pipe.second.get();
  program.inherit = {state.get(), log.get()};
  // A writer that finds the pipe full must wait, not lose what it says.
  if (::fcntl(pipe.second.get(), F_SETFL, 0) != 0) return ErrnoError("fcntl()", errno);
  pid_ = TRY(SpawnProgram(program));
  output_ = std::move(pipe.first);
  watch_ = TRY(loop_.Watch(output_.get(), kReadable, [this](uint32_t) { ReadOutput(); }));
  return {};
}

void Trial::ReadOutput() {
  char chunk[4096];
  for (;;) {
    const ssize_t got = ::read(output_.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      loop_.Unwatch(std::exchange(watch_, 0));
      return;
    }
    text_.append(chunk, static_cast<size_t>(got));
    if (text_.size() > kOutputLimit) text_.erase(0, text_.size() - kOutputLimit);
  }
}

std::string Trial::Finish() {
  if (watch_ != 0) ReadOutput();
  loop_.Unwatch(std::exchange(watch_, 0));
  output_.Reset();
  pid_ = 0;
  return std::exchange(text_, {});
}

void Trial::Abandon() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  Finish();
}

void Trial::LeaveInChild() {
  pid_ = 0;
  output_.Reset();
}

Error BecomeSuccessor(const StartCommand& command, const HandOver& state, SignalSource& signals) {
  const auto attempt = [&]() -> Status {
    const UniqueFd file = TRY(MakeMemoryFile(EncodeHandOver(state)));
    const UniqueFd here = TRY(OpenFile(".", O_PATH | O_DIRECTORY));
    const auto environment =
        WithVariables(command.environment, {Variable(kHandOverVariable, file.get())});
    std::vector<int> fds = DescriptorsOf(state);
    fds.push_back(file.get());
    // Signals stay blocked over the exec until the successor has handlers: none is lost, none kills
    // it.
    Status failed;
    {
      const SignalMask mask;
      signals.SendAgain();
      failed = KeepOverExec(fds, true);
      if (failed) failed = ExecSuccessor(command, state, environment);
      KeepCapabilities(state.capabilities);
    }
    [[maybe_unused]] const Status closed = KeepOverExec(fds, false);
    if (::fchdir(here.get()) != 0) return ErrnoError("fchdir()", errno);
    return failed;
  };
  return attempt().error();
}

Error BecomeProgram(const StartCommand& command) {
  if (::chdir(command.directory.c_str()) != 0)
    return ErrnoError("exec " + command.binary, errno).value();
  return Exec(command, command.environment);
}

}  // namespace uwsgi
