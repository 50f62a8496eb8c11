// SPDX-License-Identifier: Apache-2.0
#include "service/signal_triggers.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "net/file_watch.h"

namespace uwsgi {
namespace {

template <typename Table, typename Row>
Status AddRow(Table& table, const Row& row, std::string_view what) {
  using Added = typename Table::Added;
  if (table.Add(row) != Added::kFull) return {};
  return Fail("you can register max {} {} !!!", SignalTriggers::kMost, what);
}

}  // namespace

void SignalTriggers::AddSize(SharedSize& size) { size.Add<Shared>(); }

Result<SignalTriggers> SignalTriggers::Create(SharedRegion& region) {
  SignalTriggers triggers;
  triggers.shared_ = TRY(region.Carve<Shared>()).data();
  triggers.news_ = TRY(MakePipe());
  triggers.master_ = ::getpid();
  return triggers;
}

Status SignalTriggers::AddTimer(const TimerRow& timer) {
  if (timer.period_us <= 0) return Fail("the period of a timer must be above 0");
  if (timer.times < 0) return Fail("a timer cannot ring {} times", timer.times);
  TRY_STATUS(AddRow(shared_->timers, timer, "timers"));
  Announce();
  return {};
}

Status SignalTriggers::AddCron(const CronRow& cron) {
  TRY_STATUS(CheckCronFields(cron.fields));
  TRY_STATUS(AddRow(shared_->crons, cron, "cron"));
  Announce();
  return {};
}

Status SignalTriggers::AddMonitor(uint8_t signal, std::string_view path) {
  MonitorRow row{.signal = signal};
  if (path.empty() || path.size() >= row.path.size() || path.find('\0') != path.npos)
    return Fail("a path to be watched has 1 to {} bytes", row.path.size() - 1);
  std::ranges::copy(path, row.path.begin());
  // Another directory may be the current one there.
  if (::getpid() != master_ && path.starts_with('/')) {
    const std::string state = FileWatch::StateNow(row.path.data());
    if (state.size() < row.state.size()) std::ranges::copy(state, row.state.begin());
  }
  TRY_STATUS(AddRow(shared_->monitors, row, "file monitors"));
  Announce();
  return {};
}

// When the pipe is full, enough news wait.
void SignalTriggers::Announce() { std::ignore = ::write(news_.second.get(), "", 1); }

void SignalTriggers::Acknowledge() {
  char bytes[256];
  while (::read(news_.first.get(), bytes, sizeof bytes) > 0) {
  }
}

}  // namespace uwsgi
