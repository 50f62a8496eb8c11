// SPDX-License-Identifier: Apache-2.0
#include "process/alarm_duty.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "net/poller.h"

namespace uwsgi {
namespace {

// However quickly alarms are raised, the master has other work, too.
constexpr int kTakenAtATurn = 16;
constexpr int kMostCommands = 32;  // at a time

// The text as something a program can read to its end, however long it is.
Result<UniqueFd> AsInput(const std::string& text) {
  UniqueFd file(::memfd_create("alarm", MFD_CLOEXEC));
  if (!file.valid()) return ErrnoError("memfd_create()", errno);
  TRY_STATUS(WriteAll(file.get(), text));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return ErrnoError("lseek()", errno);
  return file;
}

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> variables;
  for (char** at = ::environ; *at != nullptr; ++at) variables.emplace_back(*at);
  return variables;
}

}  // namespace

Status AlarmDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  TRY(desk.loop().Watch(alarms_.fd(), kReadable, [this](uint32_t) { TakeSome(kTakenAtATurn); }));
  return WatchFds();
}

Status AlarmDuty::WatchFds() {
  for (const AlarmFdSpec& spec : alarms_.spec().fds) {
    const Status watched = fds_.Add(desk_->loop(), spec.fd, spec.bytes,
                                    [this, &spec] { alarms_.RaiseAll(spec.alarms, spec.text); });
    if (!watched)
      return WithContext(fmt::format("alarm-fd {} ({})", spec.fd, spec.origin), watched.error());
    Log("[uwsgi-alarm] added fd {}", spec.fd);
  }
  return {};
}

// What is left calls again.
void AlarmDuty::TakeSome(int most) {
  for (int taken = 0; taken < most; ++taken) {
    const auto raised = alarms_.Take(MonotonicMicros() / 1'000'000);
    if (!raised) return;
    Act(*raised->alarm, raised->text);
  }
}

void AlarmDuty::Act(const AlarmSpec& alarm, const std::string& text) {
  switch (alarm.kind) {
    case AlarmKind::kLog:
      LogDated("ALARM: {}{}{}", alarm.argument, alarm.argument.empty() ? "" : " ", text);
      break;
    case AlarmKind::kCommand:
      if (const Status started = RunCommand(alarm.argument, text); !started)
        Log("alarm {}: {}", alarm.name, started.error().text());
      break;
    case AlarmKind::kMule:
      if (reach_.tell_mule) reach_.tell_mule(alarm.number, text);
      break;
    case AlarmKind::kSignal:
      if (reach_.send_signal) reach_.send_signal(alarm.number);
      break;
  }
}

Status AlarmDuty::RunCommand(const std::string& command, const std::string& text) {
  if (running_ >= kMostCommands) {
    if (std::exchange(is_crowded_, true)) return {};
    return Fail("{} commands run already, what is raised until one has ended is left out",
                kMostCommands);
  }
  const UniqueFd input = TRY(AsInput(text));
  ProgramSpec program{.path = "/bin/sh",
                      .argv = {"/bin/sh", "-c", command},
                      .environment = OwnEnvironment(),
                      .input = input.get()};
  TRY(desk_->RunProgram(program, [this](int) {
    --running_;
    is_crowded_ = false;
  }));
  ++running_;
  return {};
}

}  // namespace uwsgi
