// SPDX-License-Identifier: Apache-2.0
#include "process/hook_actions.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "process/fork.h"
#include "process/privileges.h"
#include "process/wait_for.h"

namespace uwsgi {
namespace {

constexpr int64_t kRetrySeconds = 1;

// The words an action asks for; they have been counted when the configuration was read.
template <size_t kCount>
std::array<std::string, kCount> Words(const std::string& argument) {
  std::vector<std::string> found = SplitArgument(argument, kCount);
  std::array<std::string, kCount> words;
  std::move(found.begin(), found.end(), words.begin());
  return words;
}

Status Done(int outcome, const std::string& what) {
  if (outcome != 0) return ErrnoError(what, errno);
  return {};
}

Status ChangeDirectory(const std::string& path, HookServices&) {
  return Done(::chdir(path.c_str()), "chdir " + path);
}

Status MakeDirectory(const std::string& path, HookServices&) {
  return Done(::mkdir(path.c_str(), 0777), "mkdir " + path);
}

Status PutEnvironment(const std::string& assignment, HookServices&) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) return Fail("putenv: NAME=VALUE is expected");
  return Done(
      ::setenv(assignment.substr(0, equals).c_str(), assignment.c_str() + equals + 1, /*over=*/1),
      "putenv");
}

Result<mode_t> ParseMode(const std::string& text) {
  mode_t mode = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '7' || mode > 0777) return Fail("invalid hook chmod mask: {}", text);
    mode = mode * 8 + static_cast<mode_t>(digit - '0');
  }
  return mode;
}

Status ChangeMode(const std::string& argument, HookServices&) {
  const auto [path, text] = Words<2>(argument);
  const mode_t mode = TRY(ParseMode(text));
  return Done(::chmod(path.c_str(), mode), "chmod " + path);
}

Status ChangeOwner(const std::string& argument, HookServices&) {
  const auto [path, user, group] = Words<3>(argument);
  const User found = TRY(FindUser(user));
  const gid_t gid = TRY(FindGroup(group));
  return Done(::chown(path.c_str(), found.uid, gid), "chown " + path);
}

Status ChangeOwnerByNumber(const std::string& argument, HookServices&) {
  const auto [path, user, group] = Words<3>(argument);
  const auto uid = ParseId(user);
  const auto gid = ParseId(group);
  if (!uid || !gid) return Fail("invalid hook chown2 syntax, uid and gid must be numbers");
  return Done(::chown(path.c_str(), *uid, *gid), "chown " + path);
}

Status MakeSticky(const std::string& path, HookServices&) {
  struct stat found {};
  TRY_STATUS(Done(::stat(path.c_str(), &found), "stat " + path));
  return Done(::chmod(path.c_str(), found.st_mode | S_ISVTX), "chmod " + path);
}

Status Execute(const std::string& command, HookServices& services) {
  return services.run_command ? services.run_command(command) : RunShell(command);
}

// compat: a command that fails is told of and forgiven.
Status ExecuteSafely(const std::string& command, HookServices& services) {
  if (const Status done = Execute(command, services); !done) LogLine(done.error().text());
  return {};
}

Status Write(const std::string& path, int flags, const std::string& bytes) {
  const UniqueFd file = TRY(OpenFile(path, flags, 0666));
  return WriteAll(file.get(), bytes);
}

Status CreateFile(const std::string& path, HookServices&) {
  return Write(path, O_WRONLY | O_CREAT | O_TRUNC, "");
}

Status WriteText(const std::string& argument, HookServices&) {
  const auto [path, text] = Words<2>(argument);
  return Write(path, O_WRONLY | O_CREAT | O_TRUNC, text);
}

Status WriteLine(const std::string& argument, HookServices&) {
  const auto [path, text] = Words<2>(argument);
  return Write(path, O_WRONLY | O_CREAT | O_TRUNC, text + "\n");
}

Status AppendText(const std::string& argument, HookServices&) {
  const auto [path, text] = Words<2>(argument);
  return Write(path, O_WRONLY | O_CREAT | O_APPEND, text);
}

Status AppendLine(const std::string& argument, HookServices&) {
  const auto [path, text] = Words<2>(argument);
  return Write(path, O_WRONLY | O_CREAT | O_APPEND, text + "\n");
}

// A pipe without a reader is an error, not a reason to wait.
Status WriteFifo(const std::string& argument, HookServices&) {
  const auto [path, text] = Words<2>(argument);
  return Write(path, O_WRONLY | O_NONBLOCK, text);
}

