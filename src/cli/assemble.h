// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace uwsgi {

// The whole program but the end of it: reads the configuration, does what it says, and gives the
// exit status. An error has not been shown yet.
Result<int> RunProgram(int argc, char** argv);

}  // namespace uwsgi
