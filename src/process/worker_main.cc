// SPDX-License-Identifier: Apache-2.0
#include "process/worker_main.h"

#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "process/fork.h"
#include "process/messages.h"

namespace uwsgi {
namespace {

Status PrepareApplication(const ServingParts& parts) {
  const SupervisionSpec& spec = *parts.supervision;
  if (spec.lazy_apps) TRY_STATUS(parts.runtime->LoadApps());
  if (!spec.worker_directory.empty()) {
    LogLine(message::Chdir(spec.worker_directory));
    if (::chdir(spec.worker_directory.c_str()) != 0)
      return ErrnoError("chdir2 " + spec.worker_directory, errno);
  }
  return parts.runtime->StartWorker();
}

Result<int> Serve(const ServingParts& parts, int id, int master_fd, UniqueFunction<void()> on_ready,
                  UniqueFunction<void(int)> end_now) {
  WorkerContext context;
  context.id = id;
  context.scoreboard = parts.scoreboard;
  context.listeners = parts.listeners;
  context.request_spec = parts.request_spec;
  context.runtime = parts.runtime;
  context.master_fd = master_fd;
  context.on_ready = std::move(on_ready);
  context.end_now = std::move(end_now);
  const std::unique_ptr<Worker> worker =
      TRY(Worker::Create(*parts.worker_spec, std::move(context)));
  return worker->Run();
}

}  // namespace

int ServeAsWorker(const ServingParts& parts, int id, int master_fd, UniqueFunction<void()> on_ready,
                  UniqueFunction<void(int)> end_now) {
  if (const auto prepared = PrepareApplication(parts); !prepared) {
    LogLine(prepared.error().text());
    parts.runtime->End();
    return prepared.error().exit_code;
  }
  const auto served = Serve(parts, id, master_fd, std::move(on_ready), std::move(end_now));
  if (!served) Log("worker {}: {}", id, served.error().text());
  parts.runtime->End();
  return served ? *served : served.error().exit_code;
}

int WorkerMain(const ServingParts& parts, int id, int master_fd, UniqueFd reports) {
  const std::string title = ComposeTitle(parts.supervision->titles,
                                         fmt::format("uWSGI worker {}", id), /*is_master=*/false);
  if (!title.empty()) SetTitle(title);
  ServerControl& control = *parts.control;
  control.BecomeWorker(id, std::move(reports));
  return ServeAsWorker(
      parts, id, master_fd, [&control] { control.Report(ChildReport::kReady); }, EndProcess);
}

}  // namespace uwsgi
