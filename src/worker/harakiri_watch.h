// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/function.h"
#include "net/listener.h"
#include "runtime/language_runtime.h"
#include "shm/scoreboard.h"
#include "worker/harakiri.h"
#include "worker/thread.h"

namespace uwsgi {

// The thread of a worker that watches how long its requests take. An overdue one is dealt with in
// stages:
//   1. the log gets the requests of all cores and the stacks of all threads;
//   2. an exception is raised in the thread of that request, and in no other;
//   3. when it still runs after the grace time it is given up: the master is told and replaces the
//      worker, which drains and ends as soon as nothing but such requests is left (Leader).
// Of a worker that does not even do this the master sees the overdue request in the scoreboard, and
// kills it. The watch sleeps until the next request can be overdue, and never runs an application.
class HarakiriWatch {
 public:
  struct Place {
    int worker_id = 1;
    WorkerSlot* slot = nullptr;
    LanguageRuntime* runtime = nullptr;
    std::vector<const Listener*> listeners;
    UniqueFunction<void()> on_given_up;  // called once; may be empty
  };

  HarakiriWatch(const HarakiriSpec& spec, Place place);
  HarakiriWatch(const HarakiriWatch&) = delete;
  HarakiriWatch& operator=(const HarakiriWatch&) = delete;
  // By the worker's main thread, when all cores have ended.
  ~HarakiriWatch();

  Status Start();
  // From any thread: the application has set a deadline of its own.
  void LookAgain();
  // From any thread: the requests of all cores and the stacks of all threads to the log (SIGUSR2).
  void Describe();
  // From any thread: what has been given up and still runs. Handlers of user signals have no
  // connection.
  struct GivenUp {
    int requests = 0;
    int handlers = 0;
    [[nodiscard]] int all() const { return requests + handlers; }
  };
  [[nodiscard]] GivenUp given_up() const;

 private:
  // What has been done about the request that a core runs.
  struct Watched {
    int64_t started_us = 0;
    int64_t told_us = 0;  // 0: it is not overdue
  };
  struct Overdue {
    int core = 0;
    int64_t started_us = 0;
  };
  // What the helper, who waits for the language's lock, shares with the watch.
  struct Help {
    std::mutex mutex;
    std::condition_variable done;
    bool described = false;
    std::string stacks;
    std::atomic<bool> running{true};
  };

  void Run();
  // Does what is due; when to look again, 0 for not before somebody asks.
  int64_t Look(int64_t now_us);
  void Tell(const std::vector<Overdue>& overdue, int64_t now_us);
  void GiveUp(int core);
  void LogStacks(const std::vector<Overdue>& to_interrupt);

  const HarakiriSpec spec_;
  Place place_;
  std::vector<Watched> watched_;
  std::optional<Thread> thread_;
  std::shared_ptr<Help> help_;
  std::optional<Thread> helper_;
  int attempts_ = 0;
  // Of each core: the start of the request that was given up last, 0 for none.
  std::vector<std::atomic<int64_t>> given_up_us_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool look_again_ = false;
  bool describe_ = false;
  bool ending_ = false;
};

}  // namespace uwsgi
