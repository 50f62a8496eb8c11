// SPDX-License-Identifier: Apache-2.0
#include "top/rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace uwsgi::top {

namespace {

double ShareOf(int64_t requests, int64_t all) {
  return all > 0 ? 100 * static_cast<double>(requests) / static_cast<double>(all) : 0;
}

Row MakeCoreRow(const WorkerStats& worker, const CoreStats& core, const History& history,
                int64_t all_requests) {
  Row row{.is_core = true,
          .wid = fmt::format(" :{}", core.id),
          .worker = worker.id,
          .core = core.id,
          .share = ShareOf(core.requests, all_requests),
          .rps = history.core_rps(worker.id, core.id),
          .pid = worker.pid,
          .requests = core.requests,
          .status = core.in_request ? "busy" : "idle"};
  if (core.in_request) {
    row.request = fmt::format("{} {}", core.running.method, core.running.uri);
    row.client = core.running.client;
    row.request_start = core.running.start;
  }
  return row;
}

Row MakeWorkerRow(const WorkerStats& worker, const History& history, int64_t all_requests) {
  return {.wid = fmt::format("{}", worker.id),
          .worker = worker.id,
          .share = ShareOf(worker.requests, all_requests),
          .rps = history.worker_rps(worker.id),
          .pid = worker.pid,
          .requests = worker.requests,
          .exceptions = worker.exceptions,
          .signals = worker.signals,
          .harakiris = worker.harakiris,
          .respawns = worker.respawns,
          .average_time = worker.average_time,
          .running_time = worker.running_time,
          .rss = worker.rss,
          .vsz = worker.vsz,
          .tx = worker.tx,
          .last_spawn = worker.last_spawn,
          .status = worker.status,
          .course = history.worker_course(worker.id)};
}

// The worker shows what has kept one of its cores longest.
void ShowLongest(Row& worker, const std::vector<Row>& cores) {
  for (const Row& core : cores) {
    if (core.request.empty()) continue;
    if (!worker.request.empty() && core.request_start >= worker.request_start) continue;
    worker.request = core.request;
    worker.client = core.client;
    worker.request_start = core.request_start;
  }
}

}  // namespace

std::vector<RowGroup> MakeRowGroups(const Snapshot& snapshot, const History& history) {
  const int64_t all_requests = TotalsOf(snapshot).requests;
  std::vector<RowGroup> groups;
  groups.reserve(snapshot.workers.size());
  for (const WorkerStats& worker : snapshot.workers) {
    RowGroup group{.worker = MakeWorkerRow(worker, history, all_requests)};
    for (const CoreStats& core : worker.cores) {
      group.cores.push_back(MakeCoreRow(worker, core, history, all_requests));
    }
    ShowLongest(group.worker, group.cores);
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<Row> Flatten(std::vector<RowGroup> groups, CoreMode mode) {
  std::vector<Row> rows;
  for (RowGroup& group : groups) {
    // A worker without a list of cores (stats-no-cores) stays itself in every mode.
    const bool cores_alone = mode == CoreMode::kMerged && !group.cores.empty();
    if (!cores_alone) rows.push_back(std::move(group.worker));
    if (mode == CoreMode::kWorkers) continue;
    for (Row& core : group.cores) {
      if (cores_alone) core.wid = fmt::format("{}:{}", core.worker, core.core);
      rows.push_back(std::move(core));
    }
  }
  return rows;
}

}  // namespace uwsgi::top
