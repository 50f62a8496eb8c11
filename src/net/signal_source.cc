// SPDX-License-Identifier: Apache-2.0
#include "net/signal_source.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace uwsgi {

namespace {

std::atomic<int> write_end{-1};
std::atomic<pid_t> owner{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler reads them");

void LeaveByte(int signal, siginfo_t* info, void* /*context*/) {
  const int errno_before = errno;
  // The signal does to the process what it would without us, as soon as this returns.
  if (!SignalSource::IsCallers()) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    errno = errno_before;
    return;
  }
  const int value = info->si_code == SI_QUEUE ? info->si_value.sival_int : 0;
  const bool says_more = value > 0 && value <= kMostQueuedValue && signal < kFirstQueued;
  const auto byte = static_cast<char>(says_more ? QueuedSignal(signal, value) : signal);
  // A full pipe loses the signal: tens of thousands are waiting already.
  [[maybe_unused]] const ssize_t written = ::write(write_end.load(), &byte, 1);
  errno = errno_before;
}

Status SetAction(int signal, struct sigaction action, struct sigaction* before) {
  action.sa_flags |= SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  if (::sigaction(signal, &action, before) != 0) {
    return ErrnoError(fmt::format("sigaction({})", signal), errno);
  }
  return {};
}

}  // namespace

Result<SignalSource> SignalSource::Create() {
  if (write_end.load() >= 0) return Fail("signals already have a receiver");
  FdPair pipe = TRY(MakePipe());
  write_end.store(pipe.second.get());
  owner.store(::getpid());
  return SignalSource(std::move(pipe));
}

bool SignalSource::IsCallers() { return ::getpid() == owner.load(); }

SignalSource::SignalSource(SignalSource&& other) noexcept
    : pipe_(std::move(other.pipe_)), saved_(std::exchange(other.saved_, {})) {}

SignalSource::~SignalSource() {
  for (auto saved = saved_.rbegin(); saved != saved_.rend(); ++saved) {
    ::sigaction(saved->signal, &saved->before, nullptr);
  }
  if (pipe_.second.valid()) write_end.store(-1);
}

Status SignalSource::Install(std::initializer_list<int> signals) {
  for (const int signal : signals) TRY_STATUS(Install(signal));
  return {};
}

Status SignalSource::Install(int signal) { return Change(signal, Disposition::kLeave); }

Status SignalSource::Ignore(std::initializer_list<int> signals) {
  for (const int signal : signals) TRY_STATUS(Change(signal, Disposition::kIgnore));
  return {};
}

Status SignalSource::Change(int signal, Disposition disposition) {
  struct sigaction action {};
  if (disposition == Disposition::kIgnore) {
    action.sa_handler = SIG_IGN;
  } else {
    action.sa_sigaction = LeaveByte;
    action.sa_flags = SA_SIGINFO;
  }
  struct sigaction before {};
  TRY_STATUS(SetAction(signal, action, &before));
  const bool is_known = std::any_of(saved_.begin(), saved_.end(), [signal](const Saved& saved) {
    return saved.signal == signal;
  });
  if (!is_known) saved_.push_back({signal, before});
  return {};
}

std::vector<int> SignalSource::Drain() {
  std::vector<int> signals;
  unsigned char bytes[64];
  for (;;) {
    const ssize_t got = ::read(fd(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return signals;
    signals.insert(signals.end(), bytes, bytes + got);
  }
}

void SignalSource::SendAgain() {
  for (const int arrived : Drain()) {
    const int signal = arrived % kFirstQueued;
    sigval said{};
    said.sival_int = arrived / kFirstQueued;
    said.sival_int == 0 ? ::pthread_kill(::pthread_self(), signal)
                        : ::pthread_sigqueue(::pthread_self(), signal, said);
  }
}

SignalMask::SignalMask() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalMask::~SignalMask() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void UnblockSignals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace uwsgi
