// SPDX-License-Identifier: Apache-2.0
#include "cli/inform.h"

#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "cli/spool_commands.h"
#include "config/help.h"
#include "process/pidfile.h"
#include "process/process_plan.h"

namespace uwsgi {
namespace {

void Print(std::string text) {
  // A reader that has seen enough is no reason to complain.
  [[maybe_unused]] const auto written = WriteAll(STDOUT_FILENO, text);
}

}  // namespace

Result<std::optional<int>> Inform(const Options& options, const std::string& binary) {
  if (options.help) {
    Print(HelpText(binary, *options.help));
    return 0;
  }
  if (options.version) {
    Print(std::string(kVersion) + "\n");
    return 0;
  }
  if (options.dump_options) {
    Print(OptionNamesText());
    return 0;
  }
  for (const ListValue& text : options.print) Print(text.text + "\n");
  if (!options.get.empty()) {
    Print(GetText(options));
    return 0;
  }
  if (options.exit) return static_cast<int>(*options.exit);
  if (const auto order = PlanSignal(options)) {
    const auto sent = SignalPidfile(order->pidfile, order->signal);
    if (!sent) return WithContext("--" + order->option, sent.error());
    return 0;
  }
  if (const auto status = TRY(RunSpoolCommand(options))) return *status;
  if (options.show_config) LogRaw(ShowConfigText(options));
  return std::nullopt;
}

}  // namespace uwsgi
