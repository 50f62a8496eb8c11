// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/function.h"
#include "base/unique_fd.h"
#include "process/child_kind.h"
#include "process/process_title.h"
#include "runtime/process_control.h"
#include "shm/helper_slot.h"
#include "shm/scoreboard.h"

namespace uwsgi {

// What a child says to its master, a byte each.
enum class ChildReport : char {
  kReady = 'r',        // it has entered its loop
  kHasDeadline = 'd',  // the application has set a deadline for a request (set_user_harakiri)
  kHasServed = 'm',    // max-requests: it wants to be replaced
  kHasRaised = 'e',    // so it does after an exception (reload-on-exception)
  kHasNewCode = 'n',   // files of its modules have changed (py-autoreload)
  kIsOverdue = 'o',    // so it does as one of its requests cannot be ended (harakiri)
  kHasWaiting = 'w',   // it ends, and requests wait in it that no other worker takes
};

// What applications may ask of the processes around them, answered from the scoreboard and by
// signals. One per process family, made before the first fork; it changes its role when the process
// does. Roles change on the only thread there is, the rest may be called from any thread.
class ServerControl final : public ProcessControl {
 public:
  explicit ServerControl(Scoreboard scoreboard) : scoreboard_(scoreboard) {}

  // This process is the master.
  void BecomeMaster();
  // This process is the first of several without a master; the others ask it to stop.
  void BecomeFirst();
  // A child of either, whose role it was called in, is worker `id`, in this berth of its slot.
  void BecomeWorker(int id, UniqueFd reports, int berth = 0);
  // A child of the master is a mule or a spooler.
  void BecomeHelper(ChildKind kind, int id, UniqueFd reports, HelperSlot* slot = nullptr);
  // Who looks at the deadlines of requests in this worker.
  void set_on_deadline(UniqueFunction<void()> on_deadline) {
    on_deadline_ = std::move(on_deadline);
  }
  void Report(ChildReport report) const;

  [[nodiscard]] int worker_id() const override { return worker_id_; }
  [[nodiscard]] int mule_id() const override { return mule_id_; }
  [[nodiscard]] bool is_spooler() const override { return is_spooler_; }
  [[nodiscard]] pid_t master_pid() const override { return master_pid_; }
  [[nodiscard]] std::vector<WorkerInfo> workers() const override;
  [[nodiscard]] uint64_t total_requests() const override;
  [[nodiscard]] uint64_t core_requests(int core) const override;
  bool Reload() override;
  void TellOfNewCode() override { Report(ChildReport::kHasNewCode); }
  bool Stop() override;
  bool SetUserHarakiri(int core, int seconds) override;
  void SetAccepting(bool accepting) override;
  void SetProcessTitle(const std::string& title) override;

 private:
  Scoreboard scoreboard_;
  [[nodiscard]] bool has_core(int core) const {
    return slot_ != nullptr && core >= 0 && core < scoreboard_.cores();
  }

  int worker_id_ = 0;
  int mule_id_ = 0;
  bool is_spooler_ = false;
  WorkerSlot* slot_ = nullptr;         // of this worker process
  HelperSlot* helper_slot_ = nullptr;  // of this mule or spooler
  pid_t master_pid_ = 0;               // 0 without a master
  pid_t first_pid_ = 0;                // who is told to stop; 0 before there is anybody
  UniqueFd reports_;
  UniqueFunction<void()> on_deadline_;
};

}  // namespace uwsgi
