// SPDX-License-Identifier: Apache-2.0
#include "service/spooler.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/printable.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMostDeaths = 3;
constexpr int64_t kSettleCheckUs = kSecond;
// Between the creation of a file and its one write there are microseconds.
constexpr int64_t kJustMadeUs = kSecond / 10;
constexpr int64_t kJustMadeCheckUs = 1000;
// Looks for the sake of a new task take at most one part of so many of the time.
constexpr int64_t kLookShare = 20;

// Never 0, which stands for none.
uint64_t HashOf(std::string_view task) { return std::hash<std::string_view>()(task) | 1; }

// compat: @spoolforever leaves this in its tasks; asking for another run is no failure then.
bool RunsForEver(const SpoolTask& task) { return task.Find("ud_spool_ret") == "-1"; }

}  // namespace

Spooler::Spooler(const Spoolers& all, size_t slot, SpoolerCalls calls)
    : all_(all),
      slot_(slot),
      directory_(all.DirectoryOf(slot)),
      dir_(all.directory(directory_)),
      calls_(std::move(calls)),
      uses_spares_(dir_.SparesPay()) {
  const int abandoned = dir_.RemoveUnfinished(WallMicros());
  if (abandoned > 0)
    Log("[spooler {}] {} unfinished files of producers that died are removed", dir_.path(),
        abandoned);
  auto note = RunningNote::Create(dir_);
  if (note) {
    note_.emplace(std::move(*note));
  } else {
    Log("[spooler {}] deaths cannot be counted: {}", dir_.path(), note.error().text());
  }
}

Spooler::Round Spooler::RunRound() {
  if (IsUsedUp()) return Round::kUsedUp;
  SpoolerSlot& mine = slot();
  mine.wants_wake.store(true);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // Who adds a task from here on finds us looking, or about to.
  directory_slot().woken_us.store(0);
  const int64_t began_us = MonotonicMicros();
  LookForDeaths();
  attempts_noted_ = directory_slot().attempts_noted.load();
  no_attempts_ = dir_.HasNoAttempts();
  mine.task_hash.store(0, std::memory_order_relaxed);
  std::erase_if(skipped_, [now = WallMicros()](const auto& each) { return each.second <= now; });
  auto scan = dir_.ScanNames(spec().is_ordered, WallMicros(), put_off_);
  if (!scan) {
    if (!scan_failed_) Log("[spooler {}] {}", dir_.path(), scan.error().text());
    scan_failed_ = true;
    next_us_ = 0;
    return Round::kIdle;
  }
  scan_failed_ = false;
  learned_ = false;
  folder_.Reset();
  put_off_ = std::move(scan->put_off);
  Publish(*scan);
  const int64_t look_us = MonotonicMicros() - began_us;
  tried_ = 0;
  due_ = scan->due.size();
  looked_us_ = began_us;
  bool ran = false;
  std::vector<std::string>& tasks = scan->due;
  for (size_t i = 0; i < tasks.size(); ++i) {
    // The wait before may have been cut short by just that.
    if (std::atomic_ref(told_to_end_).load(std::memory_order_relaxed)) return Round::kStopped;
    ++tried_;
    const uint64_t hash = HashOf(BelowDirectory(tasks[i]));
    if (directory_slot().done.HasSince(hash, looked_us_)) continue;
    if (i < due_ && !directory_slot().turns.Enter(hash)) {
      tasks.push_back(tasks[i]);
      continue;
    }
    const bool has_run = TryTask(tasks[i], hash);
    directory_slot().turns.Leave(hash);
    // Nothing is asked of `between` without a task: it takes the wake-ups, and after a round that
    // ran nothing nobody would look again.
    if (!has_run) continue;
    ran = true;
    if (IsUsedUp()) return Round::kUsedUp;
    const SpoolerCalls::Next next = calls_.between();
    if (next == SpoolerCalls::Next::kStop) return Round::kStopped;
    const bool may_look = MonotonicMicros() - began_us > look_us * kLookShare;
    if (next == SpoolerCalls::Next::kLookAgain && may_look) return Round::kRan;
  }
  if (ran && note_) note_->End();
  // What was taken to be due and is not has been counted as waiting.
  return ran || learned_ ? Round::kRan : Round::kIdle;
}

