// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/function.h"
#include "service/running_note.h"
#include "service/spool_dir.h"
#include "service/spoolers.h"

namespace uwsgi {

// What became of a task that was called.
enum class SpoolVerdict : uint8_t {
  kDone,     // its file can go
  kRetry,    // it shall be run again
  kIgnored,  // it is for somebody else who looks into the directory
};
struct SpoolResult {
  SpoolVerdict verdict = SpoolVerdict::kRetry;
  std::string reason;  // why it was not done, a traceback perhaps: for failed/
};

// What a spooler calls.
struct SpoolerCalls {
  // Runs a task; `name` is that of its file.
  UniqueFunction<SpoolResult(const SpoolTask& task, std::string_view name)> run;
  // Between two tasks: what else is to be done is done. kStop: no more tasks.
  enum class Next : uint8_t { kGoOn, kLookAgain, kStop };
  UniqueFunction<Next()> between;
};

// Works off one directory, in a process of its own, on one thread: one task at a time, in the order
// of priorities and times, each with its file locked. A task that was not done is tried again after
// `frequency` seconds at the earliest; one that has used up its attempts, whose process died three
// times, or whose file is none of a task, goes to failed/.
class Spooler {
 public:
  // `slot` is an index into the slots of `all`, which outlives the spooler.
  Spooler(const Spoolers& all, size_t slot, SpoolerCalls calls);

  enum class Round : uint8_t {
    kIdle,     // nothing was to be done: wait for `wait_us`, a SIGUSR1 or something else
    kRan,      // something was: look again
    kStopped,  // `between` said so
    kUsedUp,   // spooler-max-tasks: the process shall be replaced
  };
  // One look into the directory, and what it finds.
  Round RunRound();
  // After a round that was idle: how long there is nothing to look for.
  [[nodiscard]] int64_t wait_us() const;

  // Counts as a task for spooler-max-tasks (spooler-signal-as-task).
  void CountTask() { ++tasks_; }
  // From a signal handler too: no task is begun any more, and a kill from here on is not the fault
  // of the one that runs.
  void TellToEnd();
  // Before the end of the process, in order.
  void Leave();

 private:
  void LookForDeaths();
  bool BlameDeaths(const SpoolFile& file);
  void Publish(const SpoolScan& scan);
  bool TryTask(const std::string& path, uint64_t hash);
  bool RunClaimed(SpoolFile file, uint64_t hash);
  SpoolResult Call(const SpoolFile& file, const SpoolTask& task);
  void Settle(const SpoolFile& file, const SpoolTask& task, const SpoolResult& result);
  Status NoteAttempts(const SpoolFile& file, const SpoolAttempts& attempts) const;
  void ForgetAttempts(const SpoolFile& file) const;
  void Finish(const SpoolFile& file);
  void Retry(const SpoolFile& file, const SpoolTask& task, const SpoolResult& result);
  void SetAside(const SpoolFile& file, std::string_view why, std::string_view reason);
  void PutOff(const SpoolFile& file);
  int FolderOf(const std::string& path);
  void EnterDirectory(const SpoolFile& file);
  void Skip(const std::string& path, int64_t for_us);
  void Complain(const std::string& path, const Error& error);
  [[nodiscard]] bool MayHaveKilled(uint64_t hash) const;
  void ForgetDeadSlots(uint64_t hash) const;
  [[nodiscard]] bool IsUsedUp() const;
  [[nodiscard]] int64_t frequency_us() const { return all_.frequency_s() * 1'000'000; }
  [[nodiscard]] const SpoolersSpec& spec() const { return all_.spec(); }
  [[nodiscard]] std::string_view BelowDirectory(std::string_view path) const;
  [[nodiscard]] SpoolerSlot& slot() const { return all_.slots()[slot_]; }
  [[nodiscard]] SpoolDirSlot& directory_slot() const { return all_.directory_slot(directory_); }

  const Spoolers& all_;
  size_t slot_;
  size_t directory_;
  SpoolDir dir_;
  SpoolerCalls calls_;
  std::optional<RunningNote> note_;
  bool told_to_end_ = false;  // by any thread
  UniqueFd folder_;           // of the task at hand
  std::string folder_path_;
  bool uses_spares_;
  // Tasks that this process leaves alone until then: not its own, or beyond its rights.
  std::unordered_map<std::string, int64_t> skipped_;
  // Hashes of the tasks that others were running when deaths were last looked for.
  std::unordered_set<uint64_t> held_;
  // Tasks that are to run later, as of the last look and since.
  SpoolPaths put_off_;
  bool learned_ = false;  // of one of these in this round
  int64_t tasks_ = 0;
  int64_t next_us_ = 0;          // the earliest time to come at which a task is due, 0: none
  int64_t failed_changed_ = -1;  // failed/ when it was counted
  size_t due_ = 0;               // tasks of this round, and how many of them have had their turn
  size_t tried_ = 0;
  int64_t looked_us_ = 0;  // when the round began (monotonic)
  bool scan_failed_ = false;
  // Nothing was noted of attempts when the round began, this much in all by then.
  bool no_attempts_ = false;
  uint64_t attempts_noted_ = 0;
  bool made_spare_ = false;   // of the file that is still open
  uint64_t spawns_seen_ = 0;  // of all processes, when deaths were last counted
  int64_t deaths_counted_us_ = 0;
};

}  // namespace uwsgi
