// SPDX-License-Identifier: Apache-2.0
#include "process/harakiri.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

void AddKernelState(std::vector<std::string>& lines, pid_t pid) {
  for (const char* const what : {"syscall", "wchan"}) {
    const auto text = ReadFile(fmt::format("/proc/{}/{}", pid, what));
    if (text) lines.push_back(fmt::format("HARAKIRI: -- {}> {}", what, Trim(*text)));
  }
}

}  // namespace

std::optional<HarakiriReason> FindOverdue(const WorkerSlot& worker, int64_t limit_us,
                                          int64_t now_us) {
  for (const CoreSlot& core : worker.cores()) {
    const int64_t started = core.request_started_us.load(std::memory_order_relaxed);
    if (limit_us > 0 && started != 0 && now_us - started > limit_us)
      return HarakiriReason::kRequestTooLong;
    const int64_t deadline = core.user_harakiri_deadline_us.load(std::memory_order_relaxed);
    if (deadline != 0 && now_us > deadline) return HarakiriReason::kUserDeadline;
  }
  return std::nullopt;
}

std::vector<std::string> DescribeHarakiri(const WorkerSlot& worker, int id, pid_t pid, int attempt,
                                          bool verbose) {
  std::vector<std::string> lines;
  lines.push_back(
      fmt::format("*** HARAKIRI ON WORKER {} (pid: {}, try: {}) ***", id, pid, attempt));
  if (verbose) AddKernelState(lines, pid);
  lines.push_back(fmt::format("HARAKIRI !!! worker {} status !!!", id));
  int index = 0;
  for (const CoreSlot& core : worker.cores()) {
    if (core.busy()) {
      lines.push_back(fmt::format("HARAKIRI [core {}] {} - {} {} since {}", index,
                                  core.remote.Get(), core.method.Get(), core.uri.Get(),
                                  core.request_started_wall_s.load(std::memory_order_relaxed)));
    }
    ++index;
  }
  lines.push_back(fmt::format("HARAKIRI !!! end of worker {} status !!!", id));
  return lines;
}

}  // namespace uwsgi
