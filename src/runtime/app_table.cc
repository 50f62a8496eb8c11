// SPDX-License-Identifier: Apache-2.0
#include "runtime/app_table.h"

#include <cstring>

#include "base/strings.h"

namespace uwsgi {
namespace {

std::string_view WithoutTrailingSlashes(std::string_view mountpoint) {
  while (EndsWith(mountpoint, "/")) mountpoint.remove_suffix(1);
  return mountpoint;
}

}  // namespace

int AppTable::Add(std::string_view mountpoint) {
  const int app = size();
  const std::string& added = mountpoints_.emplace_back(WithoutTrailingSlashes(mountpoint));
  const bool may_be_default = added.empty() || added.front() == '/';
  if (default_app_ == kNone && may_be_default && !spec_.no_default_app) default_app_ = app;
  return app;
}

int AppTable::Find(std::string_view key) const {
  for (int app = 0; app < size(); ++app) {
    if (mountpoint(app) == key) return app;
  }
  return kNone;
}

int AppTable::FindByPath(std::string_view path) const {
  int found = kNone;
  size_t longest = 0;
  for (int app = 0; app < size(); ++app) {
    const std::string& mount = mountpoint(app);
    const bool is_prefix =
        StartsWith(path, mount) && (path.size() == mount.size() || path[mount.size()] == '/');
    if (is_prefix && mount.size() > longest) {
      found = app;
      longest = mount.size();
    }
  }
  return found;
}

std::string_view AppTable::KeyOf(Request& request) const {
  const VarTable& vars = request.vars;
  if (vars.Has(CgiName::kUwsgiAppid)) return WithoutTrailingSlashes(vars.Get(CgiName::kUwsgiAppid));
  const std::string_view script = spec_.ignore_script_name
                                      ? std::string_view()
                                      : WithoutTrailingSlashes(vars.Get(CgiName::kScriptName));
  if (spec_.host_key == AppTableSpec::HostKey::kNone) return script;
  const bool by_header = spec_.host_key == AppTableSpec::HostKey::kHttpHost;
  const std::string_view host = vars.Get(by_header ? CgiName::kHttpHost : CgiName::kServerName);
  const size_t size = host.size() + 1 + script.size();
  char* const key = request.arena.Allocate(size);
  host.copy(key, host.size());
  key[host.size()] = '|';
  script.copy(key + host.size() + 1, script.size());
  return {key, size};
}

int AppTable::Choose(Request& request) const {
  VarTable& vars = request.vars;
  if (spec_.manage_script_name) {
    const std::string_view path = vars.Get(CgiName::kPathInfo);
    const int app = FindByPath(path);
    if (app != kNone) {
      vars.Set(CgiName::kScriptName, mountpoint(app));
      vars.Set(CgiName::kPathInfo, path.substr(mountpoint(app).size()));
      return app;
    }
  }
  if (size() == 1 && default_app_ == 0)
    return 0;  // the usual case: whatever the key, there is one answer
  const int app = Find(KeyOf(request));
  return app != kNone ? app : default_app_;
}

}  // namespace uwsgi
