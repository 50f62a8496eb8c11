// SPDX-License-Identifier: Apache-2.0
#include "process/daemon_plan.h"

#include <algorithm>
#include <utility>

namespace uwsgi {
namespace {

Result<DaemonSpec> ReadPlain(const std::string& text) {
  DaemonSpec spec;
  spec.command = text;
  if (text.empty()) return Fail("a command is expected");
  return spec;
}

Result<DaemonSpec> ReadControl(const std::string& text) {
  DaemonSpec spec = TRY(ReadPlain(text));
  spec.control = true;
  return spec;
}

Result<DaemonSpec> ReadKeys(const std::string& text) { return ParseDaemon(text); }

Result<DaemonSpec> ReadSmart(const std::string& text) { return ParseSmartDaemon(text); }

Result<DaemonSpec> ReadSmart2(const std::string& text) {
  DaemonSpec spec = TRY(ParseSmartDaemon(text));
  spec.daemonize = true;
  return spec;
}

struct DaemonOption {
  ListOption Options::*values;
  Result<DaemonSpec> (*read)(const std::string& text);
};

constexpr DaemonOption kDaemonOptions[] = {
    {&Options::attach_daemon, ReadPlain},         {&Options::attach_control_daemon, ReadControl},
    {&Options::attach_daemon2, ReadKeys},         {&Options::smart_attach_daemon, ReadSmart},
    {&Options::smart_attach_daemon2, ReadSmart2},
};

}  // namespace

Result<std::vector<DaemonSpec>> PlanDaemons(const Options& options) {
  std::vector<std::pair<int, DaemonSpec>> given;
  for (const DaemonOption& row : kDaemonOptions) {
    for (const ListValue& value : options.*row.values) {
      auto spec = row.read(value.text);
      if (!spec) {
        return Fail("{} = {}: {} ({})", value.option, value.text, spec.error().message,
                    value.origin.text());
      }
      spec->keep_stdin |= options.daemons_honour_stdin;
      given.emplace_back(value.order, std::move(*spec));
    }
  }
  std::ranges::stable_sort(given, {}, &std::pair<int, DaemonSpec>::first);
  std::vector<DaemonSpec> daemons;
  daemons.reserve(given.size());
  for (auto& [order, spec] : given) daemons.push_back(std::move(spec));
  return daemons;
}

}  // namespace uwsgi
