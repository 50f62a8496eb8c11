// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "python/python_spec.h"
#include "runtime/language_runtime.h"
#include "runtime/process_control.h"
#include "runtime/server_facts.h"

namespace uwsgi {

// CPython as a language of the server. One per process; `facts` and `control` outlive it.
std::unique_ptr<LanguageRuntime> MakePythonRuntime(PythonSpec spec, const ServerFacts& facts,
                                                   ProcessControl& control);

}  // namespace uwsgi
