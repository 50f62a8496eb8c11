// SPDX-License-Identifier: Apache-2.0
#include "process/child_rules.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

using S = ChildState;
using E = ChildEvent;
using A = ChildAction;

void ExpectStep(S state, E event, S next, A action) {
  const ChildStep step = StepOf(state, event);
  EXPECT_EQ(step.next, next) << NameOf(state) << ", " << NameOf(event) << " -> "
                             << NameOf(step.next);
  EXPECT_EQ(step.action, action) << NameOf(state) << ", " << NameOf(event) << ": "
                                 << NameOf(step.action);
}

TEST(ChildRules, AWorkerThatDiesWhileServingIsReplacedAtOnce) {
  ExpectStep(S::kServing, E::kDied, S::kPausing, A::kReplaceDead);
  ExpectStep(S::kPausing, E::kPauseOver, S::kStarting, A::kStart);
}

TEST(ChildRules, AWorkerThatDiesBeforeItServesHasToWait) {
  ExpectStep(S::kStarting, E::kDied, S::kPausing, A::kRetryLater);
  ExpectStep(S::kStarting, E::kEndedWell, S::kPausing, A::kRetryLater);
  ExpectStep(S::kStarting, E::kFailedToLoad, S::kPausing, A::kRetryLoading);
}

TEST(ChildRules, AWorkerToldToEndIsBuriedHoweverItEnds) {
  ExpectStep(S::kServing, E::kToldToEnd, S::kDraining, A::kNothing);
  for (const E end : {E::kEndedWell, E::kDied, E::kFailedToLoad}) {
    ExpectStep(S::kDraining, end, S::kVacant, A::kBury);
    ExpectStep(S::kDoomed, end, S::kVacant, A::kBury);
  }
}

TEST(ChildRules, AWorkerThatDrainsForTooLongIsKilledAndNotReplaced) {
  ExpectStep(S::kDraining, E::kOutOfTime, S::kDoomed, A::kKill);
  ExpectStep(S::kDoomed, E::kDied, S::kVacant, A::kBury);
}

TEST(ChildRules, AnOverdueWorkerIsKilledAndReplaced) {
  ExpectStep(S::kServing, E::kHarakiri, S::kOverdue, A::kKill);
  ExpectStep(S::kOverdue, E::kDied, S::kPausing, A::kReplaceKilled);
}

TEST(ChildRules, AnOverdueWorkerIsNotReplacedWhenTheServerStops) {
  ExpectStep(S::kOverdue, E::kToldToEnd, S::kDoomed, A::kNothing);
}

TEST(ChildRules, AWorkerThatIsTooOldIsReplacedWhenItEnds) {
  ExpectStep(S::kServing, E::kTooOld, S::kRecycling, A::kNothing);
  ExpectStep(S::kRecycling, E::kEndedWell, S::kPausing, A::kReplaceRecycled);
  ExpectStep(S::kRecycling, E::kOutOfTime, S::kOverdue, A::kKill);
}

TEST(ChildRules, AWorkerThatIsReplacedServesUntilItsSuccessorDoes) {
  ExpectStep(S::kServing, E::kReplace, S::kOutgoing, A::kStartSuccessor);
  ExpectStep(S::kOutgoing, E::kToldToEnd, S::kDraining, A::kNothing);
  ExpectStep(S::kOutgoing, E::kNotReplaced, S::kServing, A::kNothing);
}

TEST(ChildRules, AnOutgoingWorkerThatDiesIsNotReplacedTwice) {
  ExpectStep(S::kOutgoing, E::kDied, S::kVacant, A::kBuryDead);
  ExpectStep(S::kOutgoing, E::kEndedWell, S::kVacant, A::kBury);
  ExpectStep(S::kOutgoing, E::kHarakiri, S::kDoomed, A::kKill);
}

TEST(ChildRules, OnlyAServingWorkerIsReplaced) {
  for (const S state : {S::kVacant, S::kPausing, S::kStarting, S::kOutgoing, S::kDraining,
                        S::kDoomed, S::kOverdue}) {
    ExpectStep(state, E::kReplace, state, A::kNothing);
  }
}

TEST(ChildRules, AReportOfReadinessAfterTheOrderToEndChangesNothing) {
  ExpectStep(S::kDraining, E::kReady, S::kDraining, A::kNothing);
}

TEST(ChildRules, AStartingProcessIsReplacedWhenItIsKilled) {
  ExpectStep(S::kStarting, E::kHarakiri, S::kOverdue, A::kKill);
  ExpectStep(S::kOverdue, E::kDied, S::kPausing, A::kReplaceKilled);
}

TEST(ChildRules, APausingSlotIsGivenUpWhenTheServerStops) {
  ExpectStep(S::kPausing, E::kToldToEnd, S::kVacant, A::kNothing);
}

TEST(ChildRules, WhatIsNotInTheTableChangesNothing) {
  ExpectStep(S::kVacant, E::kReady, S::kVacant, A::kNothing);
  ExpectStep(S::kVacant, E::kHarakiri, S::kVacant, A::kNothing);
}

TEST(ChildRules, PausesGrowUpToHalfAMinute) {
  EXPECT_EQ(PauseAfter(1, 1), 0);
  EXPECT_EQ(PauseAfter(2, 1), 1);
  EXPECT_EQ(PauseAfter(3, 1), 2);
  EXPECT_EQ(PauseAfter(4, 1), 4);
  EXPECT_EQ(PauseAfter(7, 1), 30);
  EXPECT_EQ(PauseAfter(1000, 1), 30);
}

TEST(ChildRules, PausesCanBeSwitchedOff) { EXPECT_EQ(PauseAfter(10, 0), 0); }

}  // namespace
}  // namespace uwsgi
