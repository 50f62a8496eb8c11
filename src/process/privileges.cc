// SPDX-License-Identifier: Apache-2.0
#include "process/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "process/capabilities.h"
#include "process/messages.h"

namespace uwsgi {
namespace {

enum class SignalRight : uint8_t { kNone, kWanted, kHeld };
SignalRight& the_signal_right() {
  static SignalRight right = SignalRight::kNone;
  return right;
}

constexpr uint64_t kSignalRight = uint64_t{1} << CAP_KILL;

// What `cap` leaves, once privileges have been dropped.
uint64_t& the_kept_capabilities() {
  static uint64_t kept = 0;
  return kept;
}

// Those of the program before a reload.
uint64_t& the_passed_capabilities() {
  static uint64_t passed = 0;
  return passed;
}

Status SetGroup(gid_t gid) {
  if (::geteuid() != 0) {
    if (gid == ::getegid()) return {};
    return Fail("gid: cannot setgid() to {} as non-root user", gid);
  }
  Log("setgid() to {}", gid);
  if (::setgid(gid) != 0) return ErrnoError("gid: setgid()", errno);
  return {};
}

// All additional groups of the user to be: with init_groups those that the system gives him, and
// add-gid. root's own must not stay behind.
Result<std::vector<gid_t>> FindMoreGroups(const IdentitySpec& spec, const User* user, gid_t gid) {
  std::vector<gid_t> groups;
  if (spec.init_groups && user != nullptr && !user->name.empty()) {
    int count = 0;
    ::getgrouplist(user->name.c_str(), gid, nullptr, &count);
    groups.resize(static_cast<size_t>(std::max(count, 0)));
    if (::getgrouplist(user->name.c_str(), gid, groups.data(), &count) < 0)
      return Fail("uid: the groups of {} cannot be found out", user->name);
  }
  for (const std::string& name : spec.more_groups) {
    const auto found = FindGroup(name);
    if (!found) return WithContext("add-gid", found.error());
    groups.push_back(*found);
  }
  return groups;
}

Status SetMoreGroups(const std::vector<gid_t>& groups) {
  if (::geteuid() != 0) return {};
  if (::setgroups(groups.size(), groups.data()) != 0)
    return ErrnoError("uid, add-gid: setgroups()", errno);
  return {};
}

Status SetUser(uid_t uid) {
  if (::geteuid() != 0) {
    if (uid == ::geteuid()) return {};
    return Fail("uid: cannot setuid() to {} as non-root user", uid);
  }
  Log("setuid() to {}", uid);
  const bool wants_right = the_signal_right() == SignalRight::kWanted && uid != 0;
  const uint64_t wanted = the_kept_capabilities() | (wants_right ? kSignalRight : 0);
  if (wanted != 0) ::prctl(PR_SET_KEEPCAPS, 1);
  if (::setuid(uid) != 0) return ErrnoError("uid: setuid()", errno);
  if (wanted == 0) return {};
  ::prctl(PR_SET_KEEPCAPS, 0);
  const uint64_t left = wanted & GetCapabilities().permitted;
  TRY_STATUS(SetCapabilities({.permitted = left}));
  if ((the_kept_capabilities() & ~left) != 0)
    return Fail("cap: this root does not have all of the capabilities that are to be kept");
  if (!wants_right) return {};
  the_signal_right() = (left & kSignalRight) != 0 ? SignalRight::kHeld : SignalRight::kNone;
  // A root without that right, as in some containers: the old workers end by themselves.
  if ((left & kSignalRight) == 0)
    LogLine("uid: workers of the user before cannot be signalled: this root has no CAP_KILL");
  return {};
}

// With `cap` nothing else is left; without, what the program before a reload has passed on goes.
Status LimitCapabilities(const IdentitySpec& spec) {
  const uint64_t has = GetCapabilities().permitted;
  const bool holds_right = the_signal_right() == SignalRight::kHeld;
  const uint64_t wanted = the_kept_capabilities() | (holds_right ? kSignalRight : 0);
  if ((the_kept_capabilities() & ~has) != 0)
    LogLine("cap: not all of the capabilities that are to be kept can be had");
  const uint64_t passed = std::exchange(the_passed_capabilities(), 0);
  return GiveUpCapabilities((spec.capabilities ? ~uint64_t{0} : passed) & ~wanted);
}

}  // namespace

Result<User> FindUser(std::string_view name_or_number) {
  const auto number = ParseId(name_or_number);
  const std::string name(name_or_number);
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr && number) entry = ::getpwuid(*number);
  if (entry != nullptr) return User{entry->pw_uid, entry->pw_gid, entry->pw_name};
  if (number) return User{*number, std::nullopt, ""};
  return Fail("there is no user {}", name_or_number);
}

Result<gid_t> FindGroup(std::string_view name_or_number) {
  const std::string name(name_or_number);
  if (const group* const entry = ::getgrnam(name.c_str()); entry != nullptr) return entry->gr_gid;
  if (const auto number = ParseId(name_or_number)) return gid_t{*number};
  return Fail("there is no group {}", name_or_number);
}

