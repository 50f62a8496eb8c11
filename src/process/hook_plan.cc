// SPDX-License-Identifier: Apache-2.0
#include "process/hook_plan.h"

#include <algorithm>

namespace uwsgi {
namespace {

// The options of one phase; null where there is none. All but the first stand for the action of
// that name.
struct PhaseOptions {
  HookPhase phase;
  ListOption Options::*hook;
  ListOption Options::*mount;
  ListOption Options::*umount;
  ListOption Options::*exec;
  ListOption Options::*call;
};

// clang-format off
constexpr PhaseOptions kOptions[] = {
    {HookPhase::kAsap, &Options::hook_asap, &Options::mount_asap, &Options::umount_asap, &Options::exec_asap, &Options::call_asap},
    {HookPhase::kPreJail, &Options::hook_pre_jail, &Options::mount_pre_jail, &Options::umount_pre_jail, &Options::exec_pre_jail, &Options::call_pre_jail},
    {HookPhase::kInJail, &Options::hook_in_jail, &Options::mount_in_jail, &Options::umount_in_jail, &Options::exec_in_jail, &Options::call_in_jail},
    {HookPhase::kAsRoot, &Options::hook_as_root, &Options::mount_as_root, &Options::umount_as_root, &Options::exec_as_root, &Options::call_as_root},
    {HookPhase::kAsUser, &Options::hook_as_user, nullptr, nullptr, &Options::exec_as_user, &Options::call_as_user},
    {HookPhase::kPreApp, &Options::hook_pre_app, nullptr, nullptr, &Options::exec_pre_app, &Options::call_pre_app},
    {HookPhase::kPostApp, &Options::hook_post_app, nullptr, nullptr, &Options::exec_post_app, &Options::call_post_app},
    {HookPhase::kMasterStart, &Options::hook_master_start, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kPostFork, &Options::hook_post_fork, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kAsMule, &Options::hook_as_mule, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kAccepting, &Options::hook_accepting, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kAcceptingOnce, &Options::hook_accepting_once, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kAccepting1, &Options::hook_accepting1, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kAccepting1Once, &Options::hook_accepting1_once, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kAtExit, &Options::hook_as_user_atexit, nullptr, nullptr, &Options::exec_as_user_atexit, &Options::call_as_user_atexit},
    {HookPhase::kAsVassal, &Options::hook_as_vassal, &Options::mount_as_vassal, &Options::umount_as_vassal, &Options::exec_as_vassal, &Options::call_as_vassal},
    {HookPhase::kAsEmperor, &Options::hook_as_emperor, &Options::mount_as_emperor, &Options::umount_as_emperor, &Options::exec_as_emperor, &Options::call_as_emperor},
    {HookPhase::kEmperorStart, &Options::hook_emperor_start, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kEmperorStop, &Options::hook_emperor_stop, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kEmperorReload, &Options::hook_emperor_reload, nullptr, nullptr, nullptr, nullptr},
    {HookPhase::kEmperorLost, &Options::hook_emperor_lost, nullptr, nullptr, nullptr, nullptr},
};

// More options of a phase, each for an action of its own.
struct CallOptions {
  HookPhase phase;
  ListOption Options::*call;
  std::string_view action;
};
constexpr CallOptions kCalls[] = {
    {HookPhase::kAsVassal, &Options::call_as_vassal1, "call-with-name"},
    {HookPhase::kAsVassal, &Options::call_as_vassal3, "call-with-owner"},
    {HookPhase::kAsEmperor, &Options::call_as_emperor1, "call-with-name"},
    {HookPhase::kAsEmperor, &Options::call_as_emperor2, "call-with-pid"},
    {HookPhase::kAsEmperor, &Options::call_as_emperor4, "call-with-all"},
};
// clang-format on

Result<Hook> ReadHook(const ListValue& value, std::string_view action) {
  auto hook = ParseHook(action.empty() ? value.text : fmt::format("{}:{}", action, value.text));
  if (!hook) {
    return Fail("{} = {}: {} ({})", value.option, value.text, hook.error().message,
                value.origin.text());
  }
  // compat: the log shows the command as it was given.
  if (!action.empty()) hook->shown = fmt::format("\"{}\"", value.text);
  return hook;
}

struct WaitOptions {
  WaitKind kind;
  ListOption Options::*names;
  int64_t Options::*seconds;
};

constexpr WaitOptions kWaits[] = {
    {WaitKind::kInterface, &Options::wait_for_interface, &Options::wait_for_interface_timeout},
    {WaitKind::kPath, &Options::wait_for_fs, &Options::wait_for_fs_timeout},
    {WaitKind::kFile, &Options::wait_for_file, &Options::wait_for_fs_timeout},
    {WaitKind::kDirectory, &Options::wait_for_dir, &Options::wait_for_fs_timeout},
    {WaitKind::kMountPoint, &Options::wait_for_mountpoint, &Options::wait_for_fs_timeout},
    {WaitKind::kSocket, &Options::wait_for_socket, &Options::wait_for_socket_timeout},
};

}  // namespace

Result<HookSpec> PlanHooks(const Options& options) {
  HookSpec spec;
  const auto add = [&](HookPhase phase, ListOption Options::*list,
                       std::string_view action) -> Status {
    if (list == nullptr) return {};
    std::vector<Hook>& hooks = spec.phases[static_cast<size_t>(phase)];
    for (const ListValue& value : options.*list) {
      hooks.push_back(TRY(ReadHook(value, action)));
    }
    return {};
  };
  for (const PhaseOptions& row : kOptions) {
    TRY_STATUS(add(row.phase, row.hook, ""));
    TRY_STATUS(add(row.phase, row.mount, "mount"));
    TRY_STATUS(add(row.phase, row.umount, "umount"));
    TRY_STATUS(add(row.phase, row.exec, "exec"));
    TRY_STATUS(add(row.phase, row.call, "call"));
  }
  for (const CallOptions& row : kCalls) TRY_STATUS(add(row.phase, row.call, row.action));
  return spec;
}

std::vector<WaitSpec> PlanWaits(const Options& options) {
  std::vector<std::pair<int, WaitSpec>> given;
  for (const WaitOptions& row : kWaits) {
    for (const ListValue& value : options.*row.names) {
      given.push_back({value.order, {row.kind, value.text, options.*row.seconds}});
    }
  }
  std::ranges::sort(given, {}, &std::pair<int, WaitSpec>::first);
  std::vector<WaitSpec> waits;
  waits.reserve(given.size());
  for (auto& [order, wait] : given) waits.push_back(std::move(wait));
  return waits;
}

}  // namespace uwsgi
