// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

#include <cstdint>

namespace uwsgi {

// More than this is as good as for ever, and microseconds of it can be added up.
inline constexpr int64_t kLongestSecs = int64_t{100} * 365 * 86400;

// Microseconds of a clock that never jumps; the zero point means nothing.
inline int64_t MonotonicMicros() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Microseconds since 1970 in UTC; it may jump when somebody sets the clock, so nothing is timed
// with it.
inline int64_t WallMicros() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Time as a thing to be handed in, so that tests can make it pass.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual int64_t monotonic_micros() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] int64_t monotonic_micros() const override { return MonotonicMicros(); }
};

// A clock that stands still until a test moves it.
class FakeClock final : public Clock {
 public:
  [[nodiscard]] int64_t monotonic_micros() const override { return now_; }
  void Advance(int64_t micros) { now_ += micros; }

 private:
  int64_t now_ = 0;
};

}  // namespace uwsgi
