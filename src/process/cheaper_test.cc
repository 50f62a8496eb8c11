// SPDX-License-Identifier: Apache-2.0
#include "process/cheaper.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

// A server whose load the test sets and whose workers come and go as it was decided.
class Site {
 public:
  explicit Site(ScalingSpec spec, int active, int cores = 1) : spec_(spec) {
    view_.now_us = 1000 * kSecond;
    view_.cores = cores;
    for (int id = 1; id <= spec.most; ++id) {
      view_.workers.push_back({.id = id, .active = id <= active, .spawned_us = id * kSecond});
    }
  }

  // One look, a second after the last one, with that many workers fully busy.
  ScalingDecision Look(int busy) {
    view_.now_us += kSecond;
    for (ScalingWorker& worker : view_.workers) {
      worker.busy_cores = worker.active && busy-- > 0 ? view_.cores : 0;
      worker.running_us += worker.busy_cores * kSecond;
    }
    const ScalingDecision decision = Decide(spec_, view_, memory_);
    for (int i = 0; i < decision.add; ++i) Start();
    for (int i = 0; i < decision.remove; ++i) {
      if (const auto id = ChooseWorkerToStop(view_)) {
        view_.workers[static_cast<size_t>(*id - 1)].active = false;
      }
    }
    return decision;
  }
  int ActiveAfter(int looks, int busy) {
    for (int i = 0; i < looks; ++i) Look(busy);
    return view_.active();
  }
  ScalingView& view() { return view_; }
  ScalingSpec& spec() { return spec_; }
  ScalingMemory& memory() { return memory_; }

 private:
  void Start() {
    for (ScalingWorker& worker : view_.workers) {
      if (worker.active) continue;
      worker.active = true;
      worker.spawned_us = view_.now_us;
      return;
    }
  }

  ScalingSpec spec_;
  ScalingView view_;
  ScalingMemory memory_;
};

ScalingSpec SpecOf(ScalingAlgorithm algorithm) {
  return {.enabled = true, .algorithm = algorithm, .most = 8, .least = 2, .initial = 2};
}

TEST(Spare, AddsAStepWhenNobodyWasFreeForLong) {
  ScalingSpec spec = SpecOf(ScalingAlgorithm::kSpare);
  spec.step = 2;
  Site site(spec, 2);
  EXPECT_EQ(site.ActiveAfter(3, 2), 2);
  EXPECT_EQ(site.Look(2).add, 2);
  EXPECT_EQ(site.view().active(), 4);
}

TEST(Spare, ANewLookWithAFreeWorkerTakesBackAnOverloadedOne) {
  Site site(SpecOf(ScalingAlgorithm::kSpare), 2);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(site.Look(2).add, 0);
    EXPECT_EQ(site.Look(1).add, 0);
  }
}

TEST(Spare, StopsOneAtATimeDownToTheLeast) {
  Site site(SpecOf(ScalingAlgorithm::kSpare), 5);
  EXPECT_EQ(site.ActiveAfter(2, 0), 5);
  EXPECT_EQ(site.Look(0).remove, 1);
  EXPECT_EQ(site.ActiveAfter(100, 0), 2);
}

TEST(Spare, KeepsOneFreeWorker) {
  Site site(SpecOf(ScalingAlgorithm::kSpare), 5);
  EXPECT_EQ(site.ActiveAfter(100, 4), 5);
  EXPECT_EQ(site.ActiveAfter(100, 3), 4);
}

TEST(Spare, WaitsForAWorkerThatIsStarting) {
  Site site(SpecOf(ScalingAlgorithm::kSpare), 3);
  site.view().workers[2].starting = true;
  EXPECT_EQ(site.ActiveAfter(50, 2), 3);
}

TEST(Spare, AWorkerWithAFreeCoreIsFree) {
  Site site(SpecOf(ScalingAlgorithm::kSpare), 2, /*cores=*/4);
  site.view().workers[0].busy_cores = 4;
  site.view().workers[1].busy_cores = 3;
  EXPECT_EQ(site.view().free(), 1);
  EXPECT_EQ(site.view().idle(), 0);
}

TEST(Spare, NeverExceedsTheMost) {
  ScalingSpec spec = SpecOf(ScalingAlgorithm::kSpare);
  spec.step = 5;
  Site site(spec, 2);
  EXPECT_EQ(site.ActiveAfter(100, 8), 8);
}

TEST(AnyAlgorithm, BringsBackWhatIsMissingAtTheLeast) {
  for (const std::string_view name : ScalingAlgorithmNames()) {
    if (name == "manual") continue;
    Site site(SpecOf(FindScalingAlgorithm(name).value()), 0);
    EXPECT_EQ(site.Look(0).add, 2) << name;
  }
}

TEST(Spare2, KeepsIdleWorkers) {
  ScalingSpec spec = SpecOf(ScalingAlgorithm::kSpare2);
  spec.step = 4;
  Site site(spec, 2);
  EXPECT_EQ(site.Look(2).add, 2);
  EXPECT_EQ(site.Look(3).add, 1);
  EXPECT_EQ(site.view().active(), 5);
}

TEST(Spare2, StopsTheSurplusAfterAWhile) {
  Site site(SpecOf(ScalingAlgorithm::kSpare2), 5);
  EXPECT_EQ(site.ActiveAfter(10, 0), 5);
  EXPECT_EQ(site.Look(0).remove, 1);
  EXPECT_EQ(site.ActiveAfter(60, 0), 2);
}

