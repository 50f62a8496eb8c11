// SPDX-License-Identifier: Apache-2.0
#include "worker/harakiri.h"

#include <fmt/format.h>

#include <algorithm>

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

int64_t DueTime(const CoreSlot& core, int64_t limit_us) {
  const int64_t started = core.request_started_us.load(std::memory_order_relaxed);
  if (started == 0) return 0;
  const int64_t by_user = core.user_harakiri_deadline_us.load(std::memory_order_relaxed);
  if (by_user == kNeverDue) return 0;
  if (limit_us == 0) return by_user;
  const int64_t by_limit = started + limit_us;
  return by_user == 0 ? by_limit : std::min(by_user, by_limit);
}

bool IsPutOff(const HarakiriSpec& spec, std::span<const Listener* const> listeners) {
  return spec.least_backlog > 0 &&
         std::ranges::none_of(listeners, [&spec](const Listener* listener) {
           return listener->queue().waiting >= spec.least_backlog;
         });
}

std::vector<std::string> DescribeHarakiri(const WorkerSlot& worker, int id, pid_t pid, int attempt,
                                          bool verbose) {
  std::vector<std::string> lines;
  lines.push_back(
      fmt::format("*** HARAKIRI ON WORKER {} (pid: {}, try: {}) ***", id, pid, attempt));
  if (verbose) AddKernelState(lines, pid);
  for (std::string& line : DescribeRequests(worker, id)) lines.push_back(std::move(line));
  return lines;
}

std::vector<std::string> DescribeRequests(const WorkerSlot& worker, int id) {
  std::vector<std::string> lines;
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
