// SPDX-License-Identifier: Apache-2.0
#include "cli/assemble.h"

#include <filesystem>
#include <string>
#include <utility>

#include "cli/inform.h"
#include "cli/server.h"
#include "config/loader.h"
#include "process/banner.h"
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

}  // namespace

Result<int> RunProgram(int argc, char** argv) {
  StartOrder order = TRY(TakeStartOrder());
  LoadRequest request = RequestOfThisProcess(argc, argv);
  request.is_reload = order.kind != StartKind::kFirst;
  StartCommand command = CommandOf(request);
  PrepareTitles(argc, argv);

  Options options = TRY(LoadOptions(request));
  if (const auto status = TRY(Inform(options, command.binary))) return *status;
  if (!options.binary_path.empty()) command.binary = options.binary_path;
  ServerSpecs specs = TRY(PlanServer(options));
  Server server(std::move(options), std::move(specs), std::move(order), std::move(command));
  return server.Run();
}

}  // namespace uwsgi
