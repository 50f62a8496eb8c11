// SPDX-License-Identifier: Apache-2.0
#include "python/apps.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "python/app_loader.h"
#include "python/py_error.h"

namespace uwsgi {
namespace {

constexpr int kExitNoApp = 22;

// What a request names, with dynamic-apps; an empty text when it names nothing.
AppSource SourceOf(const VarTable& vars) {
  if (vars.Has(CgiName::kUwsgiFile)) {
    return {.kind = AppSource::Kind::kFile, .text = std::string(vars.Get(CgiName::kUwsgiFile))};
  }
  if (vars.Has(CgiName::kUwsgiScript))
    return {.text = std::string(vars.Get(CgiName::kUwsgiScript))};
  return {.text = std::string(vars.Get(CgiName::kUwsgiModule))};
}

}  // namespace

void Apps::Mount(std::string mountpoint, PyRef callable, int64_t startup_seconds) {
  const int id = table_.Add(mountpoint);
  AppInfo info{.id = id,
               .mountpoint = std::move(mountpoint),
               .startup_seconds = startup_seconds,
               .chdir = CurrentDirectory()};
  Log("WSGI app {} (mountpoint='{}') ready in {} seconds on interpreter {} pid: {}{}", id,
      info.mountpoint, startup_seconds, interpreter_, ::getpid(),
      table_.default_app() == id ? " (default app)" : "");
  apps_.push_back({std::move(callable), std::move(info)});
}

Status Apps::Add(const AppSource& source, const std::string& callable) {
  const int64_t begin = MonotonicMicros();
  auto loaded = LoadApp(source, callable);
  if (!loaded) {
    if (loaded.error().exit_code == kExitInterrupted) return StoppedWhileLoading();
    LogRaw(EndsWith(loaded.error().message, "\n") ? loaded.error().message
                                                  : loaded.error().text() + "\n");
    Log("unable to load app {} (mountpoint='{}') (callable not found or import error)",
        apps_.size(), source.mountpoint);
    return tl::unexpected(loaded.error());
  }
  const int64_t seconds = (MonotonicMicros() - begin) / 1'000'000;
  for (LoadedApp& app : *loaded) Mount(std::move(app.mountpoint), std::move(app.callable), seconds);
  return {};
}

Status Apps::Load() {
  bool failed = false;
  for (const AppSource& source : spec_.apps) {
    if (source.is_mount) Log("mounting {} on {}", source.text, source.mountpoint);
    Status added = Add(source, spec_.callable);
    if (!added && added.error().exit_code == kExitInterrupted) return added;
    failed = failed || !added;
  }
  if (failed || (apps_.empty() && spec_.need_app)) {
    Log("*** no app loaded. GAME OVER ***");
    return tl::unexpected(Error{.message = "no app loaded", .exit_code = kExitNoApp});
  }
  if (apps_.empty()) Log("*** no app loaded. going in full dynamic mode ***");
  return {};
}

Apps::App* Apps::Find(const std::string& mountpoint) {
  const int id = table_.Find(mountpoint);
  return id == AppTable::kNone ? nullptr : &apps_[static_cast<size_t>(id)];
}

Apps::App* Apps::ChooseNamed(Request& request, AppSource source) {
  source.mountpoint = table_.KeyOf(request);
  source.is_mount = true;
  if (App* const known = Find(source.mountpoint)) return known;
  const Turn turn(loading_);
  if (!turn) {
    LogException();
    return nullptr;
  }
  // Who had the turn before may have loaded it.
  if (App* const known = Find(source.mountpoint)) return known;
  if (table_.size() >= spec_.max_apps) {
    Log("cannot load more than {} apps (max-apps): ignoring {}", spec_.max_apps, source.text);
    return nullptr;
  }
  const std::string callable(request.vars.Get(CgiName::kUwsgiCallable));
  return Add(source, callable.empty() ? spec_.callable : callable) ? &apps_.back() : nullptr;
}

Apps::App* Apps::Choose(Request& request) {
  if (spec_.dynamic_apps) {
    AppSource source = SourceOf(request.vars);
    if (!source.text.empty()) return ChooseNamed(request, std::move(source));
  }
  const int id = table_.Choose(request);
  return id == AppTable::kNone ? nullptr : &apps_[static_cast<size_t>(id)];
}

std::vector<AppInfo> Apps::infos() const {
  std::vector<AppInfo> infos;
  for (const App& app : apps_) infos.push_back(app.info);
  return infos;
}

}  // namespace uwsgi