// Until it succeeds, or patience is at its end.
template <typename F>
Status Retry(F&& attempt, const HookServices& services) {
  const int64_t until_us = MonotonicMicros() + services.patience_s * 1'000'000;
  for (;;) {
    const Status done = attempt();
    if (done || MonotonicMicros() >= until_us) return done;
    LogLine(done.error().text());
    ::sleep(kRetrySeconds);
  }
}

// As WriteFifo, for a reader that is not there yet.
Status WriteFifoPatiently(const std::string& argument, HookServices& services) {
  return Retry([&] { return WriteFifo(argument, services); }, services);
}

Status Unlink(const std::string& path, HookServices&) {
  return Done(::unlink(path.c_str()), "unlink " + path);
}

struct MountFlag {
  std::string_view name;
  unsigned long flag;
};
constexpr MountFlag kMountFlags[] = {
    {"bind", MS_BIND},        {"recursive", MS_REC},         {"rec", MS_REC},
    {"readonly", MS_RDONLY},  {"rdonly", MS_RDONLY},         {"ro", MS_RDONLY},
    {"private", MS_PRIVATE},  {"shared", MS_SHARED},         {"slave", MS_SLAVE},
    {"nosuid", MS_NOSUID},    {"noexec", MS_NOEXEC},         {"nodev", MS_NODEV},
    {"noatime", MS_NOATIME},  {"remount", MS_REMOUNT},       {"move", MS_MOVE},
    {"sync", MS_SYNCHRONOUS}, {"unbindable", MS_UNBINDABLE},
};
constexpr MountFlag kUnmountFlags[] = {
    {"force", MNT_FORCE},
    {"detach", MNT_DETACH},
    {"lazy", MNT_DETACH},
    {"expire", MNT_EXPIRE},
};

Result<unsigned long> ParseFlags(std::span<const MountFlag> known, std::string_view text) {
  unsigned long flags = 0;
  for (const std::string_view word : Split(text, ',')) {
    if (word.empty()) continue;
    const auto found = std::ranges::find(known, word, &MountFlag::name);
    if (found == known.end()) return Fail("unknown mount flag: {}", word);
    flags |= found->flag;
  }
  return flags;
}

Status Mount(const std::string& argument, HookServices&) {
  const std::vector<std::string> words = SplitArgument(argument, 4);
  const std::string flag_text = words.size() > 3 ? words[3] : "";
  const unsigned long flags = TRY(ParseFlags(kMountFlags, flag_text));
  return Done(::mount(words[1].c_str(), words[2].c_str(), words[0].c_str(), flags, nullptr),
              "mount " + words[2]);
}

Status Unmount(const std::string& argument, HookServices&) {
  const std::vector<std::string> words = SplitArgument(argument, 2);
  const std::string flag_text = words.size() > 1 ? words[1] : "";
  const unsigned long flags = TRY(ParseFlags(kUnmountFlags, flag_text));
  return Done(::umount2(words[0].c_str(), static_cast<int>(flags)), "umount " + words[0]);
}

// A function of C that is part of the process: of a library that was loaded with LD_PRELOAD.
template <typename Function>
Result<Function> FindSymbol(const std::string& name) {
  void* const symbol = ::dlsym(RTLD_DEFAULT, name.c_str());
  if (symbol == nullptr) return Fail("unable to call function \"{}\"", name);
  return reinterpret_cast<Function>(symbol);
}

Status Call(const std::string& argument, HookServices&) {
  const std::vector<std::string> words = SplitArgument(argument, 2);
  if (words.size() > 1) {
    TRY(FindSymbol<void (*)(const char*)>(words[0]))(words[1].c_str());
  } else {
    TRY(FindSymbol<void (*)()>(words[0]))();
  }
  return {};
}

Status CallWithResult(const std::string& argument, HookServices&) {
  const std::vector<std::string> words = SplitArgument(argument, 2);
  const int result = words.size() > 1
                         ? TRY(FindSymbol<int (*)(const char*)>(words[0]))(words[1].c_str())
                         : TRY(FindSymbol<int (*)()>(words[0]))();
  if (result != 0) return Fail("function \"{}\" returned {}", words[0], result);
  return {};
}

Result<int> CallWithNumber(const std::string& argument, std::string_view action) {
  const auto [name, number] = Words<2>(argument);
  const auto value = ParseInt(number);
  if (!value) return Fail("invalid hook {} syntax, {} is no number", action, number);
  return TRY(FindSymbol<int (*)(int)>(name))(static_cast<int>(*value));
}

Status CallInt(const std::string& argument, HookServices&) {
  TRY(CallWithNumber(argument, "callint"));
  return {};
}

Status CallIntWithResult(const std::string& argument, HookServices&) {
  const int result = TRY(CallWithNumber(argument, "callintret"));
  if (result != 0) return Fail("function \"{}\" returned {}", Words<2>(argument)[0], result);
  return {};
}

