// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/app_table.h"

namespace uwsgi {

// Where an application comes from, as an option named it.
struct AppSource {
  enum class Kind : uint8_t { kFile, kModule, kCode };
  Kind kind = Kind::kModule;
  std::string text;  // a path; "package.module[:callable]"; Python code
  std::string mountpoint;
  bool is_mount = false;  // named by `mount`
};

// The interpreter as it shall start.
struct InterpreterSpec {
  std::string home;        // virtualenv or installation prefix; empty: the Python we were built for
  std::string executable;  // sys.executable, empty: that Python's program
  std::vector<std::string> argv;         // sys.argv behind "uwsgi"
  std::vector<std::string> search_path;  // put on sys.path, patterns allowed
  bool import_site = true;
  int optimize = 0;
};

// After which exceptions a worker is replaced (reload-on-exception and its kin).
struct ExceptionWatch {
  bool any = false;
  std::vector<std::string> types;   // names, with or without their module
  std::vector<std::string> values;  // str() of the exception
  std::vector<std::string> reprs;   // repr() of it

  [[nodiscard]] bool is_on() const {
    return any || !types.empty() || !values.empty() || !reprs.empty();
  }
};

// How applications are called.
struct WsgiRules {
  bool catch_exceptions = false;   // the client gets the traceback
  bool raise_write_errors = true;  // not disable-write-exception
  bool iterate_bytes = false;      // wsgi-strict: a bytes result is an iterable like any other
  bool offer_file_wrapper = true;
  bool limits_after_hook = true;  // not harakiri-no-arh: the hook counts as part of the request
  ExceptionWatch watch;
};

// What the Python part needs to know; made by python_plan from the options.
struct PythonSpec {
  InterpreterSpec interpreter;
  AppTableSpec table;
  WsgiRules wsgi;
  std::vector<AppSource> apps;
  std::string callable = "application";      // where an application source names none
  std::vector<std::string> imports;          // in each worker
  std::vector<std::string> spooler_imports;  // in each spooler
  std::vector<std::string> shared_imports;   // in every process, before the applications
  bool need_app = false;
  bool dynamic_apps = false;  // requests may name applications
  int max_apps = 64;
  bool autoreload = false;                      // py-autoreload
  std::vector<std::string> autoreload_ignored;  // modules
};

}  // namespace uwsgi
