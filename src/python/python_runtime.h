// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "python/python_spec.h"
#include "runtime/language_runtime.h"
#include "runtime/process_control.h"
#include "runtime/server_facts.h"
#include "runtime/services.h"

namespace uwsgi {

// CPython as a language of the server. One per process; `facts`, `control` and
// `services` outlive it.
std::unique_ptr<LanguageRuntime> MakePythonRuntime(PythonSpec spec, const ServerFacts& facts,
                                                   ProcessControl& control,
                                                   const Services& services);

}  // namespace uwsgi
