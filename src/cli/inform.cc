// SPDX-License-Identifier: Apache-2.0
#include "cli/inform.h"

#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/version.h"
#include "cli/spool_commands.h"
#include "config/help.h"
#include "process/pidfile.h"
#include "process/process_plan.h"
#include "service/alarm_plan.h"
#include "service/log_plan.h"
#include "service/remote_signal.h"

namespace uwsgi {
namespace {

void Print(const std::string& text) {
  // A reader that has seen enough is no reason to complain.
  [[maybe_unused]] const auto written = WriteAll(STDOUT_FILENO, text);
}

void PrintLines(const ListOption& lines) {
  for (const ListValue& line : lines) Print(line.text + "\n");
}

// --signal HOST:PORT,SIGNAL, as often as it is given.
Status SendSignals(const ListOption& orders) {
  for (const ListValue& order : orders) {
    const size_t comma = order.text.rfind(',');
    const auto signal =
        comma == std::string::npos ? std::nullopt : ParseInt(order.text.substr(comma + 1));
    if (!signal || *signal > 255)
      return Fail("--signal {}: HOST:PORT,SIGNAL is expected, a signal being 0 to 255", order.text);
    const auto taken = SendRemoteSignal(order.text.substr(0, comma), static_cast<uint8_t>(*signal));
    if (!taken) return WithContext("--signal " + order.text, taken.error());
    if (!*taken) return Fail("--signal {}: the server rejects it", order.text);
  }
  return {};
}

}  // namespace

Result<std::optional<int>> Inform(const Options& options, const std::string& binary) {
  PrintLines(options.iprint);
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
  if (options.logger_list) {
    Print("*** loggers ***\n" + LoggerKinds());
    return 0;
  }
  if (options.alarm_list) {
    Print("*** alarms ***\n" + AlarmKinds());
    return 0;
  }
  PrintLines(options.print);
  if (!options.get.empty()) {
    Print(GetText(options));
    return 0;
  }
  if (options.exit) return static_cast<int>(*options.exit);
  if (const auto order = PlanSignal(options)) {
    const auto sent = SignalPidfile(order->pidfile, order->signal, order->value);
    if (!sent) return WithContext("--" + order->option, sent.error());
    return 0;
  }
  if (!options.signal.empty()) {
    TRY_STATUS(SendSignals(options.signal));
    return 0;
  }
  if (const auto status = TRY(RunSpoolCommand(options))) return *status;
  if (options.show_config) LogRaw(ShowConfigText(options));
  return std::nullopt;
}

}  // namespace uwsgi
