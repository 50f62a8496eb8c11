// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace uwsgi {

// Makes `import uwsgidecorators` find the module that this program carries, so that it always fits
// the server. One that an application brings in a directory of its own goes before it; one among
// the installed packages, which belongs to another server or another version of this one, does not.
// The GIL is held.
Status OfferDecorators();

}  // namespace uwsgi
