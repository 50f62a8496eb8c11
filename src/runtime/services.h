// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace uwsgi {

class Caches;
class Spoolers;
class UserLocks;

// What the server offers to applications beside requests. Made before the first fork, owned by
// cli/service_set, never changed afterwards; null: not configured.
struct Services {
  UserLocks* locks = nullptr;
  Caches* caches = nullptr;  // never null in a server, but may have no cache
  Spoolers* spoolers = nullptr;
};

}  // namespace uwsgi
