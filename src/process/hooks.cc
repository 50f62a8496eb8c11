// SPDX-License-Identifier: Apache-2.0
#include "process/hooks.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/log.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

// clang-format off
constexpr HookPhaseRow kPhases[kHookPhases] = {
    // phase                       name               shown              fatal  tried
    {HookPhase::kAsap,            "asap",             "asap",             true,  true},
    {HookPhase::kPreJail,         "pre-jail",         "pre-jail",         true,  false},
    {HookPhase::kInJail,          "in-jail",          "in-jail",          true,  true},
    {HookPhase::kAsRoot,          "as-root",          "as root",          true,  true},
    {HookPhase::kAsUser,          "as-user",          "as user",          true,  true},
    {HookPhase::kPreApp,          "pre-app",          "pre app",          true,  true},
    {HookPhase::kPostApp,         "post-app",         "post app",         true,  true},
    {HookPhase::kMasterStart,     "master-start",     "master-start",     true,  true},
    {HookPhase::kPostFork,        "post-fork",        "post-fork",        true,  false},
    {HookPhase::kAsMule,          "as-mule",          "as-mule",          true,  false},
    {HookPhase::kAccepting,       "accepting",        "accepting",        true,  false},
    {HookPhase::kAcceptingOnce,   "accepting-once",   "accepting-once",   true,  false},
    {HookPhase::kAccepting1,      "accepting1",       "accepting1",       true,  false},
    {HookPhase::kAccepting1Once,  "accepting1-once",  "accepting1-once",  true,  false},
    {HookPhase::kAtExit,          "as-user-atexit",   "atexit",           false, false},
    {HookPhase::kAsVassal,        "as-vassal",        "as-vassal",        true,  false},
    {HookPhase::kAsEmperor,       "as-emperor",       "as-emperor",       false, false},
    {HookPhase::kEmperorStart,    "emperor-start",    "emperor-start",    false, false},
    {HookPhase::kEmperorStop,     "emperor-stop",     "emperor-stop",     false, false},
    {HookPhase::kEmperorReload,   "emperor-reload",   "emperor-reload",   false, false},
    {HookPhase::kEmperorLost,     "emperor-lost",     "emperor-lost",     false, false},
};
// clang-format on

// While it lives, standard output and error are another descriptor.
class OutputTo {
 public:
  explicit OutputTo(int fd) {
    for (size_t i = 0; i < before_.size(); ++i) {
      const int number = static_cast<int>(i) + STDOUT_FILENO;
      before_[i].Reset(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
      ::dup2(fd, number);
    }
  }
  OutputTo(const OutputTo&) = delete;
  OutputTo& operator=(const OutputTo&) = delete;
  ~OutputTo() {
    for (size_t i = 0; i < before_.size(); ++i) {
      if (before_[i].valid()) ::dup2(before_[i].get(), static_cast<int>(i) + STDOUT_FILENO);
    }
  }

 private:
  std::array<UniqueFd, 2> before_;
};

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
  const bool is_blank = wanted > 0 && Trim(hook.argument).empty();
  if (is_blank || SplitArgument(hook.argument, wanted).size() < wanted) {
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
  const Newcomer newcomer = TRY(FindNewcomer(identity));
  TRY_STATUS(EnterJail(identity.jail));
  TRY_STATUS(hooks.Run(HookPhase::kAsRoot));
  TRY_STATUS(DropPrivileges(identity, newcomer));
  return hooks.Run(HookPhase::kAsUser);
}

// A function of this program belongs to the process, one of another server does not.
HookEffect EffectOf(const Hook& hook) {
  if (!hook.action->name.ends_with("rpc")) return hook.action->effect;
  const std::string_view function = SplitWords(hook.argument).front();
  return function.find('@') == std::string_view::npos ? HookEffect::kProcess : HookEffect::kOutside;
}

HookRunner::HookRunner(HookSpec spec, const StartOrder& order)
    : spec_(std::move(spec)), order_(order) {
  if (order.kind == StartKind::kTrial) part_ = Part::kTrial;
  if (order.kind == StartKind::kSuccessor) part_ = Part::kAfterTrial;
  services_.is_trial = order.kind == StartKind::kTrial;
}

Status HookRunner::Run(HookPhase phase) { return RunPart(part_, phase); }

Status HookRunner::RunPrivate(HookPhase phase) { return RunPart(Part::kPrivate, phase); }

bool HookRunner::IsIn(Part part, HookPhase phase, const Hook& hook) {
  const HookEffect effect = EffectOf(hook);
  const bool is_tried = RowOf(phase).is_tried;
  switch (part) {
    case Part::kTrial:
      return is_tried && effect != HookEffect::kServer;
    case Part::kPrivate:
      return is_tried && effect == HookEffect::kProcess;
    case Part::kAfterTrial:
      return !is_tried || effect != HookEffect::kOutside;
    case Part::kAll:
      break;
  }
  return true;
}

Status HookRunner::RunPart(Part part, HookPhase phase) {
  const HookPhaseRow& row = RowOf(phase);
  for (const Hook& hook : spec_.of(phase)) {
    if (!IsIn(part, phase, hook)) continue;
    if (RunOne(hook, row.shown) || !row.is_fatal) continue;
    if (!services_.is_trial) LogDatedLine("FATAL hook failed, destroying instance");
    return Fail("hook {} ({}) failed", hook.shown, row.shown);
  }
  return {};
}

// What a trial does in place of the server belongs into the server's log at once; the rest of what
// it says is shown only when it fails.
Status HookRunner::RunOne(const Hook& hook, std::string_view shown) {
  if (!order_.trial_log.valid() || EffectOf(hook) != HookEffect::kOutside)
    return RunHook(hook, shown, services_);
  const OutputTo log(order_.trial_log.get());
  return RunHook(hook, shown, services_);
}

}  // namespace uwsgi
