// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <string>

#include "base/function.h"
#include "base/result.h"

namespace uwsgi {

// A thread of a worker, with a stack of a chosen size. It is joined by the destructor and never
// cancelled. All signals that have handlers are left to the main thread and whoever reads their
// pipe.
class Thread {
 public:
  // `stack_bytes` 0: the system's default.
  static Result<Thread> Start(const std::string& name, size_t stack_bytes,
                              UniqueFunction<void()> body);
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&&) = delete;
  ~Thread();

 private:
  explicit Thread(pthread_t handle) : handle_(handle), joinable_(true) {}
  pthread_t handle_;
  bool joinable_;
};

}  // namespace uwsgi
