// SPDX-License-Identifier: Apache-2.0
#include "process/child_rules.h"

#include <algorithm>

namespace uwsgi {
namespace {

using S = ChildState;
using E = ChildEvent;
using A = ChildAction;

struct Rule {
  ChildState state;
  ChildEvent event;
  ChildStep step;
};

// clang-format off
constexpr Rule kRules[] = {
    // state          event              next             action
    {S::kVacant,     E::kPauseOver,    {S::kStarting,   A::kStart}},
    {S::kPausing,    E::kPauseOver,    {S::kStarting,   A::kStart}},
    {S::kPausing,    E::kToldToEnd,    {S::kVacant,     A::kNothing}},

    {S::kStarting,   E::kReady,        {S::kServing,    A::kAnnounceReady}},
    {S::kStarting,   E::kToldToEnd,    {S::kDraining,   A::kNothing}},
    {S::kStarting,   E::kHarakiri,     {S::kOverdue,    A::kKill}},
    {S::kStarting,   E::kEndedWell,    {S::kPausing,    A::kRetryLater}},
    {S::kStarting,   E::kFailedToLoad, {S::kPausing,    A::kRetryLoading}},
    {S::kStarting,   E::kDied,         {S::kPausing,    A::kRetryLater}},

    {S::kServing,    E::kToldToEnd,    {S::kDraining,   A::kNothing}},
    {S::kServing,    E::kReplace,      {S::kOutgoing,   A::kStartSuccessor}},
    {S::kServing,    E::kTooOld,       {S::kRecycling,  A::kNothing}},
    {S::kServing,    E::kHarakiri,     {S::kOverdue,    A::kKill}},
    {S::kServing,    E::kEndedWell,    {S::kPausing,    A::kReplaceRecycled}},
    {S::kServing,    E::kFailedToLoad, {S::kPausing,    A::kReplaceDead}},
    {S::kServing,    E::kDied,         {S::kPausing,    A::kReplaceDead}},

    {S::kOutgoing,   E::kToldToEnd,    {S::kDraining,   A::kNothing}},
    {S::kOutgoing,   E::kNotReplaced,  {S::kServing,    A::kNothing}},
    {S::kOutgoing,   E::kHarakiri,     {S::kDoomed,     A::kKill}},
    {S::kOutgoing,   E::kEndedWell,    {S::kVacant,     A::kBury}},
    {S::kOutgoing,   E::kFailedToLoad, {S::kVacant,     A::kBuryDead}},
    {S::kOutgoing,   E::kDied,         {S::kVacant,     A::kBuryDead}},

    {S::kRecycling,  E::kToldToEnd,    {S::kDraining,   A::kNothing}},
    {S::kRecycling,  E::kOutOfTime,    {S::kOverdue,    A::kKill}},
    {S::kRecycling,  E::kHarakiri,     {S::kOverdue,    A::kKill}},
    {S::kRecycling,  E::kEndedWell,    {S::kPausing,    A::kReplaceRecycled}},
    {S::kRecycling,  E::kFailedToLoad, {S::kPausing,    A::kReplaceDead}},
    {S::kRecycling,  E::kDied,         {S::kPausing,    A::kReplaceDead}},

    {S::kDraining,   E::kOutOfTime,    {S::kDoomed,     A::kKill}},
    {S::kDraining,   E::kEndedWell,    {S::kVacant,     A::kBury}},
    {S::kDraining,   E::kFailedToLoad, {S::kVacant,     A::kBury}},
    {S::kDraining,   E::kDied,         {S::kVacant,     A::kBury}},

    {S::kDoomed,     E::kEndedWell,    {S::kVacant,     A::kBury}},
    {S::kDoomed,     E::kFailedToLoad, {S::kVacant,     A::kBury}},
    {S::kDoomed,     E::kDied,         {S::kVacant,     A::kBury}},

    {S::kOverdue,    E::kToldToEnd,    {S::kDoomed,     A::kNothing}},
    {S::kOverdue,    E::kEndedWell,    {S::kPausing,    A::kReplaceKilled}},
    {S::kOverdue,    E::kFailedToLoad, {S::kPausing,    A::kReplaceKilled}},
    {S::kOverdue,    E::kDied,         {S::kPausing,    A::kReplaceKilled}},
};
// clang-format on

constexpr int64_t kLongestPause = 30;

}  // namespace

ChildStep StepOf(ChildState state, ChildEvent event) {
  for (const Rule& rule : kRules) {
    if (rule.state == state && rule.event == event) return rule.step;
  }
  return {state, ChildAction::kNothing};
}

int64_t PauseAfter(int failures, int64_t base_s) {
  if (failures <= 1 || base_s <= 0) return 0;
  const int doublings = std::min(failures - 2, 16);
  return std::min(base_s << doublings, kLongestPause);
}

std::string_view NameOf(ChildState state) {
  constexpr std::string_view kNames[] = {"vacant",    "pausing",  "starting", "serving", "outgoing",
                                         "recycling", "draining", "doomed",   "overdue"};
  return kNames[static_cast<size_t>(state)];
}

std::string_view NameOf(ChildEvent event) {
  constexpr std::string_view kNames[] = {"ready",          "told to end", "too old",   "replace",
                                         "not replaced",   "out of time", "harakiri",  "ended well",
                                         "failed to load", "died",        "pause over"};
  return kNames[static_cast<size_t>(event)];
}

std::string_view NameOf(ChildAction action) {
  constexpr std::string_view kNames[] = {"nothing",          "announce ready", "kill",
                                         "start successor",  "bury",           "bury dead",
                                         "replace recycled", "replace dead",   "replace killed",
                                         "retry later",      "retry loading",  "start"};
  return kNames[static_cast<size_t>(action)];
}

}  // namespace uwsgi
