// SPDX-License-Identifier: Apache-2.0
#include "cli/service_set.h"

namespace uwsgi {

void ServiceSet::AddSize(SharedSize& size, const ServiceSpecs& specs) {
  UserLocks::AddSize(size, specs.locks);
}

Status ServiceSet::Create(SharedRegion& region, const ServiceSpecs& specs, StoreUse stores) {
  services_.locks = &locks_.emplace(TRY(UserLocks::Create(region, specs.locks)));
  services_.caches = &caches_.emplace(TRY(Caches::Create(specs.caches, stores)));
  return {};
}

}  // namespace uwsgi
