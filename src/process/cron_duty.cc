// SPDX-License-Identifier: Apache-2.0
#include "process/cron_duty.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr std::string_view kMinuteNote = "cron-minute";
constexpr std::string_view kLocalNote = "cron-local";
constexpr std::string_view kRunNote = "cron-run";

ProgramSpec ShellFor(const std::string& command) {
  ProgramSpec program;
  program.path = "/bin/sh";
  program.argv = {"/bin/sh", "-c", command};
  for (char** variable = ::environ; *variable != nullptr; ++variable)
    program.environment.emplace_back(*variable);
  program.new_session = true;
  // compat: a command that runs when the server is stopped goes on.
  program.death_signal = 0;
  return program;
}

}  // namespace

Status CronDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  for (const CronJob& job : board_.jobs())
    Log("[uwsgi-cron] command \"{}\" registered as cron task", job.command);
  if (desk.predecessor() != nullptr) Adopt(*desk.predecessor());
  if (!board_.jobs().empty()) StartTicking();
  return {};
}

void CronDuty::Adopt(const HandOver& state) {
  std::optional<int64_t> done, local;
  for (const Note& note : state.notes) {
    if (note.name == kMinuteNote) done = ParseInt(note.text);
    if (note.name == kLocalNote) local = ParseInt(note.text);
    if (note.name == kRunNote) AdoptRun(note.text);
  }
  clock_ = CronClock(done, local);
}

// PID STARTED COMMAND
void CronDuty::AdoptRun(std::string_view text) {
  const auto words = SplitWords(text);
  if (words.size() < 2) return;
  const auto pid = ParseInt(words[0]);
  const auto started_s = ParseInt(words[1]);
  const auto end = static_cast<size_t>(words[1].data() + words[1].size() - text.data());
  const std::string_view command = text.substr(std::min(end + 1, text.size()));
  const auto& jobs = board_.jobs();
  const auto job = std::ranges::find(jobs, command, &CronJob::command);
  if (!pid || !started_s || job == jobs.end()) return;
  const uint64_t id = ++last_run_;
  const auto child = static_cast<pid_t>(*pid);
  desk_->AdoptProgram(child, [this, id](int) { OnEnd(id); });
  Track(id,
        {.pid = child, .job = static_cast<size_t>(job - jobs.begin()), .started_s = *started_s});
}

void CronDuty::LeaveNotes(HandOver& state) {
  if (clock_.done())
    state.notes.push_back({std::string(kMinuteNote), fmt::to_string(*clock_.done())});
  if (clock_.local())
    state.notes.push_back({std::string(kLocalNote), fmt::to_string(*clock_.local())});
  for (const auto& [id, run] : runs_) {
    state.notes.push_back({std::string(kRunNote), fmt::format("{} {} {}", run.pid, run.started_s,
                                                              board_.jobs()[run.job].command)});
  }
}

void CronDuty::Add(const CronRow& row) {
  rows_.push_back(row);
  StartTicking();
}

// Once a second, since the clock may be set at any time.
void CronDuty::StartTicking() {
  if (timer_ == 0) timer_ = desk_->loop().Every(kSecond, [this] { Tick(); });
}

void CronDuty::Tick() {
  if (desk_->is_stopping()) return;
  for (const CronClock::Due& due : clock_.Advance(WallMicros() / kSecond)) {
    for (const CronRow& row : rows_) {
      if (!IsDue(row.fields, due)) continue;
      LogDated("[uwsgi-cron] routing signal {}", row.signal);
      signals_.Send(row.signal);
    }
    for (size_t job = 0; job < board_.jobs().size(); ++job) {
      if (IsDue(board_.jobs()[job].fields, due)) StartJob(job);
    }
  }
}

bool CronDuty::IsRunning(size_t job) const {
  return std::ranges::any_of(runs_, [job](const auto& run) { return run.second.job == job; });
}

void CronDuty::StartJob(size_t job) {
  const CronJob& spec = board_.jobs()[job];
  if (spec.unique && IsRunning(job)) return;
  const uint64_t id = ++last_run_;
  const auto started = desk_->RunProgram(ShellFor(spec.command), [this, id](int) { OnEnd(id); });
  if (!started) return LogDated("[uwsgi-cron] \"{}\": {}", spec.command, started.error().text());
  LogDated("[uwsgi-cron] running \"{}\" (pid {})", spec.command, *started);
  Track(id, {.pid = *started, .job = job, .started_s = WallMicros() / kSecond});
}

void CronDuty::Track(uint64_t id, Run run) {
  const int64_t limit_s = board_.jobs()[run.job].harakiri_s;
  if (limit_s > 0) {
    const int64_t left_s = run.started_s + limit_s - WallMicros() / kSecond;
    run.harakiri = desk_->loop().After(std::clamp<int64_t>(left_s, 0, limit_s) * kSecond,
                                       [this, id] { OnHarakiri(id); });
  }
  CronSlot& slot = board_.slot(run.job);
  slot.pid.store(run.pid, std::memory_order_relaxed);
  slot.started_s.store(run.started_s, std::memory_order_relaxed);
  runs_[id] = run;
}

void CronDuty::OnHarakiri(uint64_t id) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  Run& run = found->second;
  run.harakiri = 0;
  LogDated("*** HARAKIRI ON CRON \"{}\" (pid: {}) ***", board_.jobs()[run.job].command, run.pid);
  ::kill(-run.pid, SIGKILL);
}

void CronDuty::OnEnd(uint64_t id) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  const Run run = found->second;
  runs_.erase(found);
  desk_->loop().Cancel(run.harakiri);
  CronSlot& slot = board_.slot(run.job);
  // Of runs that overlap, the last one is shown.
  if (slot.pid.load(std::memory_order_relaxed) == run.pid)
    slot.pid.store(0, std::memory_order_relaxed);
  Log("[uwsgi-cron] command \"{}\" running with pid {} exited after {} second(s)",
      board_.jobs()[run.job].command, run.pid, WallMicros() / kSecond - run.started_s);
}

}  // namespace uwsgi
