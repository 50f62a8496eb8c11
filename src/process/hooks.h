// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "process/hand_over.h"
#include "process/hook_actions.h"
#include "process/privileges.h"

namespace uwsgi {

// When hooks run, in the order in which a start comes by.
enum class HookPhase : uint8_t {
  kAsap,            // the configuration is read
  kPreJail,         // the first pidfile is written; not at a reload
  kInJail,          // behind it
  kAsRoot,          // before privileges are dropped
  kAsUser,          // behind it
  kPreApp,          // before applications are loaded, wherever that is
  kPostApp,         // behind it
  kMasterStart,     // the master has forked its children
  kPostFork,        // in each worker, before anything of the application runs
  kAsMule,          // in each mule
  kAccepting,       // in each worker that is about to accept
  kAcceptingOnce,   // the same, in the first process of each worker only
  kAccepting1,      // in worker 1
  kAccepting1Once,  // in the first process of worker 1
  kAtExit,          // at the end, and before a reload
  kAsVassal,        // in the process that is about to become a vassal
  kAsEmperor,       // in the Emperor, which has started a vassal
  kEmperorStart,    // in the Emperor, before it looks for vassals
  kEmperorStop,     // in a vassal that is told to stop
  kEmperorReload,   // in a vassal that is told to reload
  kEmperorLost,     // in a vassal whose Emperor is gone
};
inline constexpr size_t kHookPhases = 21;

struct HookPhaseRow {
  HookPhase phase;
  std::string_view name;   // in hook-NAME, exec-NAME, call-NAME, mount-NAME
  std::string_view shown;  // in the log
  bool is_fatal;           // the failure of a hook ends the instance
  bool is_tried;           // part of the trial of a reload
};
const HookPhaseRow& RowOf(HookPhase phase);

// One thing to do.
struct Hook {
  const HookActionRow* action = nullptr;
  std::string argument;
  std::string shown;  // in the log
};

// Reads `action:argument` or `!action:argument` (which hides it in the log).
Result<Hook> ParseHook(std::string_view text);

// What is to be done when.
struct HookSpec {
  std::array<std::vector<Hook>, kHookPhases> phases;

  [[nodiscard]] const std::vector<Hook>& of(HookPhase phase) const {
    return phases[static_cast<size_t>(phase)];
  }
};

// What a hook leaves.
HookEffect EffectOf(const Hook& hook);

// The hooks of a server, for those who come by at a phase. At a reload the phases that come before
// the former workers leave are shared out between the trial and the program that follows it, so
// that a command that fails keeps the former server, and none runs twice.
class HookRunner {
 public:
  // `order` says whose start this is, and must outlive it.
  HookRunner(HookSpec spec, const StartOrder& order);

  // One after another, saying so in the log. In a fatal phase the first that fails ends it with an
  // error of exit code 1, which has been told in the log; in the others the next one follows.
  // Blocks until the commands have ended.
  Status Run(HookPhase phase);
  // In a trial: of hooks that run in each worker, only those that leave nothing. A worker that
  // fails in one of the others fails before it takes the place of a former one.
  Status RunPrivate(HookPhase phase);
  // In a child after a fork: nobody has tried its hooks.
  void LeaveInChild() { part_ = Part::kAll; }
  // What is there for hooks in this process; filled as the start goes on.
  [[nodiscard]] HookServices& services() { return services_; }

 private:
  enum class Part : uint8_t { kAll, kTrial, kPrivate, kAfterTrial };
  [[nodiscard]] static bool IsIn(Part part, HookPhase phase, const Hook& hook);
  Status RunPart(Part part, HookPhase phase);
  Status RunOne(const Hook& hook, std::string_view shown);

  HookSpec spec_;
  const StartOrder& order_;
  Part part_ = Part::kAll;
  HookServices services_;
};

// Becomes the user and groups of the spec, between the hooks of root and those of the user.
Status ChangeIdentity(const IdentitySpec& identity, HookRunner& hooks);

// One hook outside of the phases; `shown` names the occasion.
Status RunHook(const Hook& hook, std::string_view shown, HookServices& services);

}  // namespace uwsgi
