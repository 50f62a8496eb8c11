// SPDX-License-Identifier: Apache-2.0
#include "cli/service_set.h"

#include <unistd.h>

namespace uwsgi {
namespace {

constexpr uid_t kUnchanged = static_cast<uid_t>(-1);

// Found out now, by the user who will use them: later it would be tasks that fail.
Status CheckSpoolDirectories(const SpoolersSpec& spec) {
  for (const SpoolDirSpec& each : spec.directories) {
    const Status usable = SpoolDir(each.path).CheckUsable();
    if (!usable) return WithContext(each.origin, usable.error());
  }
  return {};
}

}  // namespace

void ServiceSet::AddSize(SharedSize& size, const ServiceSpecs& specs) {
  UserLocks::AddSize(size, specs.locks);
  Spoolers::AddSize(size, specs.spoolers);
}

Status ServiceSet::Create(SharedRegion& region, const ServiceSpecs& specs, StoreUse stores) {
  services_.locks = &locks_.emplace(TRY(UserLocks::Create(region, specs.locks)));
  services_.caches = &caches_.emplace(TRY(Caches::Create(specs.caches, stores)));
  if (!specs.spoolers.directories.empty()) {
    TRY_STATUS(CheckSpoolDirectories(specs.spoolers));
    services_.spoolers = &spoolers_.emplace(TRY(Spoolers::Create(region, specs.spoolers)));
  }
  return {};
}

Status ServiceSet::PrepareFiles(const ServiceSpecs& specs, const IdentitySpec& identity) {
  uid_t owner = kUnchanged;
  gid_t group = static_cast<gid_t>(kUnchanged);
  if (::geteuid() == 0 && !identity.user.empty()) {
    const User user = TRY(FindUser(identity.user));
    owner = user.uid;
    group = user.gid.value_or(group);
  }
  if (::geteuid() == 0 && !identity.group.empty()) group = TRY(FindGroup(identity.group));
  for (const SpoolDirSpec& each : specs.spoolers.directories) {
    const Status prepared = SpoolDir(each.path).Prepare(owner, group);
    if (!prepared) return WithContext(each.origin, prepared.error());
  }
  return {};
}

}  // namespace uwsgi