int64_t Spooler::wait_us() const {
  int64_t wait = frequency_us();
  const int64_t now = WallMicros();
  if (next_us_ > 0) wait = std::min(wait, next_us_ - now);
  for (const auto& [path, until_us] : skipped_) wait = std::min(wait, until_us - now);
  return std::max<int64_t>(wait, 0);
}

void Spooler::TellToEnd() {
  std::atomic_ref(told_to_end_).store(true, std::memory_order_relaxed);
  if (note_) note_->ForgiveDeath();
}

void Spooler::Leave() {
  slot().wants_wake.store(false);
  if (note_) note_->Remove();
}

// What processes were running that ended in the middle of it, here or in another instance. Not each
// time: a process that died has been started again, or is another server's.
void Spooler::LookForDeaths() {
  uint64_t spawns = 1;
  for (const SpoolerSlot& each : all_.SlotsOf(directory_)) spawns += each.helper.spawns.load();
  const int64_t now_us = MonotonicMicros();
  if (spawns == spawns_seen_ && now_us - deaths_counted_us_ < kSecond) return;
  spawns_seen_ = spawns;
  deaths_counted_us_ = now_us;
  held_.clear();
  for (const std::string& task : RunningNote::Running(dir_)) {
    const auto claimed = SpoolFile::Claim(dir_.path() + "/" + task, INT64_MAX);
    if (claimed && *claimed) {
      static_cast<void>(BlameDeaths(**claimed));
    } else {
      held_.insert(HashOf(task));
    }
  }
}

// We have the lock that a living process would have that runs it: were there others, they died of
// it. False when nobody did.
bool Spooler::BlameDeaths(const SpoolFile& file) {
  const std::string_view task = BelowDirectory(file.path());
  ForgetDeadSlots(HashOf(task));
  const int deaths = RunningNote::TakeDeaths(dir_, task);
  if (deaths == 0) return false;
  SpoolAttempts attempts = dir_.AttemptsOf(file.name());
  attempts.attempts += deaths;
  attempts.deaths += deaths;
  Log("[spooler {} pid: {}] the process that ran task {} died ({} of {})", dir_.path(), ::getpid(),
      Printable(file.name()), attempts.deaths, kMostDeaths);
  if (attempts.deaths >= kMostDeaths) {
    SetAside(file, "killed its process too often",
             fmt::format("The process that ran this task died {} times.\n", attempts.deaths));
    return true;
  }
  static_cast<void>(NoteAttempts(file, attempts));
  PutOff(file);
  return true;
}

void Spooler::Publish(const SpoolScan& scan) {
  SpoolDirSlot& shown = directory_slot();
  shown.waiting.store(static_cast<int64_t>(scan.due.size()), std::memory_order_relaxed);
  shown.later.store(scan.later, std::memory_order_relaxed);
  shown.oldest_s.store(scan.oldest_s, std::memory_order_relaxed);
  next_us_ = scan.next_us;
  const int64_t changed = dir_.FailedChanged();
  if (changed == failed_changed_) return;
  failed_changed_ = changed;
  if (const auto failed = dir_.Failed())
    shown.failed.store(static_cast<int64_t>(failed->size()), std::memory_order_relaxed);
}

std::string_view Spooler::BelowDirectory(std::string_view path) const {
  return path.substr(dir_.path().size() + 1);
}

// Somebody seems to run the task whose lock we have, or did when deaths were last looked for.
bool Spooler::MayHaveKilled(uint64_t hash) const {
  return held_.contains(hash) ||
         std::ranges::any_of(all_.SlotsOf(directory_), [hash](const SpoolerSlot& each) {
           return each.task_hash.load(std::memory_order_relaxed) == hash;
         });
}

void Spooler::ForgetDeadSlots(uint64_t hash) const {
  directory_slot().turns.Leave(hash);
  for (SpoolerSlot& each : all_.SlotsOf(directory_)) {
    uint64_t named = hash;
    each.task_hash.compare_exchange_strong(named, 0);
  }
}

