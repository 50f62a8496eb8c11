// SPDX-License-Identifier: Apache-2.0
#include "process/mule_main.h"

#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "net/signal_source.h"
#include "process/messages.h"
#include "process/user_signals.h"
#include "service/mule_link.h"
#include "service/signal_router.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

// A mule from after its fork to its end: the application's hooks, then its own program, or else
// what signals and messages bring, one after the other. It is told to end by signals, which a
// running handler does not notice until it is done.
class Mule {
 public:
  Mule(const ServingParts& parts, HelperContext context, SignalSource ending)
      : parts_(parts),
        context_(std::move(context)),
        ending_(std::move(ending)),
        slot_(parts.services->mule_slots[static_cast<size_t>(context_.id - 1)]),
        link_(*parts.services->mules) {}

  int Run();

 private:
  struct Source {
    int fd;
    void (Mule::*take)(int fd);
  };

  std::vector<Source> Sources() const;
  int Serve();
  void TakeSignal(int fd);
  void TakeMessage(int fd);
  void BeginWork() {
    slot_.BeginWork(MonotonicMicros(), parts_.background->mule_harakiri_s * kSecond);
  }

  const ServingParts& parts_;
  HelperContext context_;
  SignalSource ending_;
  HelperSlot& slot_;
  MuleLink& link_;
};

int Mule::Run() {
  if (const auto done = parts_.hooks->Run(HookPhase::kAsMule); !done) {
    Log("mule {}: {}", context_.id, done.error().text());
    return done.error().exit_code;
  }
  // Ready it is also while the application keeps it.
  context_.report_ready();
  if (const auto status = parts_.runtime->StartMule()) return *status;
  const std::string& program =
      parts_.background->mule_programs[static_cast<size_t>(context_.id - 1)];
  if (!program.empty()) return parts_.runtime->RunMuleProgram(program);
  UnblockSignals();
  return Serve();
}

std::vector<Mule::Source> Mule::Sources() const {
  std::vector<Source> sources;
  for (const int fd : parts_.services->signals->OwnQueues())
    sources.push_back({fd, &Mule::TakeSignal});
  for (const int fd : link_.MuleQueues(context_.id)) sources.push_back({fd, &Mule::TakeMessage});
  for (const int fd : link_.FarmQueues(context_.id)) sources.push_back({fd, &Mule::TakeMessage});
  return sources;
}

int Mule::Serve() {
  const std::vector<Source> sources = Sources();
  std::vector<pollfd> waits = {{ending_.fd(), POLLIN, 0}, {context_.master_fd, POLLIN, 0}};
  const size_t first = waits.size();
  for (const Source& source : sources) waits.push_back({source.fd, POLLIN, 0});
  for (;;) {
    if (::poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) continue;
      Log("mule {}: {}", context_.id, ErrnoError("poll()", errno).value().text());
      return 1;
    }
    if (waits[0].revents != 0 || waits[1].revents != 0) return 0;
    for (size_t i = 0; i < sources.size(); ++i) {
      if (waits[first + i].revents != 0) (this->*sources[i].take)(sources[i].fd);
      if (!ending_.Drain().empty()) return 0;
    }
  }
}

void Mule::TakeSignal(int fd) {
  const auto signal = SignalRouter::Take(fd);
  if (!signal) return;
  BeginWork();
  RunHelperSignal(parts_, slot_, "mule", context_.id, *signal);
  slot_.EndWork();
}

void Mule::TakeMessage(int fd) {
  const auto message = link_.Take(fd);
  if (!message) return;
  BeginWork();
  parts_.runtime->HandleMuleMessage(context_.id, *message);
  slot_.tasks.fetch_add(1, std::memory_order_relaxed);
  slot_.EndWork();
}

int MuleMain(const ServingParts& parts, HelperContext context) {
  auto ending = SignalSource::Create();
  Status installed = ending ? ending->Install({SIGHUP, SIGINT, SIGTERM}) : Status();
  if (!ending || !installed) {
    Log("mule {}: {}", context.id, (ending ? installed.error() : ending.error()).text());
    return 1;
  }
  parts.services->signals->BecomeMule(context.id);
  return Mule(parts, std::move(context), std::move(*ending)).Run();
}

}  // namespace

std::vector<HelperPlace> MakeMulePlaces(const ServingParts& parts) {
  std::vector<HelperPlace> places;
  if (parts.background == nullptr) return places;
  const auto& farms = parts.background->receivers.farms;
  for (size_t i = 0; i < farms.size(); ++i)
    Log("created farm {} name: {} mules:{}", i + 1, farms[i].name, fmt::join(farms[i].mules, ","));
  const auto count = static_cast<int>(parts.background->mule_programs.size());
  for (int id = 1; id <= count; ++id) {
    HelperPlace& place = places.emplace_back();
    place.kind = ChildKind::kMule;
    place.id = id;
    place.title = fmt::format("uWSGI mule {}", id);
    place.mercy_us = parts.background->mule_mercy_s * kSecond;
    place.slot = &parts.services->mule_slots[static_cast<size_t>(id - 1)];
    place.main = [&parts](HelperContext context) { return MuleMain(parts, std::move(context)); };
    place.spawned_line = [id](pid_t pid) { return message::MuleSpawned(id, pid); };
    place.died_line = [id](pid_t pid, int) { return message::MuleDied(id, pid); };
  }
  return places;
}

}  // namespace uwsgi
