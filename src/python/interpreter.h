// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "python/py.h"
#include "python/python_spec.h"

namespace uwsgi {

// The one interpreter of a process, from its start to its end, as its main thread sees it. After
// Start the GIL is free; each function takes it and gives it back, so that threads of the
// application run whenever the server waits.
class Interpreter {
 public:
  // Behaves as the program `python3` would (environment variables, site, virtualenvs), but leaves
  // signals and arguments alone.
  Status Start(const InterpreterSpec& spec);
  [[nodiscard]] bool is_running() const { return main_ != nullptr; }
  // The state of the main thread; other threads get theirs by GilLock or StartThread.
  [[nodiscard]] PyThreadState* main_state() const { return main_; }
  [[nodiscard]] const void* address() const;

  // Around fork, on the main thread. Between BeforeFork and one of the others the GIL is held.
  void BeforeFork();
  void AfterForkParent();
  void AfterForkChild();

  // Readable when handlers of signal.signal() wait for the main thread, and what runs them there,
  // GIL free.
  [[nodiscard]] int signal_fd() const { return signal_pipe_.first.get(); }
  void RunSignalHandlers();

  // Waits for threads that are no daemons, runs atexit functions and ends the interpreter. Main
  // thread, GIL free.
  void Finalize();
  // The same; but with threads alive that Finalize would wait for, it runs the atexit functions,
  // flushes what was printed and keeps the GIL for good: nothing of Python runs any more, and the
  // process may end.
  void FinalizeOrFreeze();

 private:
  Status WatchSignals();
  void Enter();

  PyThreadState* main_ = nullptr;
  FdPair signal_pipe_;  // readable when a Python signal handler is to be run
};

}  // namespace uwsgi
