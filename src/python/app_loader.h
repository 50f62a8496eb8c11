// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "python/py_ref.h"
#include "python/python_spec.h"

namespace uwsgi {

// An application as it was found in a module.
struct LoadedApp {
  std::string mountpoint;
  PyRef callable;
};

// Runs a source and takes its callable, or, when it names none and its module (or the uwsgi module)
// has a dict called `applications`, each of those. The error's message is what to print: the
// traceback or one line. With the GIL held.
Result<std::vector<LoadedApp>> LoadApp(const AppSource& source,
                                       const std::string& default_callable);

// A module by its dotted name, or run from a file when `what` is a path. The same module another
// time costs nothing.
Result<PyRef> ImportModule(const std::string& what);

// The same, but a file becomes the module that `import` would make of it: task.py is `task`. Code
// that was imported already is not run again.
Result<PyRef> ImportUnderItsName(const std::string& what);

// The name under which a file is run: uwsgi_file_ and its path with '.' and '/' made '_'. The next
// path of the same name has a '_' more.
std::string ModuleNameOf(std::string_view path);

}  // namespace uwsgi