Result<Identity> FindIdentity(const IdentitySpec& spec) {
  Identity identity;
  if (!spec.user.empty()) {
    auto found = FindUser(spec.user);
    if (!found) return WithContext("uid", found.error());
    identity.user = *std::move(found);
  }
  if (!spec.group.empty()) {
    const auto found = FindGroup(spec.group);
    if (!found) return WithContext("gid", found.error());
    identity.group = *found;
  }
  return identity;
}

Result<Newcomer> FindNewcomer(const IdentitySpec& spec) {
  Newcomer newcomer{.identity = TRY(FindIdentity(spec))};
  const auto& [user, group] = newcomer.identity;
  const bool becomes_other = (user && user->uid != ::geteuid()) || !spec.more_groups.empty();
  if (becomes_other && ::geteuid() == 0)
    newcomer.groups =
        TRY(FindMoreGroups(spec, user ? &*user : nullptr, group.value_or(::getegid())));
  return newcomer;
}

Status DropPrivileges(const IdentitySpec& spec, const Newcomer& newcomer) {
  const auto& [user, group] = newcomer.identity;
  if (group) TRY_STATUS(SetGroup(*group));
  if (newcomer.groups) TRY_STATUS(SetMoreGroups(*newcomer.groups));
  the_kept_capabilities() = spec.capabilities.value_or(0);
  if (user) TRY_STATUS(SetUser(user->uid));
  return LimitCapabilities(spec);
}

Status DropPrivileges(const IdentitySpec& spec) {
  return DropPrivileges(spec, TRY(FindNewcomer(spec)));
}

Status EnterJail(const std::string& directory) {
  if (directory.empty()) return {};
  if (::geteuid() != 0) return Fail("chroot: cannot chroot() as non-root user");
  Log("chroot() to {}", directory);
  if (::chroot(directory.c_str()) != 0) return ErrnoError("chroot " + directory, errno);
  // The kernel says "(unreachable)" of a directory outside; from there the jail has no walls.
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) != nullptr && here[0] == '/') return {};
  return ::chdir("/") == 0 ? Status() : ErrnoError("chroot: chdir /", errno);
}

Status KeepSignalRight(UniqueFunction<Status()> drop) {
  if (the_signal_right() == SignalRight::kHeld) return drop();
  the_signal_right() = SignalRight::kWanted;
  TRY_STATUS(drop());
  if (the_signal_right() == SignalRight::kWanted) the_signal_right() = SignalRight::kNone;
  return {};
}

void GiveUpSignalRight() {
  if (std::exchange(the_signal_right(), SignalRight::kNone) != SignalRight::kHeld) return;
  if (const Status done = GiveUpCapabilities(kSignalRight & ~the_kept_capabilities()); !done)
    LogLine(done.error().text());
}

uint64_t CapabilitiesToPass() {
  const uint64_t right = the_signal_right() == SignalRight::kHeld ? kSignalRight : 0;
  return ::geteuid() == 0 ? 0 : (the_kept_capabilities() | right) & GetCapabilities().permitted;
}

// Ambient ones survive an exec of a user who is not root.
Status PassCapabilities(uint64_t set) {
  if (set == 0) return {};
  Capabilities has = GetCapabilities();
  has.inheritable |= set;
  TRY_STATUS(SetCapabilities(has));
  MakeAmbient(set);
  return {};
}

// What is not inheritable is not ambient.
void KeepCapabilities(uint64_t set) {
  if (set == 0) return;
  Capabilities has = GetCapabilities();
  has.inheritable &= ~set;
  if (const Status done = SetCapabilities(has); !done) LogLine(done.error().text());
  the_passed_capabilities() = set & has.permitted;
  // The right to signal goes with the last of those it is for.
  if ((the_passed_capabilities() & kSignalRight) != 0) the_signal_right() = SignalRight::kHeld;
}

Status BecomeAtOnce(const IdentitySpec& spec) {
  if (!spec.immediate_group.empty()) {
    const auto gid = FindGroup(spec.immediate_group);
    if (!gid) return WithContext("immediate-gid", gid.error());
    if (*gid != ::getegid() && ::setgid(*gid) != 0) return ErrnoError("immediate-gid", errno);
  }
  if (!spec.immediate_user.empty()) {
    const auto user = FindUser(spec.immediate_user);
    if (!user) return WithContext("immediate-uid", user.error());
    if (user->uid == ::geteuid()) return {};
    TRY_STATUS(SetMoreGroups(TRY(FindMoreGroups(spec, &*user, ::getegid()))));
    if (::setuid(user->uid) != 0) return ErrnoError("immediate-uid", errno);
  }
  return {};
}

void WarnOfRoot(const IdentitySpec& spec) {
  if (::geteuid() != 0 || !spec.user.empty()) return;
  LogLine("uWSGI running as root, you can use --uid/--gid/--chroot options");
  LogLine(message::kRoot);
}

}  // namespace uwsgi
