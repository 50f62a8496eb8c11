// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>

namespace uwsgi {

// What the kernel says of a thread of this process. A small value that threads may pass on: it is
// aligned as a word, without which clang makes an atomic one a call into a library (libatomic).
class alignas(2 * sizeof(pid_t)) ThreadView {
 public:
  ThreadView() = default;  // of no thread: it has used nothing and is not runnable
  static ThreadView OfCaller();

  // Processor time so far, microseconds.
  [[nodiscard]] int64_t CpuMicros() const;
  // Whether it runs, or would if it had a processor; false when it waits for anything else, has
  // ended, or the kernel does not say.
  [[nodiscard]] bool IsRunnable() const;

 private:
  pid_t thread_ = 0;
  clockid_t clock_ = 0;
};

}  // namespace uwsgi
