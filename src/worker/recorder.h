// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "request/request.h"
#include "request/response.h"
#include "runtime/language_runtime.h"
#include "shm/scoreboard.h"

namespace uwsgi {

// Writes into the scoreboard what only statistics show: the variables of the running request,
// answers by time, status and application. One for each core, used by its thread. Without
// statistics the scoreboard has no room for them, and nothing is done.
class Recorder {
 public:
  Recorder(const LanguageRuntime& runtime, WorkerSlot& worker, CoreSlot& core)
      : runtime_(runtime), worker_(worker), core_(core), is_on_(core.vars != nullptr) {}

  void Begin(const VarTable& vars) {
    if (is_on_) RecordVars(vars);
  }
  void End(const Request& request, const Response& response, const RequestResult& result,
           int64_t micros) {
    if (is_on_) RecordAnswer(request, response, result, micros);
  }

 private:
  void RecordVars(const VarTable& vars);
  void RecordAnswer(const Request& request, const Response& response, const RequestResult& result,
                    int64_t micros);

  const LanguageRuntime& runtime_;
  WorkerSlot& worker_;
  CoreSlot& core_;
  bool is_on_;
  std::array<char, RequestVars::kCapacity> text_;
};

// Shows the applications of this process in the worker's berth, as far as it has room.
void PublishApps(const LanguageRuntime& runtime, WorkerSlot& worker);

}  // namespace uwsgi
