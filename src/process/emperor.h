// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/event_loop.h"
#include "net/file_watch.h"
#include "net/listener.h"
#include "net/signal_source.h"
#include "process/emperor_plan.h"
#include "process/emperor_protocol.h"
#include "process/emperor_stats.h"
#include "process/hooks.h"
#include "process/vassal.h"
#include "process/vassal_blacklist.h"

namespace uwsgi {

// What an Emperor works with.
struct EmperorParts {
  EmperorSpec spec;
  std::vector<std::string> environment;  // that they get
  HookRunner* hooks = nullptr;
  UniqueFunction<void()> on_started;  // once, after the first look at the configurations
};

// Runs one server for each configuration that it finds: starts it when the file appears, reloads it
// when the file changes, stops it when the file goes, starts it again when it dies. A process with
// one thread, which serves nothing itself and waits for nothing but its loop.
class Emperor {
 public:
  // `signals` has been collecting for as long as there may have been any.
  static Result<std::unique_ptr<Emperor>> Create(EmperorParts parts, SignalSource signals);
  Emperor(const Emperor&) = delete;
  Emperor& operator=(const Emperor&) = delete;
  ~Emperor();

  // Until it is told to end and no vassal is left; the exit status.
  int Run();

 private:
  Emperor(EmperorParts parts, SignalSource signals, std::unique_ptr<EventLoop> loop);

  // Looking.
  Status Prepare();
  void Scan();
  void ScanSoon();
  void Look(const VassalMonitor& monitor, std::set<std::string>& found);
  void Meet(const VassalFile& file);
  void ForgetOthers(const std::set<std::string>& found);
  void StopMissing(const VassalMonitor& monitor, const std::set<std::string>& found);

  // Vassals.
  void Start(const VassalFile& file);
  Status StartWaiting(Vassal& vassal);
  Status StartProcess(Vassal& vassal);
  Status RunVassal(Vassal& vassal, UniqueFd their_end);
  void Awake(const std::string& name);
  void Reload(Vassal& vassal, int64_t modified_ns);
  void Stop(Vassal& vassal, VassalState as);
  void Remove(const std::string& name);
  bool Send(Vassal& vassal, EmperorOrder order);
  void ReadNews(const std::string& name);
  void Hear(Vassal& vassal, VassalNews news);
  void CloseChannel(Vassal& vassal);
  void RunHook(const std::string& command, const Vassal& vassal);
  void RunHooksFor(const Vassal& vassal);

  // Their end.
  void Reap();
  void OnEnd(Vassal& vassal, int wait_status);
  void Curse(Vassal& vassal, int wait_status);
  void Tick();
  void CheckHeartbeat(Vassal& vassal, int64_t now);

  // Signals.
  void ReadSignals();
  void Obey(int signal);
  void ReloadAll();
  void End();
  void EndAtOnce();
  void EndWhenEmpty();
  void Dump() const;

  [[nodiscard]] Vassal* Find(const std::string& name);
  [[nodiscard]] std::string Stats() const;

  EmperorParts parts_;
  std::optional<SignalSource> signals_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<FileWatch> files_;
  std::unique_ptr<EmperorStats> stats_;
  std::map<std::string, Vassal> vassals_;
  VassalBlacklist blacklist_;
  std::map<std::string, int64_t> exiled_;     // who is not started again while the file is this old
  std::map<std::string, int64_t> objected_;   // whose files were refused and said so
  std::set<std::string> unreadable_;          // monitors that could not be looked at and said so
  std::map<std::string, int64_t> respawned_;  // how often each has been started again
  TimerId scan_soon_ = 0;
  int64_t ticked_us_ = 0;  // monotonic, of the last tick
  bool ending_ = false;
};

// The environment of this process, as vassals are to get it.
std::vector<std::string> CurrentEnvironment();

}  // namespace uwsgi
