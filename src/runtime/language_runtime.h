// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "request/request.h"
#include "request/response.h"
#include "service/spooler.h"

namespace uwsgi {

// What others are told of a loaded application (stats, logs, uwsgi.workers()).
struct AppInfo {
  int id = 0;
  std::string mountpoint;
  int64_t startup_seconds = 0;
  uint64_t requests = 0;    // in this process
  uint64_t exceptions = 0;  // in this process
  std::string chdir;
};

// How a request went, beyond what the Response knows.
struct RequestResult {
  bool raised = false;             // the application raised an exception
  bool wants_replacement = false;  // one after which the operator wants a new process
  bool is_logged = true;           // it may have a line in the log
};

// A language that applications are written in. Processes and workers know languages only through
// this interface.
//
// Life in a process: Start, LoadApps (before the fork, or in each child with lazy-apps), then
// around every fork BeforeFork / AfterForkParent / AfterForkChild on the only thread there is, then
// for each core thread StartCore, any number of Handle and BeforeWait, EndCore; last End on the
// main thread.
class LanguageRuntime {
 public:
  virtual ~LanguageRuntime() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;

  // Brings the interpreter up. On the main thread, before any application is loaded.
  virtual Status Start() = 0;
  // Loads every application that the configuration names. An error (exit code 22 when an
  // application failed) has been explained in the log, traceback last.
  virtual Status LoadApps() = 0;
  [[nodiscard]] virtual std::vector<AppInfo> apps() const = 0;

  virtual void BeforeFork() = 0;
  virtual void AfterForkParent() = 0;
  virtual void AfterForkChild() = 0;
  // In a worker, on its main thread, after the fork, before requests: post-fork hooks, imports for
  // workers.
  virtual Status StartWorker() = 0;

  // In a mule, on its main thread, after the fork: post-fork hooks, which may keep the process for
  // as long as they like. The status that it shall end with when one of them has ended it.
  virtual std::optional<int> StartMule() = 0;
  // In a mule, on its main thread: runs a file as the main program, or calls "module:callable". The
  // exit status.
  virtual int RunMuleProgram(const std::string& program) = 0;
  // In a mule, on its main thread: gives a message to the application. What it raises has been
  // logged.
  virtual void HandleMuleMessage(int mule, std::string_view message) = 0;

  // In a spooler, on its main thread, after the fork: post-fork hooks, imports for spoolers.
  virtual Status StartSpooler() = 0;

  // Runs a spooled task on the calling thread; `name` is that of its file. Never throws.
  virtual SpoolResult RunSpoolTask(const SpoolTask& task, std::string_view name) = 0;

  // Called once on each core thread, core 0 being the main thread, before and after its requests.
  virtual void StartCore(int core) = 0;
  virtual void EndCore(int core) = 0;

  // Runs one request on the calling core thread. Never throws; whatever the application does ends
  // in the response.
  virtual RequestResult Handle(int core, Request& request, Response& response) = 0;

  // Runs this process's handler of a user signal: on a core's thread between its requests, or on
  // the main thread of a helper process (kNoCore). False when there is none, or it failed, which
  // the log has been told. `started_us` is what InterruptRequest() tells it by.
  static constexpr int kNoCore = -1;
  virtual bool HandleSignal(int core, uint8_t signal, int64_t started_us) = 0;

  // The core thread is about to wait or to leave the loop: it gives back what it still holds (a
  // global lock) and does what was put off. Handle may keep the lock between requests, so that a
  // batch of them takes it once.
  virtual void BeforeWait(int core) = 0;

  // A descriptor that the language wants to hear of in worker `id`, for as long as it serves; -1
  // for none. When it is readable, OnOwnEvent is called on a core thread as a request would be.
  virtual int OwnEvents(int /*id*/) { return -1; }
  virtual void OnOwnEvent(int /*core*/) {}

  // A descriptor that is readable when there is something to be done on the main thread; -1 for
  // none. OnMainEvent is called there, as core 0, after its BeforeWait, and takes what is to be
  // read.
  [[nodiscard]] virtual int MainEvents() const { return -1; }
  virtual void OnMainEvent() {}

  // The stacks of all threads as text, for the log. May be called on any thread that no application
  // runs on.
  virtual std::string DescribeThreads() = 0;

  // The same without the language's lock, which native code of the application may hold for ever:
  // as far as it can be told.
  virtual std::string DescribeThreadsUnlocked() { return {}; }

  // Raises an exception in the request that this core runs since `started_us`, and nowhere else;
  // false when it is over. The application ends as soon as it runs code of the language again. May
  // wait for the language's lock; on any thread that no application runs on.
  virtual bool InterruptRequest(int /*core*/, int64_t /*started_us*/) { return false; }

  // Orderly end on the main thread, all other cores having ended: exit hooks, finalisation.
  virtual void End() = 0;
  // The same in a process that serves nobody (a master, a trial): threads that applications have
  // started while they were loaded, and that would go on for ever, do not keep it.
  virtual void EndUnserving() { End(); }
};

}  // namespace uwsgi
