// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/leader.h"

namespace uwsgi {

// The thread that keeps a slow request from delaying the others. It never runs an application and
// never holds a language's lock. While requests are quick it does nothing but look, once in a
// millisecond; while there are none it sleeps. When it sees the same request inside the application
// at two looks, it takes the lead and gives it to an idle core, or, when there is none, drives the
// loop itself until a core is free.
class Watcher {
 public:
  explicit Watcher(Leader& leader) : leader_(leader) {}
  // The body of its thread: returns when the worker ends.
  void Run();

 private:
  static constexpr int64_t kLookEveryUs = 1000;
  static constexpr int kIdleLooks = 8;  // without a request, before it sleeps

  void TakeLead();

  Leader& leader_;
};

}  // namespace uwsgi
