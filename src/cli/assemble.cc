// SPDX-License-Identifier: Apache-2.0
#include "cli/assemble.h"

#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/log.h"
#include "cli/inform.h"
#include "cli/server.h"
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
  std::error_code error;
  command.directory = std::filesystem::current_path(error).string();
  if (error) command.directory = "/";
  return command;
}

// --fallback-config FILE, wherever the configuration could be read far enough to see it or not.
std::string FallbackOf(const std::vector<std::string>& argv) {
  constexpr std::string_view kOption = "--fallback-config";
  for (size_t i = 1; i < argv.size(); ++i) {
    const std::string_view word = argv[i];
    if (word == kOption && i + 1 < argv.size()) return argv[i + 1];
    if (word.starts_with(kOption) && word.substr(kOption.size()).starts_with('=')) {
      return std::string(word.substr(kOption.size() + 1));
    }
  }
  return {};
}

// Starts the program again with nothing but the other configuration; returns only when that fails.
Status StartFallback(const StartCommand& command, const std::string& file) {
  Log("!!! {} (pid: {}) exited with status 1 !!!", command.binary, ::getpid());
  Log("!!! Fallback config to {} !!!", file);
  StartCommand fallback = command;
  fallback.argv = {command.argv.front(), file};
  return tl::unexpected(BecomeProgram(fallback));
}

Result<int> Start(StartOrder order, const VassalSpec& vassal, const LoadRequest& request,
                  StartCommand command) {
  Options options = TRY(LoadOptions(request));
  LogStyle style = PlanLogStyle(options);
  // What a trial says becomes lines of its master.
  if (order.kind == StartKind::kTrial) style.json = false;
  SetLogStyle(std::move(style));
  if (const auto status = TRY(Inform(options, command.binary))) return *status;
  if (!options.binary_path.empty()) command.binary = options.binary_path;
  ServerSpecs specs = TRY(PlanServer(options));
  BecomeVassal(specs.process, vassal);
  Server server(std::move(options), std::move(specs), std::move(order), std::move(command));
  return server.Run();
}

}  // namespace

Result<int> RunProgram(int argc, char** argv) {
  StartOrder order = TRY(TakeStartOrder());
  if (order.kind == StartKind::kSuccessor) KeepCapabilities(order.state->capabilities);
  const VassalSpec vassal = TakeEmperorChannel(order.kind == StartKind::kTrial);
  if (order.state) ReturnLogOutputs(*order.state);
  LoadRequest request = RequestOfThisProcess(argc, argv);
  request.is_reload = order.kind != StartKind::kFirst;
  const StartCommand command = CommandOf(request);
  PrepareTitles(argc, argv);

  const bool is_first = order.kind == StartKind::kFirst;
  auto status = Start(std::move(order), vassal, request, command);
  const std::string fallback = FallbackOf(request.argv);
  if (!status && status.error().exit_code == 1 && is_first && !fallback.empty()) {
    LogLine(status.error().text());
    TRY_STATUS(StartFallback(command, fallback));
  }
  return status;
}

}  // namespace uwsgi
