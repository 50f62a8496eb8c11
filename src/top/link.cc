// SPDX-License-Identifier: Apache-2.0
#include "top/link.h"

#include <algorithm>

namespace uwsgi::top {

namespace {

constexpr int64_t kLongestPause = 10'000'000;
constexpr int64_t kFirstPause = 500'000;

// Half a second, doubled with each failure; not more often than asked when all is well.
int64_t PauseAfter(int failures, int64_t period) {
  const int64_t pause = kFirstPause << std::min(failures - 1, 10);
  return std::max(period, std::min(pause, kLongestPause));
}

}  // namespace

void Link::set_period(int64_t period) {
  if (failures_ == 0) due_ = std::min(due_, due_ - period_ + period);
  period_ = period;
}

bool Link::Advance(int64_t now) {
  if (!fetch_) {
    if (now < due_) return false;
    Begin(now);
    if (!fetch_) return true;
  }
  auto done = fetch_->Advance(now);
  if (!done) return false;
  fetch_.reset();
  Finish(std::move(*done), now);
  return true;
}

void Link::Begin(int64_t now) {
  due_ = now + period_;
  auto started = StatsFetch::Start(address_, now + timeout_);
  if (!started) return Fail(started.error(), now);
  fetch_.emplace(std::move(*started));
}

void Link::Finish(Result<std::string> document, int64_t now) {
  if (!document) return Fail(document.error(), now);
  auto snapshot = ParseSnapshot(*document);
  if (!snapshot) return Fail(snapshot.error(), now);
  failures_ = 0;
  problem_.clear();
  ++answers_;
  history_.Add(*snapshot, now);
  snapshot_ = std::move(*snapshot);
}

void Link::Fail(const Error& error, int64_t now) {
  ++failures_;
  problem_ = fmt::format("{}: {}", address_.text, error.text());
  due_ = now + PauseAfter(failures_, period_);
}

int64_t Link::SecondsToNext(int64_t now) const {
  return std::max<int64_t>(0, (due_ - now + 999'999) / 1'000'000);
}

}  // namespace uwsgi::top
