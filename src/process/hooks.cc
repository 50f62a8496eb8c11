// SPDX-License-Identifier: Apache-2.0
#include "process/hooks.h"

#include "base/log.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

// clang-format off
constexpr HookPhaseRow kPhases[kHookPhases] = {
    // phase                       name               shown              fatal
    {HookPhase::kAsap,            "asap",             "asap",             true},
    {HookPhase::kPreJail,         "pre-jail",         "pre-jail",         true},
    {HookPhase::kInJail,          "in-jail",          "in-jail",          true},
    {HookPhase::kAsRoot,          "as-root",          "as root",          true},
    {HookPhase::kAsUser,          "as-user",          "as user",          true},
    {HookPhase::kPreApp,          "pre-app",          "pre app",          true},
    {HookPhase::kPostApp,         "post-app",         "post app",         true},
    {HookPhase::kMasterStart,     "master-start",     "master-start",     true},
    {HookPhase::kPostFork,        "post-fork",        "post-fork",        true},
    {HookPhase::kAsMule,          "as-mule",          "as-mule",          true},
    {HookPhase::kAccepting,       "accepting",        "accepting",        true},
    {HookPhase::kAcceptingOnce,   "accepting-once",   "accepting-once",   true},
    {HookPhase::kAccepting1,      "accepting1",       "accepting1",       true},
    {HookPhase::kAccepting1Once,  "accepting1-once",  "accepting1-once",  true},
    {HookPhase::kAtExit,          "as-user-atexit",   "atexit",           false},
    {HookPhase::kAsVassal,        "as-vassal",        "as-vassal",        true},
    {HookPhase::kAsEmperor,       "as-emperor",       "as-emperor",       false},
    {HookPhase::kEmperorStart,    "emperor-start",    "emperor-start",    false},
    {HookPhase::kEmperorStop,     "emperor-stop",     "emperor-stop",     false},
    {HookPhase::kEmperorReload,   "emperor-reload",   "emperor-reload",   false},
    {HookPhase::kEmperorLost,     "emperor-lost",     "emperor-lost",     false},
};
// clang-format on

template <typename Chosen>
Status Run(const HookSpec& spec, HookPhase phase, HookServices& services, Chosen&& is_chosen) {
  const HookPhaseRow& row = RowOf(phase);
  for (const Hook& hook : spec.of(phase)) {
    if (!is_chosen(hook)) continue;
    if (RunHook(hook, row.shown, services) || !row.is_fatal) continue;
    LogDatedLine("FATAL hook failed, destroying instance");
    return Fail("hook {} ({}) failed", hook.shown, row.shown);
  }
  return {};
}

}  // namespace

const HookPhaseRow& RowOf(HookPhase phase) { return kPhases[static_cast<size_t>(phase)]; }

Result<Hook> ParseHook(std::string_view text) {
  const bool is_hidden = text.starts_with('!');
  const std::string_view plain = is_hidden ? text.substr(1) : text;
  const size_t colon = plain.find(':');
  if (colon == std::string_view::npos) return Fail("invalid hook syntax, must be hook:args");
  const std::string_view name = plain.substr(0, colon);
  Hook hook;
  hook.action = FindHookAction(name);
  if (hook.action == nullptr) return Fail("hook action not found: {}", name);
  hook.argument = std::string(plain.substr(colon + 1));
  hook.shown = is_hidden ? "--- PRIVATE HOOK ---" : fmt::format("\"{}\"", text);
  const size_t wanted = WordsOf(hook.action->syntax);
  if (SplitArgument(hook.argument, wanted).size() < wanted) {
    return Fail("invalid hook {} syntax, must be: {}", name, hook.action->syntax);
  }
  return hook;
}

Status RunHook(const Hook& hook, std::string_view shown, HookServices& services) {
  Log("running {} ({})...", hook.shown, shown);
  Status done = hook.action->run(hook.argument, services);
  if (!done) LogLine(done.error().text());
  return done;
}

Status ChangeIdentity(const IdentitySpec& identity, HookRunner& hooks) {
  TRY_STATUS(hooks.Run(HookPhase::kAsRoot));
  TRY_STATUS(DropPrivileges(identity));
  return hooks.Run(HookPhase::kAsUser);
}

Status RunHooks(const HookSpec& spec, HookPhase phase, HookServices& services) {
  return Run(spec, phase, services, [](const Hook&) { return true; });
}

Status RunPrivateHooks(const HookSpec& spec, HookPhase phase, HookServices& services) {
  return Run(spec, phase, services, [](const Hook& hook) { return hook.action->is_private; });
}

}  // namespace uwsgi