// compat: call-as-vassal1 and 3, call-as-emperor1, 2 and 4 tell the function of whom they are
// about; what it returns does not matter.
template <typename Function, typename... Facts>
Status CallAbout(const std::string& name, const HookServices& services, Facts... facts) {
  if (!services.vassal) return Fail("there is no vassal to call \"{}\" about", name);
  TRY(FindSymbol<Function>(name))(services.vassal->name.c_str(), (*services.vassal).*facts...);
  return {};
}

Status CallWithName(const std::string& name, HookServices& services) {
  return CallAbout<void (*)(const char*)>(name, services);
}

Status CallWithOwner(const std::string& name, HookServices& services) {
  return CallAbout<void (*)(const char*, uid_t, gid_t)>(name, services, &HookedVassal::uid,
                                                        &HookedVassal::gid);
}

Status CallWithPid(const std::string& name, HookServices& services) {
  return CallAbout<void (*)(const char*, pid_t)>(name, services, &HookedVassal::pid);
}

Status CallWithAll(const std::string& name, HookServices& services) {
  return CallAbout<void (*)(const char*, pid_t, uid_t, gid_t)>(
      name, services, &HookedVassal::pid, &HookedVassal::uid, &HookedVassal::gid);
}

Status SetHostname(const std::string& name, HookServices&) {
  return Done(::sethostname(name.c_str(), name.size()), "sethostname");
}

Status RaiseAlarm(const std::string& argument, HookServices& services) {
  const auto [alarm, text] = Words<2>(argument);
  if (!services.raise_alarm) return Fail("alarms are not to be had in this phase");
  return services.raise_alarm(alarm, text);
}

Status CallRpc(const std::string& argument, HookServices& services) {
  if (!services.call_rpc) return Fail("local rpc subsystem is still not initialized !!!");
  std::vector<std::string> words;
  for (const std::string_view word : SplitWords(argument)) words.emplace_back(word);
  const std::string function = words.front();
  words.erase(words.begin());
  TRY(services.call_rpc(function, std::move(words), services.patience_s));
  return {};
}

Status CallRpcPatiently(const std::string& argument, HookServices& services) {
  return Retry([&] { return CallRpc(argument, services); }, services);
}

Status WaitForPath(const std::string& path, HookServices& services) {
  return WaitFor(WaitKind::kPath, path, services.patience_s);
}
Status WaitForFile(const std::string& path, HookServices& services) {
  return WaitFor(WaitKind::kFile, path, services.patience_s);
}
Status WaitForDirectory(const std::string& path, HookServices& services) {
  return WaitFor(WaitKind::kDirectory, path, services.patience_s);
}
Status WaitForSocket(const std::string& address, HookServices& services) {
  return WaitFor(WaitKind::kSocket, address, services.patience_s);
}

Status HandleSignal(const std::string& argument, HookServices&) {
  const auto [number, name] = Words<2>(argument);
  const auto signal = ParseInt(number);
  if (!signal) return Fail("invalid hook unix_signal syntax, {} is no number", number);
  auto* const handler = TRY(FindSymbol<void (*)(int)>(name));
  struct sigaction action {};
  action.sa_handler = handler;
  return Done(::sigaction(static_cast<int>(*signal), &action, nullptr), "unix_signal " + number);
}

Status Exit(const std::string& argument, HookServices& services) {
  if (services.is_trial) return Fail("exit: the new program would end here");
  const auto status = ParseInt(Trim(argument));
  EndProcess(status ? static_cast<int>(*status) : 0);
}

Status PrintText(const std::string& text, HookServices&) {
  return WriteAll(STDOUT_FILENO, text + "\n");
}

Status LogText(const std::string& text, HookServices&) {
  LogLine(text);
  return {};
}

