// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include <utility>

#include "base/log.h"
#include "worker/harakiri_watch.h"
#include "worker/leader.h"
#include "worker/thread.h"
#include "worker/watcher.h"

namespace uwsgi {
namespace {

constexpr size_t kWatcherStack = size_t{256} * 1024;

class ServingWorker final : public Worker {
 public:
  ServingWorker(const WorkerSpec& spec, WorkerContext context)
      : spec_(spec), context_(std::move(context)) {
    shared_.spec = &spec_;
    shared_.worker_id = context_.id;
    shared_.slot = &context_.scoreboard->berth(context_.id, context_.berth);
    shared_.runtime = context_.runtime;
    shared_.services = context_.services;
    shared_.scoreboard = context_.scoreboard;
  }

  Status Open() {
    leader_ = TRY(Leader::Create(spec_, context_, shared_));
    leader_->set_flush_logs([this] {
      for (const auto& core : cores_) core->FlushLog();
    });
    for (int id = 0; id < spec_.threads; ++id) {
      cores_.push_back(std::make_unique<Core>(id, shared_, context_.request_spec->log));
    }
    return {};
  }

  int Run() override {
    std::vector<Thread> threads;
    Watcher watcher(*leader_);
    HarakiriWatch harakiri(spec_.harakiri, {.worker_id = context_.id,
                                            .slot = shared_.slot,
                                            .runtime = context_.runtime,
                                            .listeners = context_.listeners,
                                            .on_given_up = std::move(context_.on_given_up)});
    harakiri_.store(&harakiri);
    leader_->set_harakiri(&harakiri);
    Status started = harakiri.Start();
    if (started) started = StartThreads(watcher, threads);
    if (!started) {
      Log("{}", started.error().text());
      leader_->seats().End();
      return 1;
    }
    WorkerSlot& slot = *shared_.slot;
    PublishApps(*shared_.runtime, slot);
    slot.state.store(WorkerState::kAccepting, std::memory_order_relaxed);
    slot.accepting.store(true, std::memory_order_relaxed);
    slot.ready.store(true, std::memory_order_release);
    if (context_.on_ready) context_.on_ready();
    RunCore(*cores_[0], true);
    threads.clear();  // joins
    harakiri_.store(nullptr);
    return leader_->exit_status();
  }

  // An application sets deadlines while it runs a request, so the watch is there.
  void LookAtDeadlines() override {
    if (HarakiriWatch* const harakiri = harakiri_.load()) harakiri->LookAgain();
  }

 private:
  Status StartThreads(Watcher& watcher, std::vector<Thread>& threads) {
    for (int id = 1; id < spec_.threads; ++id) {
      Core& core = *cores_[static_cast<size_t>(id)];
      threads.push_back(TRY(Thread::Start(fmt::format("uwsgi core {}", id),
                                          static_cast<size_t>(spec_.stack_bytes),
                                          [this, &core] { RunCore(core, false); })));
    }
    threads.push_back(
        TRY(Thread::Start("uwsgi watcher", kWatcherStack, [&watcher] { watcher.Run(); })));
    return {};
  }

  // The life of a core's thread: it leads, or runs requests that wait, or waits itself.
  void RunCore(Core& core, bool leads) {
    context_.runtime->StartCore(core.id());
    Driver driver{&core, leads};
    for (bool ended = false; !ended;) {
      leader_->Drive(driver);
      driver.leads = false;
      leader_->BeforeWait(core);
      const Assignment assignment = leader_->seats().WaitForAssignment(core.id());
      switch (assignment.kind) {
        case Assignment::Kind::kLead:
          driver.leads = true;
          break;
        case Assignment::Kind::kWork:
          leader_->Do(assignment.work, driver);
          break;
        case Assignment::Kind::kLook:
          break;  // BeforeWait does
        case Assignment::Kind::kEnd:
          ended = true;
          break;
      }
    }
    context_.runtime->EndCore(core.id());
  }

  WorkerSpec spec_;
  WorkerContext context_;
  CoreShared shared_;
  std::unique_ptr<Leader> leader_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::atomic<HarakiriWatch*> harakiri_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Worker>> Worker::Create(const WorkerSpec& spec, WorkerContext context) {
  auto worker = std::make_unique<ServingWorker>(spec, std::move(context));
  TRY_STATUS(worker->Open());
  return worker;
}

}  // namespace uwsgi
