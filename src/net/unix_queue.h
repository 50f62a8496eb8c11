// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "net/listener.h"

namespace uwsgi {

// The connections that wait at a listening UNIX socket, which only the kernel's socket diagnosis
// (netlink) tells. Empty where there is none, as in some containers.
std::optional<ListenQueue> UnixQueue(int fd);

}  // namespace uwsgi
