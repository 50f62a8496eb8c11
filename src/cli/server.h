// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/service_set.h"
#include "config/options.h"
#include "net/listener_set.h"
#include "net/signal_source.h"
#include "process/daemonize.h"
#include "process/hand_over.h"
#include "process/hooks.h"
#include "process/log_relay.h"
#include "process/master.h"
#include "process/process_control.h"
#include "process/process_plan.h"
#include "process/reload.h"
#include "process/start_up.h"
#include "python/python_spec.h"
#include "request/request_spec.h"
#include "runtime/server_facts.h"
#include "shm/scoreboard.h"
#include "worker/migration.h"
#include "worker/succession.h"
#include "worker/worker.h"

namespace uwsgi {

// What each part needs to know, made from the options before anything is done, so that a mistake is
// found before anything has changed.
struct ServerSpecs {
  ProcessSpec process;
  std::vector<ListenerSpec> listeners;
  ListenerSpec inherited_listener;
  RequestSpec request;
  WorkerSpec worker;
  PythonSpec python;
  ServiceSpecs services;
  LogSpec log;
};
Result<ServerSpecs> PlanServer(const Options& options);

// The exit status of a failed start that another configuration (fallback-config) may make good.
inline constexpr int kExitFailed = 1;

// One server: owns what its processes share and everything that is made before the first fork.
class Server {
 public:
  // `has_fallback`: when the start fails with status 1, another configuration is run.
  Server(Options options, ServerSpecs specs, StartOrder order, StartCommand command,
         bool has_fallback)
      : options_(std::move(options)),
        specs_(std::move(specs)),
        order_(std::move(order)),
        command_(std::move(command)),
        has_fallback_(has_fallback),
        hooks_(specs_.process.hooks, order_),
        start_up_(specs_.process.start_up, order_, hooks_) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // From the configuration to the end of the last worker; the exit status. With daemonize also
  // called to its end in the process that the operator started.
  Result<int> Run();

 private:
  // The steps of the start (reference 11 section 2).
  Status PrepareProcess();
  Status StartLog();
  Status RememberSignals();
  Status BindSockets();
  Status CreateShared();
  Status LoadLanguage();
  Status LoadApps();
  Status Prepare();
  Result<int> Serve();
  Result<int> RunEmperor();
  Result<int> ServeWithMaster(ServingParts parts);
  Result<int> EndTrial();
  void LeaveNothing();
  [[nodiscard]] int64_t SmallestBacklog() const;
  void LogFacts() const;
  void OnStarted();
  void OnFailed(const Error& error);
  void ReportFailure(const Error& error);

  [[nodiscard]] const SupervisionSpec& supervision() const { return specs_.process.supervision; }
  [[nodiscard]] bool is_emperor_alone() const {
    return specs_.process.emperor.is_on() && !supervision().has_master;
  }
  [[nodiscard]] bool is_reload() const { return order_.kind != StartKind::kFirst; }
  [[nodiscard]] bool is_trial() const { return order_.kind == StartKind::kTrial; }
  [[nodiscard]] ServerFacts MakeFacts() const;

  Options options_;
  ServerSpecs specs_;
  SharedLogCounters log_counters_;
  std::optional<Alarms> alarms_;   // lines of the log raise some
  std::unique_ptr<LogRelay> log_;  // nearly the last to go: what the others say at their end counts
  StartOrder order_;
  StartCommand command_;
  bool has_fallback_;
  HookRunner hooks_;
  StartUp start_up_;
  LaunchReport launch_;
  std::optional<SignalSource> signals_;
  std::optional<ListenerSet> listeners_;
  std::optional<SharedRegion> region_;
  std::optional<Scoreboard> scoreboard_;
  ServiceSet services_;
  std::unique_ptr<Migration> migration_;
  std::unique_ptr<Succession> succession_;
  std::unique_ptr<ServerControl> control_;
  ServerFacts facts_;
  std::unique_ptr<LanguageRuntime> runtime_;
  int64_t started_on_ = 0;
  bool has_started_ = false;
};

}  // namespace uwsgi
