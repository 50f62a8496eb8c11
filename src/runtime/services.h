// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace uwsgi {

class Caches;
class Metrics;
class UserLocks;

// What the server offers to applications beside requests. Made before the first fork, owned by
// cli/service_set, never changed afterwards; null: not configured.
struct Services {
  UserLocks* locks = nullptr;
  Caches* caches = nullptr;  // never null in a server, but may have no cache
  Metrics* metrics = nullptr;
};

}  // namespace uwsgi
