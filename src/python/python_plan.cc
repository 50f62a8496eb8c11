// SPDX-License-Identifier: Apache-2.0
#include "python/python_plan.h"

#include "base/strings.h"
#include "config/options.h"

namespace uwsgi {
namespace {

std::vector<std::string> Texts(const ListOption& values) {
  std::vector<std::string> texts;
  for (const ListValue& value : values) texts.push_back(value.text);
  return texts;
}

Result<AppSource> PlanMount(const ListValue& mount) {
  const size_t equals = mount.text.find('=');
  if (equals == std::string::npos || equals + 1 == mount.text.size()) {
    return Fail("{}: mount = {}: PATH=APPLICATION is needed", mount.origin.text(), mount.text);
  }
  AppSource source{.kind = AppSource::Kind::kModule,
                   .text = mount.text.substr(equals + 1),
                   .mountpoint = mount.text.substr(0, equals),
                   .is_mount = true};
  if (EndsWith(source.text, ".py") || EndsWith(source.text, ".wsgi"))
    source.kind = AppSource::Kind::kFile;
  if (EndsWith(source.text, ".ini")) {
    return Fail("{}: mount = {}: paste configurations are not supported", mount.origin.text(),
                mount.text);
  }
  return source;
}

Result<std::vector<AppSource>> PlanApps(const Options& options) {
  std::vector<AppSource> sources;
  if (!options.module.empty())
    sources.push_back({.kind = AppSource::Kind::kModule, .text = options.module});
  if (!options.wsgi_file.empty())
    sources.push_back({.kind = AppSource::Kind::kFile, .text = options.wsgi_file});
  if (!options.eval.empty())
    sources.push_back({.kind = AppSource::Kind::kCode, .text = options.eval});
  for (const ListValue& mount : options.mount) sources.push_back(TRY(PlanMount(mount)));
  return sources;
}

AppTableSpec PlanTable(const Options& options) {
  AppTableSpec spec{.manage_script_name = options.manage_script_name,
                    .ignore_script_name = options.ignore_script_name,
                    .no_default_app = options.no_default_app};
  if (options.vhost) spec.host_key = AppTableSpec::HostKey::kServerName;
  if (options.vhost_host) spec.host_key = AppTableSpec::HostKey::kHttpHost;
  return spec;
}

}  // namespace

Result<PythonSpec> PlanPython(const Options& options) {
  PythonSpec spec;
  spec.interpreter.home = options.home;
  spec.interpreter.executable = options.py_executable;
  for (const std::string_view word : SplitWords(options.pyargv))
    spec.interpreter.argv.emplace_back(word);
  spec.interpreter.search_path = Texts(options.pythonpath);
  spec.interpreter.import_site = !options.no_site;
  spec.interpreter.optimize = static_cast<int>(options.optimize);
  spec.table = PlanTable(options);
  spec.wsgi.catch_exceptions = options.catch_exceptions;
  spec.wsgi.raise_write_errors = !options.disable_write_exception;
  spec.wsgi.iterate_bytes = options.wsgi_strict;
  spec.wsgi.limits_after_hook = !options.harakiri_no_arh;
  spec.wsgi.offer_file_wrapper = !options.wsgi_disable_file_wrapper;
  spec.wsgi.watch = {.any = options.reload_on_exception,
                     .types = Texts(options.reload_on_exception_type),
                     .values = Texts(options.reload_on_exception_value),
                     .reprs = Texts(options.reload_on_exception_repr)};
  spec.apps = TRY(PlanApps(options));
  if (!options.callable.empty()) spec.callable = options.callable;
  spec.imports = Texts(options.py_import);
  spec.spooler_imports = Texts(options.spooler_import);
  spec.shared_imports = Texts(options.shared_import);
  spec.need_app = options.need_app;
  spec.dynamic_apps = options.dynamic_apps;
  spec.max_apps = static_cast<int>(options.max_apps);
  spec.autoreload = options.py_auto_reload > 0;
  spec.autoreload_ignored = Texts(options.py_auto_reload_ignore);
  return spec;
}

}  // namespace uwsgi