// clang-format off
constexpr HookActionRow kActions[] = {
    // name            syntax                          effect                waits  run
    {"cd",              "<directory>",                  HookEffect::kProcess,  false, ChangeDirectory},
    {"chdir",           "<directory>",                  HookEffect::kProcess,  false, ChangeDirectory},
    {"mkdir",           "<directory>",                  HookEffect::kOutside,  false, MakeDirectory},
    {"putenv",          "<name>=value",                 HookEffect::kProcess,  false, PutEnvironment},
    {"chmod",           "<file> <mode>",                HookEffect::kOutside,  false, ChangeMode},
    {"chown",           "<file> <user> <group>",        HookEffect::kOutside,  false, ChangeOwner},
    {"chown2",          "<file> <uid> <gid>",           HookEffect::kOutside,  false, ChangeOwnerByNumber},
    {"sticky",          "<file>",                       HookEffect::kOutside,  false, MakeSticky},
    {"exec",            "<command>",                    HookEffect::kOutside,  false, Execute},
    {"safeexec",        "<command>",                    HookEffect::kOutside,  false, ExecuteSafely},
    {"create",          "<file>",                       HookEffect::kOutside,  false, CreateFile},
    {"creat",           "<file>",                       HookEffect::kOutside,  false, CreateFile},
    {"write",           "<file> <string>",              HookEffect::kOutside,  false, WriteText},
    {"writen",          "<file> <string>",              HookEffect::kOutside,  false, WriteLine},
    {"append",          "<file> <string>",              HookEffect::kOutside,  false, AppendText},
    {"appendn",         "<file> <string>",              HookEffect::kOutside,  false, AppendLine},
    {"writefifo",       "<file> <string>",              HookEffect::kOutside,  false, WriteFifo},
    {"spinningfifo",    "<file> <string>",              HookEffect::kOutside,  true,  WriteFifoPatiently},
    {"unlink",          "<file>",                       HookEffect::kOutside,  false, Unlink},
    {"mount",           "<type> <source> <directory>",  HookEffect::kOutside,  false, Mount},
    {"umount",          "<directory>",                  HookEffect::kOutside,  false, Unmount},
    {"call",            "<function>",                   HookEffect::kServer,   false, Call},
    {"callret",         "<function>",                   HookEffect::kServer,   false, CallWithResult},
    {"callint",         "<function> <number>",          HookEffect::kServer,   false, CallInt},
    {"callintret",      "<function> <number>",          HookEffect::kServer,   false, CallIntWithResult},
    {"call-with-name",  "<function>",                   HookEffect::kServer,   false, CallWithName},
    {"call-with-owner", "<function>",                   HookEffect::kServer,   false, CallWithOwner},
    {"call-with-pid",   "<function>",                   HookEffect::kServer,   false, CallWithPid},
    {"call-with-all",   "<function>",                   HookEffect::kServer,   false, CallWithAll},
    {"hostname",        "<name>",                       HookEffect::kOutside,  false, SetHostname},
    {"alarm",           "<alarm> <text>",               HookEffect::kServer,   false, RaiseAlarm},
    {"rpc",             "<function>",                   HookEffect::kProcess,  true,  CallRpc},
    {"retryrpc",        "<function>",                   HookEffect::kProcess,  true,  CallRpcPatiently},
    {"wait_for_fs",     "<path>",                       HookEffect::kProcess,  true,  WaitForPath},
    {"wait_for_file",   "<file>",                       HookEffect::kProcess,  true,  WaitForFile},
    {"wait_for_dir",    "<directory>",                  HookEffect::kProcess,  true,  WaitForDirectory},
    {"wait_for_socket", "<address>",                    HookEffect::kProcess,  true,  WaitForSocket},
    {"unix_signal",     "<signal> <function>",          HookEffect::kProcess,  false, HandleSignal},
    {"exit",            "",                             HookEffect::kProcess,  false, Exit},
    {"print",           "",                             HookEffect::kServer,   false, PrintText},
    {"log",             "",                             HookEffect::kServer,   false, LogText},
};
// clang-format on

}  // namespace

const HookActionRow* FindHookAction(std::string_view name) {
  const auto* const found = std::ranges::find(kActions, name, &HookActionRow::name);
  return found == std::end(kActions) ? nullptr : found;
}

size_t WordsOf(std::string_view syntax) {
  return static_cast<size_t>(std::ranges::count(syntax, '<'));
}

std::vector<std::string> SplitArgument(std::string_view argument, size_t count) {
  std::vector<std::string> words;
  std::string_view rest = argument;
  while (words.size() + 1 < count) {
    const size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) break;
    words.emplace_back(rest.substr(0, blank));
    rest.remove_prefix(blank + 1);
  }
  if (!rest.empty()) words.emplace_back(rest);
  return words;
}

ProgramSpec ShellProgram(const std::string& command) {
  ProgramSpec program;
  program.path = "/bin/sh";
  program.argv = {"/bin/sh", "-c", command};
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    program.environment.emplace_back(*variable);
  }
  return program;
}

std::string CommandFailed(const std::string& command, int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return fmt::format("command \"{}\" was killed by signal {}", command, WTERMSIG(wait_status));
  }
  return fmt::format("command \"{}\" exited with non-zero code: {}", command,
                     WEXITSTATUS(wait_status));
}

Status RunShell(const std::string& command) {
  const pid_t pid = TRY(SpawnProgram(ShellProgram(command)));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return ErrnoError("waitpid()", errno);
  }
  if (status != 0) return Fail("{}", CommandFailed(command, status));
  return {};
}

}  // namespace uwsgi
