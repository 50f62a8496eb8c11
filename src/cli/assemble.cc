// SPDX-License-Identifier: Apache-2.0
#include "cli/assemble.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "cli/inform.h"
#include "cli/server.h"
#include "config/environment.h"
#include "config/expansion.h"
#include "config/loader.h"
#include "process/banner.h"
#include "process/emperor_link.h"
#include "process/privileges.h"
#include "process/process_title.h"

namespace uwsgi {
namespace {

StartCommand CommandOf(const LoadRequest& request) {
  StartCommand command;
  command.binary = BinaryPath();
  command.argv = request.argv;
  command.environment = request.environment;
  command.directory = CurrentDirectory();
  if (command.directory.empty()) command.directory = "/";
  return command;
}

constexpr std::string_view kFallback = "fallback-config";
// The fallbacks that have been started, a line each: none is started twice.
constexpr const char* kTriedVariable = "UWSGI_FALLBACKS_TRIED";

std::string TakeTriedFallbacks() {
  const char* const text = std::getenv(kTriedVariable);
  std::string tried = text != nullptr ? text : "";
  ::unsetenv(kTriedVariable);
  return tried;
}

// The last one that was read before the error; nothing when there is none.
std::string FallbackOf(const LoadOutcome& loaded, const LoadRequest& request) {
  const std::vector<std::string>& argv = request.argv;
  std::string file;
  for (const Setting& setting : loaded.options.settings) {
    if (setting.name == kFallback) file = setting.value;
  }
  // Behind an option whose file cannot be read.
  const std::string option = fmt::format("--{}", kFallback);
  for (size_t i = 1; i < argv.size() && file.empty(); ++i) {
    if (argv[i] == option && i + 1 < argv.size()) file = argv[i + 1];
    if (argv[i].starts_with(option + "=")) file = argv[i].substr(option.size() + 1);
  }
  if (loaded.done) return file;
  // The error may have come before anything was put in for what stands in it.
  return ExpandEarly(file, Environment(request.environment), loaded.options.settings)
      .value_or(file);
}

// Starts the program again with nothing but the other configuration, and with the same Emperor;
// returns only when that fails.
Status StartFallback(const StartCommand& command, const VassalSpec& vassal, const std::string& file,
                     const std::string& tried) {
  LogDated("!!! {} (pid: {}) exited with status 1 !!!", command.binary, ::getpid());
  LogDated("!!! Fallback config to {} !!!", file);
  StartCommand fallback = command;
  fallback.argv = {command.argv.front(), file};
  fallback.environment.push_back(fmt::format("{}={}{}\n", kTriedVariable, tried, file));
  if (vassal.fd >= 0) {
    // Better without an Emperor than not at all.
    const Status kept = SetCloseOnExec(vassal.fd, false);
    if (!kept) LogLine(kept.error().text());
  }
  return tl::unexpected(BecomeProgram(fallback));
}

Result<int> Start(StartOrder order, const VassalSpec& vassal, Options options, StartCommand command,
                  bool has_fallback) {
  LogStyle style = PlanLogStyle(options);
  // What a trial says becomes lines of its master.
  if (order.kind == StartKind::kTrial) style.json = false;
  SetLogStyle(std::move(style));
  if (const auto status = TRY(Inform(options, command.binary))) return *status;
  if (!options.binary_path.empty()) command.binary = options.binary_path;
  ServerSpecs specs = TRY(PlanServer(options));
  BecomeVassal(specs.process, vassal);
  Server server(std::move(options), std::move(specs), std::move(order), std::move(command),
                has_fallback);
  return server.Run();
}

}  // namespace

Result<int> RunProgram(int argc, char** argv) {
  StartOrder order = TRY(TakeStartOrder());
  if (order.kind == StartKind::kSuccessor) KeepCapabilities(order.state->capabilities);
  const VassalSpec vassal = TakeEmperorChannel(order.kind == StartKind::kTrial);
  if (order.state) ReturnLogOutputs(*order.state);
  const std::string tried = TakeTriedFallbacks();
  LoadRequest request = RequestOfThisProcess(argc, argv);
  request.is_reload = order.kind != StartKind::kFirst;
  const StartCommand command = CommandOf(request);
  PrepareTitles(argc, argv);

  const bool is_first = order.kind == StartKind::kFirst;
  LoadOutcome loaded = LoadAsFarAsPossible(request);
  const std::string fallback = FallbackOf(loaded, request);
  const bool has_fallback = is_first && !fallback.empty() &&
                            ("\n" + tried).find("\n" + fallback + "\n") == std::string::npos;
  auto status = loaded.done ? Start(std::move(order), vassal, std::move(loaded.options), command,
                                    has_fallback)
                            : Result<int>(tl::unexpected(std::move(loaded.done).error()));
  if (!status && status.error().exit_code == kExitFailed && has_fallback) {
    LogLine(status.error().text());
    TRY_STATUS(StartFallback(command, vassal, fallback, tried));
  }
  return status;
}

}  // namespace uwsgi
