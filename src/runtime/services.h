// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace uwsgi {

class UserLocks;

// What the server offers to applications beside requests. Made before the first fork, owned by
// cli/service_set, never changed afterwards; null: not configured.
struct Services {
  UserLocks* locks = nullptr;
};

}  // namespace uwsgi
