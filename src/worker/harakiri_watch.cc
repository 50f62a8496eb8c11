// SPDX-License-Identifier: Apache-2.0
#include "worker/harakiri_watch.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace uwsgi {
namespace {

// For the language's lock; whoever holds it for longer is inside native code.
constexpr std::chrono::milliseconds kLockPatience{500};
// At a request whose harakiri was put off as nobody waits for the worker.
constexpr int64_t kLookAgainUs = 250'000;

constexpr size_t kWatchStack = size_t{256} * 1024;
constexpr size_t kHelperStack = size_t{2} * 1024 * 1024;

int64_t Earlier(int64_t one, int64_t other) {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

}  // namespace

HarakiriWatch::HarakiriWatch(const HarakiriSpec& spec, Place place)
    : spec_(spec),
      place_(std::move(place)),
      watched_(place_.slot->core_count),
      given_up_us_(place_.slot->core_count) {}

HarakiriWatch::~HarakiriWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    wake_.notify_one();
  }
  thread_.reset();
  helper_.reset();
}

Status HarakiriWatch::Start() {
  thread_.emplace(TRY(Thread::Start("uwsgi harakiri", kWatchStack, [this] { Run(); })));
  return {};
}

void HarakiriWatch::LookAgain() {
  const std::lock_guard lock(mutex_);
  look_again_ = true;
  wake_.notify_one();
}

void HarakiriWatch::Describe() {
  const std::lock_guard lock(mutex_);
  describe_ = true;
  wake_.notify_one();
}

void HarakiriWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    const bool describe = std::exchange(describe_, false);
    look_again_ = false;
    lock.unlock();
    if (describe) {
      for (const std::string& line : DescribeRequests(*place_.slot, place_.worker_id))
        LogLine(line);
      LogStacks({});
    }
    const int64_t now_us = MonotonicMicros();
    const int64_t next_us = Look(now_us);
    lock.lock();
    const auto woken = [this] { return ending_ || look_again_ || describe_; };
    if (next_us == 0) {
      wake_.wait(lock, woken);
    } else {
      wake_.wait_for(lock, std::chrono::microseconds(std::max<int64_t>(next_us - now_us, 1000)),
                     woken);
    }
  }
}

int64_t HarakiriWatch::Look(int64_t now_us) {
  // A request that starts from now on is not overdue before this.
  int64_t next_us = spec_.limit_us > 0 ? now_us + spec_.limit_us : 0;
  std::vector<Overdue> overdue;
  for (size_t i = 0; i < watched_.size(); ++i) {
    const CoreSlot& core = place_.slot->cores()[i];
    Watched& watched = watched_[i];
    const int64_t started_us = core.request_started_us.load(std::memory_order_relaxed);
    const int64_t due_us = DueTime(core, spec_.limit_us);
    if (started_us != watched.started_us) watched = {.started_us = started_us};
    const bool is_given_up = given_up_us_[i].load(std::memory_order_relaxed) == started_us;
    if (due_us == 0 || is_given_up) continue;
    if (now_us < due_us) {
      watched.told_us = 0;  // the application has moved its deadline
      next_us = Earlier(next_us, due_us);
    } else if (watched.told_us != 0) {
      if (now_us - watched.told_us < spec_.grace_us) {
        next_us = Earlier(next_us, watched.told_us + spec_.grace_us);
      } else {
        given_up_us_[i].store(started_us, std::memory_order_relaxed);
        GiveUp(static_cast<int>(i));
      }
    } else if (IsPutOff(spec_, place_.listeners)) {
      next_us = Earlier(next_us, now_us + kLookAgainUs);
    } else {
      overdue.push_back({static_cast<int>(i), started_us});
    }
  }
  if (overdue.empty()) return next_us;
  Tell(overdue, now_us);
  return Earlier(next_us, now_us + spec_.grace_us);
}

void HarakiriWatch::Tell(const std::vector<Overdue>& overdue, int64_t now_us) {
  place_.slot->totals->harakiri_count.fetch_add(1, std::memory_order_relaxed);
  for (const std::string& line :
       DescribeHarakiri(*place_.slot, place_.worker_id, ::getpid(), ++attempts_, spec_.verbose))
    LogDatedLine(line);
  for (const Overdue& one : overdue) watched_[static_cast<size_t>(one.core)].told_us = now_us;
  LogStacks(overdue);
  if (spec_.signal != 0) ::kill(::getpid(), spec_.signal);
}

// The scoreboard is asked, as the watch itself may not look again for long: whoever ends the worker
// by these numbers must not count what has ended after all.
HarakiriWatch::GivenUp HarakiriWatch::given_up() const {
  GivenUp found;
  for (size_t i = 0; i < given_up_us_.size(); ++i) {
    const int64_t given_up_us = given_up_us_[i].load(std::memory_order_relaxed);
    const CoreSlot& core = place_.slot->cores()[i];
    if (given_up_us == 0 || core.request_started_us.load(std::memory_order_relaxed) != given_up_us)
      continue;
    const bool is_handler = core.signal.load(std::memory_order_relaxed) >= 0;
    ++(is_handler ? found.handlers : found.requests);
  }
  return found;
}

void HarakiriWatch::GiveUp(int core) {
  LogDated("HARAKIRI [core {}] the request goes on: worker {} (pid: {}) is given up", core,
           place_.worker_id, ::getpid());
  if (place_.on_given_up) std::exchange(place_.on_given_up, {})();
}

// The helper takes the language's lock, which may take for ever. Then the stacks are written
// without it.
void HarakiriWatch::LogStacks(const std::vector<Overdue>& to_interrupt) {
  const bool still_waits = help_ && help_->running.load(std::memory_order_acquire);
  std::string stacks;
  if (!still_waits) {
    helper_.reset();
    help_ = std::make_shared<Help>();
    auto started = Thread::Start(
        "uwsgi stacks", kHelperStack,
        [help = help_, runtime = place_.runtime, to_interrupt]() mutable {
          std::string text = runtime->DescribeThreads();
          {
            const std::lock_guard lock(help->mutex);
            help->stacks = std::move(text);
            help->described = true;
            help->done.notify_one();
          }
          for (const Overdue& one : to_interrupt) {
            if (runtime->InterruptRequest(one.core, one.started_us))
              LogDated("HARAKIRI [core {}] an exception is raised in the request", one.core);
          }
          help->running.store(false, std::memory_order_release);
        });
    if (started) {
      helper_.emplace(std::move(*started));
      std::unique_lock lock(help_->mutex);
      help_->done.wait_for(lock, kLockPatience, [this] { return help_->described; });
      stacks = std::move(help_->stacks);
    } else {
      Log("{}", started.error().text());
      help_.reset();
    }
  }
  if (!stacks.empty()) {
    LogRaw(fmt::format("*** stacks of worker {} (pid: {}) ***\n{}*** end of stacks ***\n",
                       place_.worker_id, ::getpid(), stacks));
    return;
  }
  LogRaw(
      fmt::format("*** stacks of worker {} (pid: {}); native code holds the interpreter's lock "
                  "***\n{}*** end of stacks ***\n",
                  place_.worker_id, ::getpid(), place_.runtime->DescribeThreadsUnlocked()));
}

}  // namespace uwsgi
