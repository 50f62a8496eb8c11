// SPDX-License-Identifier: Apache-2.0
#include "shm/thread_id.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>

#include "base/clock.h"

namespace uwsgi {
namespace {

std::atomic<pid_t> process_id{0};
thread_local pid_t thread_id = 0;
thread_local uint64_t thread_mark = 0;

// The kernel's numbers are below 2^22. Above them stands when the thread was first asked for its
// mark, in microseconds; its number is not given anew before it has ended.
constexpr int kThreadIdBits = 22;

// The child of a fork is another process with one thread, the one that forked.
void Forget() {
  process_id.store(0, std::memory_order_relaxed);
  thread_id = 0;
  thread_mark = 0;
}

bool ForgetsAtFork() {
  static const int registered = ::pthread_atfork(nullptr, nullptr, Forget);
  return registered == 0;
}

}  // namespace

pid_t OwnProcessId() {
  const pid_t known = process_id.load(std::memory_order_relaxed);
  if (known != 0) return known;
  const pid_t pid = ::getpid();
  if (ForgetsAtFork()) process_id.store(pid, std::memory_order_relaxed);
  return pid;
}

pid_t OwnThreadId() {
  if (thread_id != 0) return thread_id;
  const pid_t thread = ::gettid();
  if (ForgetsAtFork()) thread_id = thread;
  return thread;
}

uint64_t OwnThreadMark() {
  const auto thread = static_cast<uint64_t>(OwnThreadId());
  if (ThreadIdOf(thread_mark) != static_cast<pid_t>(thread))
    thread_mark = static_cast<uint64_t>(MonotonicMicros()) << kThreadIdBits | thread;
  return thread_mark;
}

pid_t ThreadIdOf(uint64_t mark) {
  return static_cast<pid_t>(mark & ((uint64_t{1} << kThreadIdBits) - 1));
}

}  // namespace uwsgi
