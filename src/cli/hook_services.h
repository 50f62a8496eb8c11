// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/hook_actions.h"
#include "runtime/services.h"

namespace uwsgi {

// From now on hooks may raise alarms and call functions. `services` outlives it.
void OfferToHooks(const Services& services, HookServices& hooks);
// From now on they may not: what acts upon them is gone.
void TakeFromHooks(HookServices& hooks);

}  // namespace uwsgi
