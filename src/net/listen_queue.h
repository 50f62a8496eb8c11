// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace uwsgi {

// The connections that wait to be accepted.
struct ListenQueue {
  int waiting = 0;
  int limit = 0;  // 0: unknown
};

// Of a listening socket, by the kernel's count. That of a UNIX socket only its socket diagnosis
// (netlink) tells; where there is none, as in some containers, nothing is known and nobody waits.
ListenQueue QueueOf(int fd);

}  // namespace uwsgi
