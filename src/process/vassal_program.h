// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "process/emperor_plan.h"
#include "process/fork.h"

namespace uwsgi {

// How a vassal is run: its command line, environment, directory and, under a tyrant, user. The
// channel and the socket it is started by are the caller's to add.
Result<ProgramSpec> MakeVassalProgram(const EmperorSpec& spec, const VassalFile& file,
                                      std::span<const std::string> environment);

// Under a tyrant: why the vassal must not be run as the owner of its file; empty when it may.
std::string ObjectionTo(const VassalFile& file);

// The address of the socket by whose first connection the vassal is started; empty when it is
// started at once.
std::string OnDemandAddressOf(const EmperorSpec& spec, const VassalFile& file);

// A command of vassals-start-hook or vassals-stop-hook.
ProgramSpec MakeVassalHook(const std::string& command, const VassalFile& file, pid_t pid,
                           std::span<const std::string> environment);

}  // namespace uwsgi
