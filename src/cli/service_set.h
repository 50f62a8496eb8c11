// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "process/privileges.h"
#include "runtime/services.h"
#include "service/service_plan.h"

namespace uwsgi {

// Owner of all services, which are made before the first fork and live as long as the process.
class ServiceSet {
 public:
  ServiceSet() = default;
  ServiceSet(const ServiceSet&) = delete;
  ServiceSet& operator=(const ServiceSet&) = delete;

  // What Create() will carve.
  static void AddSize(SharedSize& size, const ServiceSpecs& specs);
  Status Create(SharedRegion& region, const ServiceSpecs& specs, StoreUse stores);
  // Makes the directories that services work in and that are not there, while this process may
  // still be root, for the user that it will be.
  static Status PrepareFiles(const ServiceSpecs& specs, const IdentitySpec& identity);

  [[nodiscard]] const Services& services() const { return services_; }

 private:
  std::optional<UserLocks> locks_;
  std::optional<Caches> caches_;
  std::optional<Spoolers> spoolers_;
  Services services_;
};

}  // namespace uwsgi
