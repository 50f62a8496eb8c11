// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "python/py_ref.h"
#include "python/python_spec.h"
#include "python/turns.h"
#include "runtime/language_runtime.h"

namespace uwsgi {

// The applications of this process. Everything but infos() needs the GIL, which also guards it.
class Apps {
 public:
  struct App {
    PyRef callable;
    AppInfo info;
  };

  Apps(const PythonSpec& spec, const void* interpreter)
      : spec_(spec), table_(spec.table), interpreter_(interpreter) {}

  // Loads what the configuration names. An error has been explained in the log.
  Status Load();
  // The application that answers the request; nullptr when there is none. With dynamic-apps the
  // request may name one that is loaded now.
  App* Choose(Request& request);

  [[nodiscard]] std::vector<AppInfo> infos() const;

 private:
  // Loads one source and mounts what it has. False: it failed, and the log says why.
  Status Add(const AppSource& source, const std::string& callable);
  void Mount(std::string mountpoint, PyRef callable, int64_t startup_seconds);
  App* Find(const std::string& mountpoint);
  // The application that the request names, loaded now when nobody asked for it before; nullptr
  // when that failed.
  App* ChooseNamed(Request& request, AppSource source);

  const PythonSpec& spec_;
  AppTable table_;
  const void* interpreter_;
  std::deque<App> apps_;
  Turns loading_;  // of who loads what a request names
};

}  // namespace uwsgi
