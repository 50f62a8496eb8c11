// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/function.h"

// What a helper process lets the application do for as long as it likes. Main thread, the GIL is
// held.
namespace uwsgi {

// Runs `run` with handlers for the signals that tell a helper to end: they raise SystemExit in it,
// so that even an endless loop ends in order, and an application may have its own instead. They are
// let in here and blocked again afterwards. The status that the process shall end with when
// SystemExit came out; nothing when it returned. `run` returns false with an exception set.
std::optional<int> RunUntilToldToEnd(UniqueFunction<bool()> run);

// Runs a file as the main program, or calls "module:callable"; false with an exception set.
bool RunAsMain(const std::string& program);

}  // namespace uwsgi
