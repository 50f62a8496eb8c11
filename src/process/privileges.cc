// SPDX-License-Identifier: Apache-2.0
#include "process/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "process/messages.h"

namespace uwsgi {
namespace {

std::optional<uint32_t> ParseId(std::string_view text) {
  const auto number = ParseInt(text);
  // The highest number means "unchanged" to the system calls.
  if (!number || *number < 0 || *number >= std::numeric_limits<uint32_t>::max())
    return std::nullopt;
  return static_cast<uint32_t>(*number);
}

enum class SignalRight : uint8_t { kNone, kWanted, kHeld };
SignalRight& the_signal_right() {
  static SignalRight right = SignalRight::kNone;
  return right;
}

// The capabilities of this thread become these.
Status SetCapabilities(uint32_t wanted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  data[0].effective = data[0].permitted = wanted;
  if (::syscall(SYS_capset, &header, data) != 0) return ErrnoError("uid: capset()", errno);
  return {};
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

Status SetMoreGroups(const IdentitySpec& spec, const User* user) {
  if (::geteuid() != 0) return {};
  if (spec.init_groups && user != nullptr && !user->name.empty()) {
    if (::initgroups(user->name.c_str(), ::getegid()) != 0)
      return ErrnoError("uid: initgroups()", errno);
  } else if (::setgroups(0, nullptr) != 0) {
    // root's own additional groups must not stay behind.
    return ErrnoError("uid: setgroups()", errno);
  }
  if (spec.more_groups.empty()) return {};
  const int count = ::getgroups(0, nullptr);
  std::vector<gid_t> groups(static_cast<size_t>(count < 0 ? 0 : count));
  if (count > 0 && ::getgroups(count, groups.data()) < 0)
    return ErrnoError("add-gid: getgroups()", errno);
  for (const std::string& name : spec.more_groups) {
    const auto gid = FindGroup(name);
    if (!gid) return WithContext("add-gid", gid.error());
    groups.push_back(*gid);
  }
  if (::setgroups(groups.size(), groups.data()) != 0)
    return ErrnoError("add-gid: setgroups()", errno);
  return {};
}

Status SetUser(uid_t uid) {
  if (::geteuid() != 0) {
    if (uid == ::geteuid()) return {};
    return Fail("uid: cannot setuid() to {} as non-root user", uid);
  }
  Log("setuid() to {}", uid);
  const bool keeps_right = the_signal_right() == SignalRight::kWanted && uid != 0;
  if (keeps_right) ::prctl(PR_SET_KEEPCAPS, 1);
  if (::setuid(uid) != 0) return ErrnoError("uid: setuid()", errno);
  if (!keeps_right) return {};
  ::prctl(PR_SET_KEEPCAPS, 0);
  if (const Status kept = SetCapabilities(1U << CAP_KILL); kept) {
    the_signal_right() = SignalRight::kHeld;
    return {};
  }
  // A root without that right, as in some containers: the old workers end by themselves.
  the_signal_right() = SignalRight::kNone;
  LogLine("uid: workers of the user before cannot be signalled: this root has no CAP_KILL");
  return SetCapabilities(0);
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

Status DropPrivileges(const IdentitySpec& spec) {
  const auto [user, group] = TRY(FindIdentity(spec));
  if (group) TRY_STATUS(SetGroup(*group));
  const bool becomes_other = (user && user->uid != ::geteuid()) || !spec.more_groups.empty();
  if (becomes_other) TRY_STATUS(SetMoreGroups(spec, user ? &*user : nullptr));
  if (user) TRY_STATUS(SetUser(user->uid));
  return {};
}

Status KeepSignalRight(UniqueFunction<Status()> drop) {
  the_signal_right() = SignalRight::kWanted;
  TRY_STATUS(drop());
  if (the_signal_right() == SignalRight::kWanted) the_signal_right() = SignalRight::kNone;
  return {};
}

void GiveUpSignalRight() {
  if (std::exchange(the_signal_right(), SignalRight::kNone) != SignalRight::kHeld) return;
  if (const Status done = SetCapabilities(0); !done) LogLine(done.error().text());
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
    if (user->uid != ::geteuid() && ::setuid(user->uid) != 0)
      return ErrnoError("immediate-uid", errno);
  }
  return {};
}

void WarnOfRoot(const IdentitySpec& spec) {
  if (::geteuid() != 0 || !spec.user.empty()) return;
  LogLine("uWSGI running as root, you can use --uid/--gid/--chroot options");
  LogLine(message::kRoot);
}

}  // namespace uwsgi
