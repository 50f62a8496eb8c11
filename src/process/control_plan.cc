// SPDX-License-Identifier: Apache-2.0
#include "process/control_plan.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "config/fd_value.h"
#include "process/hooks.h"

namespace uwsgi {
namespace {

constexpr size_t kMostFifos = 10;

struct TouchRow {
  std::string_view option;
  ListOption Options::*paths;
  MasterCommand command;
  std::string_view consequence;
};

// clang-format off
constexpr TouchRow kTouches[] = {
    {"touch-reload",          &Options::touch_reload,          MasterCommand::kReload,         "grace them all"},
    {"touch-workers-reload",  &Options::touch_workers_reload,  MasterCommand::kReloadWorkers,  "workers reload"},
    {"touch-chain-reload",    &Options::touch_chain_reload,    MasterCommand::kChainReload,    "chain reload"},
    {"touch-mules-reload",    &Options::touch_mules_reload,    MasterCommand::kReloadMules,    "reloading mules"},
    {"touch-spoolers-reload", &Options::touch_spoolers_reload, MasterCommand::kReloadSpoolers, "reloading spoolers"},
    {"touch-logrotate",       &Options::touch_logrotate,       MasterCommand::kRotateLog,      "rotating the log"},
    {"touch-logreopen",       &Options::touch_logreopen,       MasterCommand::kReopenLog,      "reopening the log"},
    {"fs-reload",             &Options::fs_reload,             MasterCommand::kReload,         "grace them all"},
    {"fs-brutal-reload",      &Options::fs_brutal_reload,      MasterCommand::kReloadBrutally, "brutally reload"},
};
// clang-format on

tl::unexpected<Error> Mistake(const ListValue& value, std::string_view what) {
  return Fail("{} = {}: {} ({})", value.option, value.text, what, value.origin.text());
}

// `FILE REST`.
Result<std::pair<std::string, std::string>> SplitFile(const ListValue& value) {
  const std::string_view text = Trim(value.text);
  const size_t blank = text.find(' ');
  if (blank == std::string_view::npos)
    return Mistake(value, "a file and, behind a blank, what to do are expected");
  return std::pair{std::string(text.substr(0, blank)), std::string(Trim(text.substr(blank)))};
}

Status AddActions(const Options& options, std::vector<TouchSpec>& touches) {
  for (const ListValue& value : options.touch_exec) {
    auto [path, command] = TRY(SplitFile(value));
    TouchSpec spec{.option = "touch-exec", .path = path, .kind = TouchSpec::Kind::kExec};
    spec.consequence = fmt::format("running {}", command);
    spec.shell = std::move(command);
    touches.push_back(std::move(spec));
  }
  for (const ListValue& value : options.hook_touch) {
    auto [path, hook] = TRY(SplitFile(value));
    if (const auto parsed = ParseHook(hook); !parsed) return Mistake(value, parsed.error().message);
    TouchSpec spec{.option = "hook-touch", .path = path, .kind = TouchSpec::Kind::kHook};
    spec.consequence = "running its hook";
    spec.hook = std::move(hook);
    touches.push_back(std::move(spec));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> PlanFifos(const Options& options) {
  std::vector<std::string> paths;
  for (const ListValue& value : options.master_fifo) {
    if (paths.size() == kMostFifos) return Mistake(value, "there are ten slots, 0 to 9");
    paths.push_back(value.text);
  }
  return paths;
}

Result<std::vector<TouchSpec>> PlanTouches(const Options& options) {
  std::vector<TouchSpec> touches;
  for (const TouchRow& row : kTouches) {
    for (const ListValue& value : options.*row.paths) {
      TouchSpec spec{.option = std::string(row.option), .path = value.text};
      spec.command = row.command;
      spec.consequence = row.consequence;
      touches.push_back(std::move(spec));
    }
  }
  TRY_STATUS(AddActions(options, touches));
  return touches;
}

Result<std::vector<FdReloadSpec>> PlanFdReloads(const Options& options) {
  std::vector<FdReloadSpec> specs;
  const auto add = [&](const ListOption& list, MasterCommand command) -> Status {
    for (const ListValue& value : list) {
      const auto given = ParseFdValue(value.text);
      if (!given) return Mistake(value, given.error().text());
      specs.push_back({given->fd, given->bytes, command,
                       fmt::format("{} = {} ({})", value.option, value.text, value.origin.text())});
    }
    return {};
  };
  TRY_STATUS(add(options.reload_on_fd, MasterCommand::kReload));
  TRY_STATUS(add(options.brutal_reload_on_fd, MasterCommand::kReloadBrutally));
  return specs;
}

}  // namespace uwsgi