bool Spooler::TryTask(const std::string& path, uint64_t hash) {
  if (skipped_.contains(path)) return false;
  const int64_t now_us = WallMicros();
  auto claimed = SpoolFile::Claim(path, INT64_MAX, FolderOf(path));
  if (!claimed) {
    Complain(path, claimed.error());
    return false;
  }
  if (!*claimed) return false;
  if ((*claimed)->due_us() > now_us) {
    put_off_.insert(path);
    learned_ = true;
    return false;
  }
  if (MayHaveKilled(hash) && BlameDeaths(**claimed)) return true;
  const bool done = RunClaimed(std::move(**claimed), hash);
  if (std::exchange(made_spare_, false)) all_.PutSpare(slot_);
  return done;
}

bool Spooler::RunClaimed(SpoolFile file, uint64_t hash) {
  const auto task = file.Read();
  if (!task && file.IsUnfinished(WallMicros())) {
    const bool is_new = WallMicros() - file.changed_us() < kJustMadeUs;
    Skip(file.path(), is_new ? kJustMadeCheckUs : kSettleCheckUs);
    return false;
  }
  if (!task && file.IsAbandoned()) return static_cast<bool>(file.Remove());
  if (!task && task.error().error_number != 0) {
    Complain(file.path(), task.error());
    return false;
  }
  slot().wants_wake.store(false);
  if (!task) {
    SetAside(file, "is no task: " + task.error().message, task.error().message + "\n");
    return true;
  }
  // Who begins one of several sees to it that the next is begun; as does one who was woken to look.
  if (directory_slot().woken_us.exchange(0) != 0 || tried_ < due_) all_.Wake(directory_);
  slot().task_hash.store(hash, std::memory_order_relaxed);
  const SpoolResult result = Call(file, *task);
  Settle(file, *task, result);
  slot().task_hash.store(0, std::memory_order_relaxed);
  return true;
}

SpoolResult Spooler::Call(const SpoolFile& file, const SpoolTask& task) {
  SpoolerSlot& mine = slot();
  if (!spec().is_quiet) {
    Log("[spooler {} pid: {}] managing request {} ...", dir_.path(), ::getpid(),
        Printable(file.name()));
  }
  EnterDirectory(file);
  mine.task.Set(file.name());
  const int64_t began_us = MonotonicMicros();
  if (note_) note_->Begin(BelowDirectory(file.path()));
  mine.helper.BeginWork(began_us, spec().harakiri_us);
  SpoolResult result = calls_.run(task, file.name());
  mine.helper.EndWork();
  if (result.verdict != SpoolVerdict::kIgnored) Bump(mine.helper.tasks);
  ++tasks_;
  if (result.verdict == SpoolVerdict::kDone && !spec().is_quiet) {
    Log("[spooler {} pid: {}] done with task {} after {} seconds", dir_.path(), ::getpid(),
        Printable(file.name()), (MonotonicMicros() - began_us) / kSecond);
  }
  return result;
}

// The note stays until the task is where it belongs: a death in between is one of the process that
// ran it, and the task runs again. Of a task that is gone it harms nobody until the next one
// begins.
void Spooler::Settle(const SpoolFile& file, const SpoolTask& task, const SpoolResult& result) {
  switch (result.verdict) {
    case SpoolVerdict::kDone:
      return Finish(file);
    case SpoolVerdict::kRetry:
      Retry(file, task, result);
      break;
    case SpoolVerdict::kIgnored:
      Skip(file.path(), frequency_us());
      break;
  }
  if (note_) note_->End();
}

void Spooler::Finish(const SpoolFile& file) {
  const auto spare = uses_spares_ ? all_.NextSpare(slot_) : std::nullopt;
  made_spare_ = spare && dir_.Recycle(file, *spare);
  const Status removed = made_spare_ ? Status() : file.Remove();
  // It can be met again, or another task be given its name.
  if (note_ && (!removed || spec().is_ordered)) note_->End();
  if (!removed) return Complain(file.path(), removed.error());
  ForgetAttempts(file);
  directory_slot().done.Add(HashOf(BelowDirectory(file.path())), MonotonicMicros());
  directory_slot().waiting.fetch_sub(1, std::memory_order_relaxed);
}

