// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "top/history.h"
#include "top/stats_fetch.h"
#include "top/stats_model.h"

namespace uwsgi::top {

// Asks one server again and again, without ever waiting: the caller polls `fd()` until `next()` and
// calls Advance(). When the server does not answer, the questions become rarer, up to one in ten
// seconds, and what it said last stays.
class Link {
 public:
  // `period` and `timeout` in microseconds.
  Link(StatsAddress address, int64_t period, int64_t timeout)
      : address_(std::move(address)), period_(period), timeout_(timeout) {}

  // Does what is due; true when there is a new snapshot or a new problem.
  bool Advance(int64_t now);

  // What to poll; -1 while no question is under way.
  [[nodiscard]] int fd() const { return fetch_ ? fetch_->fd() : -1; }
  [[nodiscard]] short events() const { return fetch_ ? fetch_->events() : short{0}; }
  // When to call Advance() at the latest.
  [[nodiscard]] int64_t next() const { return fetch_ ? fetch_->deadline() : due_; }

  // From the next question on.
  void set_period(int64_t period);

  [[nodiscard]] const Snapshot* snapshot() const { return snapshot_ ? &*snapshot_ : nullptr; }
  [[nodiscard]] const History& history() const { return history_; }
  // Why the last question had no answer; empty when it had one.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const StatsAddress& address() const { return address_; }
  // Snapshots so far.
  [[nodiscard]] int64_t answers() const { return answers_; }
  // Seconds until the next question.
  [[nodiscard]] int64_t SecondsToNext(int64_t now) const;

 private:
  void Finish(Result<std::string> document, int64_t now);
  void Begin(int64_t now);
  void Fail(const Error& error, int64_t now);

  StatsAddress address_;
  int64_t period_, timeout_;
  int64_t due_ = 0;   // when the next question is asked
  int failures_ = 0;  // in a row
  int64_t answers_ = 0;
  std::optional<StatsFetch> fetch_;
  std::optional<Snapshot> snapshot_;
  History history_;
  std::string problem_;
};

}  // namespace uwsgi::top
