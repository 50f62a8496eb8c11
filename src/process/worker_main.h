// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "process/hooks.h"
#include "process/process_control.h"
#include "process/process_plan.h"
#include "runtime/services.h"
#include "service/background_plan.h"
#include "worker/worker.h"

namespace uwsgi {

class LogRelay;

// Everything that a process which serves is made of. Made once, before the first fork; it outlives
// all processes that use it.
struct ServingParts {
  const SupervisionSpec* supervision = nullptr;
  const WorkerSpec* worker_spec = nullptr;
  const RequestSpec* request_spec = nullptr;
  Scoreboard* scoreboard = nullptr;
  std::vector<const Listener*> listeners;
  LanguageRuntime* runtime = nullptr;
  ServerControl* control = nullptr;
  const IdentitySpec* identity = nullptr;
  HookRunner* hooks = nullptr;
  Migration* migration = nullptr;    // null with one worker
  Succession* succession = nullptr;  // null without a master
  const Services* services = nullptr;
  int64_t started_on = 0;                      // of the first start, seconds since 1970
  const BackgroundSpec* background = nullptr;  // null without a master
  LogRelay* log = nullptr;                     // null: every process writes its lines itself
};

// In a child of a master that stays root (master-as-root): it gives up what it has no use for.
Status LeaveRoot(const ServingParts& parts);

// What worker `id` does from the fork to its end: title, directory, application (lazy-apps),
// requests, the language's end. `master_fd` is at its end when nobody is above the worker any more.
// The result is the exit status of the process. Called
// with all signals blocked: those that tell it to end are kept until it can do that in order.
int WorkerMain(const ServingParts& parts, int id, int berth, int master_fd, UniqueFd reports);

// What happens on the way of a worker, as WorkerContext has it.
struct WorkerEvents {
  UniqueFunction<void()> on_ready;  // it has entered its loop
  UniqueFunction<void()> on_stop;   // it has been told to end, on any thread; may be empty
  UniqueFunction<void(RecycleCause)> on_recycle;  // it wants to be replaced; may be empty
  UniqueFunction<void()> on_given_up;             // it cannot end a request; may be empty
  UniqueFunction<void()> on_waiting;              // see WorkerContext; may be empty
  UniqueFunction<void(int)> end_now;  // ends the process in the middle of things, on any thread
};

// The part of it that a first process without a master does too, which is a worker and more.
int ServeAsWorker(const ServingParts& parts, int id, int berth, int master_fd, WorkerEvents events);

}  // namespace uwsgi
