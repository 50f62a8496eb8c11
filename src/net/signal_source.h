// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <initializer_list>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// A signal that was sent with sigqueue and one of the values 1 to 3 says more than its number: it
// arrives as this number, which no plain signal has.
inline constexpr int kFirstQueued = 64;
constexpr int QueuedSignal(int signal, int value) { return signal + kFirstQueued * value; }
inline constexpr int kMostQueuedValue = 3;

// Signals as events of a loop: the handler leaves the number as a byte in a pipe, whose read end is
// fd(). Signals are process-wide, so there is one source at a time (the pipe's write end is
// global). The destructor gives every signal the disposition it had before.
class SignalSource {
 public:
  static Result<SignalSource> Create();
  SignalSource(SignalSource&& other) noexcept;
  SignalSource& operator=(SignalSource&&) = delete;
  ~SignalSource();

  // From now on these signals are left in the pipe; system calls they interrupt are restarted.
  Status Install(std::initializer_list<int> signals);
  Status Install(int signal);
  // From now on these signals do nothing.
  Status Ignore(std::initializer_list<int> signals);

  // False in what an application has forked, which has the handlers and the pipe too. Also for
  // signal handlers.
  static bool IsCallers();

  // Readable when signals have arrived.
  [[nodiscard]] int fd() const { return pipe_.first.get(); }
  // What arrived, in order; the same signal more than once when it came more than once.
  std::vector<int> Drain();
  // What has arrived is pending again, for the calling thread, which blocks all signals: for who
  // comes after an exec.
  void SendAgain();

 private:
  struct Saved {
    int signal;
    struct sigaction before;
  };

  explicit SignalSource(FdPair pipe) : pipe_(std::move(pipe)) {}
  enum class Disposition { kLeave, kIgnore };
  Status Change(int signal, Disposition disposition);

  FdPair pipe_;
  std::vector<Saved> saved_;
};

// Blocks all signals of the calling thread while it lives; around fork, so that none arrives in the
// child before it has handlers of its own.
class SignalMask {
 public:
  SignalMask();
  SignalMask(const SignalMask&) = delete;
  SignalMask& operator=(const SignalMask&) = delete;
  ~SignalMask();

  // What ends with it, for a call like ppoll that waits with another mask.
  [[nodiscard]] const sigset_t& before() const { return before_; }

 private:
  sigset_t before_;
};

// All signals come to the calling thread, at once those that have waited.
void UnblockSignals();

}  // namespace uwsgi
