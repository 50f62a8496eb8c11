// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "service/spool_dir.h"
#include "service/spool_hints.h"
#include "service/spool_task.h"
#include "shm/helper_slot.h"
#include "shm/region.h"
#include "shm/scoreboard.h"

namespace uwsgi {

// A directory as `spooler` or `spooler-external` named it.
struct SpoolDirSpec {
  std::string path;          // absolute, without symbolic links
  std::string given;         // as it was written
  bool is_external = false;  // another instance runs its tasks
  std::string origin;        // "spooler = DIR (app.ini:4)", for messages
};

struct SpoolersSpec {
  std::vector<SpoolDirSpec> directories;
  int processes = 1;            // for each directory
  bool is_ordered = false;      // files with numbers for names are tasks too
  bool is_quiet = false;        // no line for each task
  bool is_durable = true;       // a task is on the disk before its producer goes on
  bool is_cheap = false;        // no process when there is nothing to do
  bool counts_signals = false;  // spooler-signal-as-task
  bool takes_remote = false;    // tasks come over the network too
  std::string task_directory;   // where tasks run; empty: where their file lies
  int64_t max_tasks = 0;        // then a process is replaced; 0: never
  int64_t max_attempts = 0;     // then a task is set aside; 0: never
  int64_t harakiri_us = 0;      // a task that runs longer is killed with its process; 0: never
  int64_t frequency_s = 30;     // the longest pause between two looks, and between two attempts
};

// What others may see of a spooler process; it outlives it.
struct SpoolerSlot {
  HelperSlot helper;  // `tasks` are those that a function was called for
  // Written by the spooler.
  std::atomic<uint64_t> failures{0};   // calls that did not end with the task done
  std::atomic<uint64_t> set_aside{0};  // tasks moved to failed/
  SharedText<256> task;                // runs or ran last
  std::atomic<uint64_t> task_hash{0};  // of the task that runs; stays when the process is killed
  // It waits, or is about to, and wants a SIGUSR1 for a new task. Whoever sends it takes this away.
  std::atomic<bool> wants_wake{false};
  SpareRing spares;
};

// What is known of a directory without looking into it; as of the last look of one of its
// processes, and counted on from there.
struct alignas(128) SpoolDirSlot {
  std::atomic<int64_t> waiting{0};   // tasks that are due, running ones included
  std::atomic<int64_t> later{0};     // tasks that are to run at a time to come
  std::atomic<int64_t> oldest_s{0};  // when the oldest of the waiting was made; 0: there is none
  std::atomic<int64_t> failed{0};    // in failed/
  // When a process was woken that has not looked since, monotonic microseconds; 0: none.
  std::atomic<int64_t> woken_us{0};
  std::atomic<uint64_t> attempts_noted{0};  // how often something was
  DoneTable done;
  TurnTable turns;
};

// All spoolers of the instance, for those who give them tasks and those who want to know. Functions
// may be called from any process and thread; those that touch the disk wait for it.
class Spoolers {
 public:
  static void AddSize(SharedSize& size, const SpoolersSpec& spec);
  static Result<Spoolers> Create(SharedRegion& region, SpoolersSpec spec);

  [[nodiscard]] const SpoolersSpec& spec() const { return spec_; }
  [[nodiscard]] size_t directories() const { return spec_.directories.size(); }
  [[nodiscard]] SpoolDir directory(size_t index) const {
    return SpoolDir(spec_.directories[index].path);
  }
  [[nodiscard]] SpoolDirSlot& directory_slot(size_t index) const { return directory_slots_[index]; }
  // One for each process of each directory, external ones included, in the order of the options.
  [[nodiscard]] std::span<SpoolerSlot> slots() const { return slots_; }
  // The directory of a slot.
  [[nodiscard]] size_t DirectoryOf(size_t slot) const {
    return slot / static_cast<size_t>(spec_.processes);
  }
  [[nodiscard]] std::span<SpoolerSlot> SlotsOf(size_t directory) const;

  [[nodiscard]] int64_t frequency_s() const;
  void SetFrequency(int64_t seconds) const;

  // Adds a task where its keys say; the path of its file.
  Result<std::string> Enqueue(const SpoolTask& task) const;
  // The same for what came over the network, the block of a packet with modifier 17. Pickles are
  // refused: they are code of whoever sent them.
  Result<std::string> EnqueueRemote(ByteView block) const;
  // For the spooler of this slot: the number of its next spare file, nothing when there are enough;
  // and that the file is there now, and closed.
  [[nodiscard]] std::optional<uint64_t> NextSpare(size_t slot) const;
  void PutSpare(size_t slot) const;
  // Whoever waits for tasks of this directory looks now.
  void Wake(size_t directory) const;

 private:
  struct Shared {
    std::atomic<int64_t> frequency_s{0};
  };

  Spoolers(SpoolersSpec spec, Shared* shared, std::span<SpoolerSlot> slots,
           std::span<SpoolDirSlot> directory_slots)
      : spec_(std::move(spec)), shared_(shared), slots_(slots), directory_slots_(directory_slots) {}
  [[nodiscard]] Result<size_t> Find(std::string_view name) const;
  // A spare file of the directory, and the ring to which it is given back.
  struct Spare {
    SpareRing* ring = nullptr;
    uint64_t place = 0;
    uint64_t number = 0;
  };
  [[nodiscard]] std::optional<Spare> TakeSpare(size_t directory) const;

  SpoolersSpec spec_;
  Shared* shared_;
  std::span<SpoolerSlot> slots_;
  std::span<SpoolDirSlot> directory_slots_;
};

}  // namespace uwsgi