TEST(Backlog, FollowsTheListenQueue) {
  Site site(SpecOf(ScalingAlgorithm::kBacklog), 2);
  site.view().backlog = 4;
  EXPECT_EQ(site.Look(2).add, 1);
  site.view().backlog = 3;
  EXPECT_EQ(site.Look(3).add, 0);
  site.view().backlog = 0;
  EXPECT_EQ(site.Look(0).remove, 1);
  EXPECT_EQ(site.Look(0).remove, 0) << "there is nobody above the least";
}

TEST(Backlog2, WaitsBeforeItStopsAWorker) {
  Site site(SpecOf(ScalingAlgorithm::kBacklog2), 4);
  EXPECT_EQ(site.Look(0).remove, 0);
  EXPECT_EQ(site.Look(0).remove, 0);
  site.view().backlog = 1;
  EXPECT_EQ(site.Look(0).remove, 0);
  site.view().backlog = 0;
  EXPECT_EQ(site.ActiveAfter(2, 0), 4);
  EXPECT_EQ(site.Look(0).remove, 1);
  site.view().backlog = 4;
  EXPECT_EQ(site.Look(0).add, 1);
}

TEST(Busyness, AddsWorkersWhenTheWindowWasBusy) {
  Site site(SpecOf(ScalingAlgorithm::kBusyness), 4);
  EXPECT_EQ(site.ActiveAfter(3, 3), 4);
  EXPECT_EQ(site.Look(3).add, 1);
}

TEST(Busyness, BetweenTheLimitsNothingChanges) {
  Site site(SpecOf(ScalingAlgorithm::kBusyness), 4);
  EXPECT_EQ(site.ActiveAfter(300, 2), 4) << "50% is not above 50%";
}

TEST(Busyness, StopsAWorkerAfterManyQuietWindows) {
  Site site(SpecOf(ScalingAlgorithm::kBusyness), 4);
  EXPECT_EQ(site.ActiveAfter(30, 0), 4);
  EXPECT_EQ(site.ActiveAfter(1, 0), 3);
  EXPECT_EQ(site.ActiveAfter(100, 0), 2);
}

TEST(Busyness, AWorkerMissedSoonAfterItsStopMakesTheNextStopLater) {
  Site site(SpecOf(ScalingAlgorithm::kBusyness), 4);
  EXPECT_EQ(site.ActiveAfter(31, 0), 3);
  EXPECT_EQ(site.ActiveAfter(3, 3), 4);
  EXPECT_EQ(site.memory().multiplier, 12);
  EXPECT_EQ(site.ActiveAfter(33, 0), 4);
  EXPECT_EQ(site.ActiveAfter(3, 0), 3);
}

TEST(Busyness, ALongListenQueueIsAnEmergency) {
  Site site(SpecOf(ScalingAlgorithm::kBusyness), 2);
  site.view().backlog = 34;
  EXPECT_EQ(site.Look(0).add, 1);
  site.view().backlog = 0;
  EXPECT_EQ(site.ActiveAfter(9, 0), 2) << "and its worker stays for three windows only";
}

TEST(Busyness, AShortListenQueueIsOneAfterAMinute) {
  Site site(SpecOf(ScalingAlgorithm::kBusyness), 4);
  site.view().backlog = 1;
  EXPECT_EQ(site.ActiveAfter(60, 2), 4);
  EXPECT_EQ(site.ActiveAfter(1, 2), 5);
}

TEST(Busyness, CountsCores) {
  Site site(SpecOf(ScalingAlgorithm::kBusyness), 4, /*cores=*/4);
  EXPECT_EQ(site.ActiveAfter(4, 4), 5);
}

TEST(Manual, LeavesEverythingAsItIs) {
  Site site(SpecOf(ScalingAlgorithm::kManual), 1);
  site.view().backlog = 100;
  EXPECT_EQ(site.ActiveAfter(20, 1), 1);
}

TEST(Memory, AboveTheSoftLimitNothingIsAdded) {
  ScalingSpec spec = SpecOf(ScalingAlgorithm::kSpare);
  spec.rss_soft_limit = 1000;
  Site site(spec, 2);
  site.view().rss_bytes = 1000;
  EXPECT_EQ(site.ActiveAfter(20, 2), 2);
  site.view().rss_bytes = 999;
  EXPECT_EQ(site.ActiveAfter(4, 2), 3);
}

TEST(Memory, AboveTheHardLimitAWorkerGoesAtEveryLook) {
  ScalingSpec spec = SpecOf(ScalingAlgorithm::kSpare);
  spec.rss_soft_limit = 1000;
  spec.rss_hard_limit = 2000;
  Site site(spec, 5);
  site.view().rss_bytes = 2000;
  EXPECT_EQ(site.Look(1).remove, 1);
  EXPECT_EQ(site.ActiveAfter(10, 1), 2);
}

TEST(ChooseWorkerToStop, TakesTheOldestThatDoesNothing) {
  Site site(SpecOf(ScalingAlgorithm::kSpare), 4);
  site.view().workers[0].busy_cores = 1;
  site.view().workers[1].starting = true;
  site.view().workers[2].spawned_us = 50 * kSecond;
  EXPECT_EQ(ChooseWorkerToStop(site.view()), 4);
  site.view().workers[3].busy_cores = 1;
  EXPECT_EQ(ChooseWorkerToStop(site.view()), 3);
  site.view().workers[2].busy_cores = 1;
  EXPECT_EQ(ChooseWorkerToStop(site.view()), std::nullopt);
}

TEST(ScalingAlgorithms, AreFoundByName) {
  EXPECT_EQ(FindScalingAlgorithm("busyness"), ScalingAlgorithm::kBusyness);
  EXPECT_EQ(NameOf(ScalingAlgorithm::kBacklog2), "backlog2");
  EXPECT_FALSE(FindScalingAlgorithm("foo"));
}

}  // namespace
}  // namespace uwsgi
