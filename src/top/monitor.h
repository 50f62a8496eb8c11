// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "top/top_options.h"

namespace uwsgi::top {

// Shows the screen until the operator has enough.
Status RunScreen(const TopOptions& options);

// Asks twice, so that there is a rate, and prints what came. Fails when the server does not answer.
Status RunOnce(const TopOptions& options);

}  // namespace uwsgi::top
