// SPDX-License-Identifier: Apache-2.0
#include "process/emperor_stats.h"

#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "wire/json_writer.h"

namespace uwsgi {
namespace {

constexpr StatsPatience kPatience{
    .silence = 200'000, .ask = 1'000'000, .take = 4'000'000, .in_all = 32'000'000};

void WriteVassal(JsonWriter& json, const std::string& name, const Vassal& vassal) {
  json.BeginObject();
  json.Text("id", name);
  json.Number("pid", vassal.pid);
  json.Number("born", vassal.born);
  json.Number("last_mod", vassal.file.modified_ns / 1'000'000'000);
  json.Number("last_heartbeat", vassal.last_heartbeat);
  json.Number("loyal", vassal.is_loyal ? 1 : 0);
  json.Number("ready", vassal.is_ready ? 1 : 0);
  json.Number("accepting", vassal.is_accepting ? 1 : 0);
  json.Number("last_loyal", vassal.last_loyal);
  json.Number("last_ready", vassal.last_ready);
  json.Number("last_accepting", vassal.last_accepting);
  json.Number("first_run", vassal.first_run);
  json.Number("last_run", vassal.last_run);
  json.Number("cursed", vassal.is_cursed ? 1 : 0);
  json.Number("zerg", 0);
  json.Text("on_demand", vassal.on_demand);
  json.Number("uid", vassal.file.uid);
  json.Number("gid", vassal.file.gid);
  json.Text("monitor", vassal.file.monitor);
  json.Number("respawns", vassal.respawns);
  json.EndObject();
}

void WriteBlacklist(JsonWriter& json, const VassalBlacklist& blacklist) {
  json.BeginList("blacklist");
  for (const auto& [name, entry] : blacklist.entries()) {
    json.BeginObject();
    json.Text("id", name);
    json.Number("throttle_level", entry.pause_us / 1000);
    json.Number("attempt", entry.attempts);
    json.Number("first_attempt", entry.first_failure);
    json.Number("last_attempt", entry.last_failure);
    json.EndObject();
  }
  json.EndList();
}

}  // namespace

std::string EmperorDocument(const EmperorSpec& spec, const std::map<std::string, Vassal>& vassals,
                            const VassalBlacklist& blacklist) {
  JsonWriter json(JsonStyle::kTabs, 1024 + vassals.size() * 512);
  json.BeginObject();
  json.Text("version", kVersion);
  json.Number("pid", ::getpid());
  json.Number("uid", ::getuid());
  json.Number("gid", ::getgid());
  json.Text("cwd", CurrentDirectory());
  json.BeginList("emperor");
  for (const VassalMonitor& monitor : spec.monitors) json.TextItem(monitor.text);
  json.EndList();
  json.Number("emperor_tyrant", spec.is_tyrant ? 1 : 0);
  json.Number("throttle_level", 0);
  json.BeginList("vassals");
  for (const auto& [name, vassal] : vassals) WriteVassal(json, name, vassal);
  json.EndList();
  WriteBlacklist(json, blacklist);
  json.EndObject();
  return std::move(json).Take();
}

// ---- The server ---------------------------------------------------------------------------------

Result<std::unique_ptr<EmperorStats>> EmperorStats::Open(EventLoop& loop,
                                                         const std::string& address,
                                                         const std::string& origin,
                                                         UniqueFunction<std::string()> document) {
  Listener listener =
      TRY(Listener::Bind({.address = address, .option = "emperor-stats", .origin = origin}));
  std::unique_ptr<EmperorStats> stats(new EmperorStats(std::move(listener), std::move(document)));
  stats->door_.emplace(
      loop, stats->listener_, kPatience,
      [it = stats.get()](const StatsRequest& request) { return it->Answer(request); });
  stats->door_->Open();
  Log("*** Stats server enabled on {} fd: {} ***", address, stats->listener_.fd());
  return stats;
}

EmperorStats::~EmperorStats() { [[maybe_unused]] const Status removed = listener_.RemoveFile(); }

StatsAnswer EmperorStats::Answer(const StatsRequest& request) {
  StatsAnswer answer;
  answer.body = std::make_shared<const std::string>(request.head_only ? "" : document_());
  if (request.kind != StatsRequest::Kind::kRaw) {
    answer.head = "HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n";
  }
  return answer;
}

}  // namespace uwsgi
