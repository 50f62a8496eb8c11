// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/py.h"

namespace uwsgi {

// Takes the GIL for a scope, on any thread: a thread that Python does not know gets a state for as
// long as the scope.
class GilLock {
 public:
  GilLock() : state_(PyGILState_Ensure()) {}
  ~GilLock() { PyGILState_Release(state_); }
  GilLock(const GilLock&) = delete;
  GilLock& operator=(const GilLock&) = delete;

 private:
  PyGILState_STATE state_;
};

// Gives the GIL back for a scope in which the thread waits. CPython ends a daemon thread that asks
// for the GIL during finalisation by unwinding its stack, so the destructor may "throw": a function
// that Python calls and that uses this is not noexcept and owns no Python reference around it.
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() noexcept(false) { PyEval_RestoreThread(state_); }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace uwsgi
