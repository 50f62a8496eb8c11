// SPDX-License-Identifier: Apache-2.0
#include "process/signal_duty.h"

#include <utility>

#include "base/log.h"
#include "process/worker_main.h"

namespace uwsgi {

Status SignalDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  signals_.Watch(*desk.serving().scoreboard);
  for (const TimerRow& timer : spec_.timers) TRY_STATUS(triggers_.AddTimer(timer));
  for (const FileSignal& file : spec_.file_signals) WatchFile(file.path, file.signal, {});
  TRY(desk.loop().Watch(triggers_.fd(), kReadable, [this](uint32_t) { ReadTriggers(); }));
  ReadTriggers();
  return {};
}

void SignalDuty::ReadTriggers() {
  triggers_.Read([this](size_t slot, const TimerRow& row) { StartTimer(slot, row); },
                 [this](size_t, const CronRow& row) { crons_.Add(row); },
                 [this](size_t, const MonitorRow& row) {
                   WatchFile(row.path.data(), row.signal, row.state.data());
                 });
}

void SignalDuty::StartTimer(size_t slot, const TimerRow& row) {
  const uint8_t signal = row.signal;
  if (row.times == 0) {
    desk_->loop().Every(row.period_us, [this, signal] { Raise(signal); });
    return;
  }
  const TimerId timer =
      desk_->loop().Every(row.period_us, [this, slot, signal] { OnCounted(slot, signal); });
  counted_[slot] = {.timer = timer, .left = row.times};
}

void SignalDuty::OnCounted(size_t slot, uint8_t signal) {
  Raise(signal);
  const auto found = counted_.find(slot);
  if (--found->second.left > 0) return;
  desk_->loop().Cancel(found->second.timer);
  counted_.erase(found);
  triggers_.RemoveTimer(slot);
}

void SignalDuty::WatchFile(const std::string& path, uint8_t signal, std::string_view state) {
  if (!files_) files_ = FileWatch::Create(desk_->loop());
  auto on_change = [this, signal](FileChange) { Raise(signal); };
  if (state.empty()) {
    files_->Add(path, std::move(on_change));
  } else {
    files_->AddSince(state, path, std::move(on_change));
  }
}

void SignalDuty::Raise(uint8_t signal) {
  if (!desk_->is_stopping()) signals_.Send(signal);
}

}  // namespace uwsgi
