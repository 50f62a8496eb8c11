// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"

namespace uwsgi {

// Is this a Host value or the authority of a target: a name, IPv4 address or [IPv6 address], and
// perhaps a port? Not empty, no userinfo, no path, no list.
bool IsValidHost(ByteView host);

}  // namespace uwsgi
