// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function.h"
#include "base/result.h"

namespace uwsgi {

// When privileges are dropped, in the order of a start.
enum class DropPoint : uint8_t {
  kBeforeBind,  // unless something below is asked for
  kAfterBind,   // chown-socket, shared-socket
  kAfterInit,   // drop-after-init: the language runs
  kAfterApps,   // drop-after-apps: the applications are loaded
  kInWorkers,   // master-as-root: by each child that serves, before anything else
};

// Whom to become, by name or number, as the options say; empty for nobody else.
struct IdentitySpec {
  std::string user;
  std::string group;
  std::vector<std::string> more_groups;
  bool init_groups = true;  // take on the additional groups of the user
  DropPoint drop_point = DropPoint::kBeforeBind;
  // Whom to become before anything else (immediate-uid, immediate-gid); the above comes on top.
  std::string immediate_user;
  std::string immediate_group;
  std::string jail;  // the root directory from then on (chroot); empty: none
  // What is kept beyond root (cap), and nothing else; nullopt: no more than the kernel leaves.
  std::optional<uint64_t> capabilities;
};

struct User {
  uid_t uid = 0;
  std::optional<gid_t> gid;  // the user's own group, when the system knows the user
  std::string name;          // empty when the system does not know the number
};

// A user or group by name or number. Numbers need no entry in the system's tables.
Result<User> FindUser(std::string_view name_or_number);
Result<gid_t> FindGroup(std::string_view name_or_number);

// Whom `uid` and `gid` name; an error names the option.
struct Identity {
  std::optional<User> user;
  std::optional<gid_t> group;
};
Result<Identity> FindIdentity(const IdentitySpec& spec);

// The same, and all additional groups; nullopt: they stay. To be found out before a jail is
// entered, where nobody knows their names.
struct Newcomer {
  Identity identity;
  std::optional<std::vector<gid_t>> groups;
};
Result<Newcomer> FindNewcomer(const IdentitySpec& spec);

// Makes the directory the root of the file system, and the working directory if that lies outside.
// Says so in the log; an error names the option. An empty path is no jail.
Status EnterJail(const std::string& directory);

// Becomes the user and the groups for good, in the order group, additional groups, user; says so in
// the log. An error names the option. Without root only the identity one has already is possible.
// Nothing to do is no error.
Status DropPrivileges(const IdentitySpec& spec);
Status DropPrivileges(const IdentitySpec& spec, const Newcomer& newcomer);

// A reload that becomes another user for the first time: the workers of before are still root's.
// DropPrivileges() called from `drop` leaves the right to signal every process (CAP_KILL) until
// GiveUpSignalRight().
Status KeepSignalRight(UniqueFunction<Status()> drop);
// Nothing happens to who holds none by KeepSignalRight(). Also for children, which inherit it.
void GiveUpSignalRight();

// Around an exec that a reload is: what this process may do beyond its user (cap, and the right to
// signal), which the program that follows may, too, until it drops its privileges in turn.
uint64_t CapabilitiesToPass();
// For the programs that this one becomes or starts.
Status PassCapabilities(uint64_t set);
// Once that program has been started, or could not be: for nobody else any more.
void KeepCapabilities(uint64_t set);

// Becomes whom immediate-uid and immediate-gid name, in silence.
Status BecomeAtOnce(const IdentitySpec& spec);

// The one line that root gets when no other user is asked for.
void WarnOfRoot(const IdentitySpec& spec);

}  // namespace uwsgi