Status Spooler::NoteAttempts(const SpoolFile& file, const SpoolAttempts& attempts) const {
  Status noted = dir_.NoteAttempts(file.name(), attempts);
  // Now: whoever knows the new number finds the note.
  directory_slot().attempts_noted.fetch_add(1);
  return noted;
}

// Most tasks have none, and to look for a name that is not there is dear.
void Spooler::ForgetAttempts(const SpoolFile& file) const {
  if (no_attempts_ && directory_slot().attempts_noted.load() == attempts_noted_) return;
  dir_.ForgetAttempts(file.name());
}

void Spooler::Retry(const SpoolFile& file, const SpoolTask& task, const SpoolResult& result) {
  if (RunsForEver(task) && result.reason.empty()) {
    // A good run: only what fails again and again is set aside.
    ForgetAttempts(file);
  } else {
    Bump(slot().failures);
    SpoolAttempts attempts = dir_.AttemptsOf(file.name());
    ++attempts.attempts;
    if (spec().max_attempts > 0 && attempts.attempts >= spec().max_attempts) {
      return SetAside(file, fmt::format("was not done in {} attempts", attempts.attempts),
                      result.reason);
    }
    const Status noted = NoteAttempts(file, attempts);
    if (!noted) Complain(file.path(), noted.error());
  }
  PutOff(file);
}

void Spooler::SetAside(const SpoolFile& file, std::string_view why, std::string_view reason) {
  const auto moved = dir_.SetAside(file, reason);
  if (!moved) return Complain(file.path(), moved.error());
  Bump(slot().set_aside);
  directory_slot().waiting.fetch_sub(1, std::memory_order_relaxed);
  directory_slot().failed.fetch_add(1, std::memory_order_relaxed);
  Log("[spooler {} pid: {}] task {} {}: it is set aside as {}", dir_.path(), ::getpid(),
      Printable(file.name()), why, Printable(*moved));
}

void Spooler::PutOff(const SpoolFile& file) {
  const int64_t until_us = WallMicros() + frequency_us();
  // The file may be another user's: then at least this process waits.
  if (!file.PutOff(until_us)) return Skip(file.path(), frequency_us());
  put_off_.insert(file.path());
}

// The folder of a task, open until one of another is asked for, or the next look.
int Spooler::FolderOf(const std::string& path) {
  const std::string_view folder = std::string_view(path).substr(0, path.rfind('/'));
  if (!folder_.valid() || folder != folder_path_) {
    folder_path_ = folder;
    folder_.Reset(::open(folder_path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  return folder_.valid() ? folder_.get() : SpoolFile::kNoFolder;
}

// Each time: the task before may have gone elsewhere.
void Spooler::EnterDirectory(const SpoolFile& file) {
  const std::string& wanted = spec().task_directory;
  const bool is_there =
      wanted.empty() ? ::fchdir(FolderOf(file.path())) == 0 : ::chdir(wanted.c_str()) == 0;
  if (is_there) return;
  const Error error{"chdir " + (wanted.empty() ? folder_path_ : wanted), errno};
  Log("[spooler {} pid: {}] {}", dir_.path(), ::getpid(), error.text());
}

void Spooler::Skip(const std::string& path, int64_t for_us) {
  skipped_[path] = WallMicros() + for_us;
}

// Once for each pause: the task is still there and will be met again.
void Spooler::Complain(const std::string& path, const Error& error) {
  Skip(path, frequency_us());
  Log("[spooler {} pid: {}] task {}: {}", dir_.path(), ::getpid(), Printable(BelowDirectory(path)),
      Printable(error.text()));
}

bool Spooler::IsUsedUp() const {
  if (spec().max_tasks <= 0 || tasks_ < spec().max_tasks) return false;
  Log("[spooler {} pid: {}] maximum number of tasks reached ({}) recycling ...", dir_.path(),
      ::getpid(), spec().max_tasks);
  return true;
}

}  // namespace uwsgi
