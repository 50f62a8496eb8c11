// SPDX-License-Identifier: Apache-2.0
#include "process/emperor_stats.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/log.h"
#include "base/version.h"
#include "wire/json_writer.h"

namespace uwsgi {
namespace {

constexpr int64_t kPatience = 4'000'000;
constexpr size_t kMostClients = 64;

std::string CurrentDirectory() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

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

Result<std::unique_ptr<StatsDoor>> StatsDoor::Open(EventLoop& loop, const std::string& address,
                                                   const std::string& origin,
                                                   UniqueFunction<std::string()> text) {
  Listener listener =
      TRY(Listener::Bind({.address = address, .option = "emperor-stats", .origin = origin}));
  std::unique_ptr<StatsDoor> door(new StatsDoor(loop, std::move(listener), std::move(text)));
  door->watch_ = TRY(
      loop.Watch(door->listener_.fd(), kReadable, [it = door.get()](uint32_t) { it->Accept(); }));
  Log("*** Stats server enabled on {} fd: {} ***", address, door->listener_.fd());
  return door;
}

StatsDoor::~StatsDoor() {
  loop_.Unwatch(watch_);
  while (!clients_.empty()) Leave(clients_.begin()->first);
  [[maybe_unused]] const Status removed = listener_.RemoveFile();
}

void StatsDoor::Accept() {
  UniqueFd socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.valid() || clients_.size() >= kMostClients) return;
  const uint64_t id = ++last_id_;
  Client& client = clients_[id];
  client.socket = std::move(socket);
  client.left = text_();
  client.deadline = loop_.After(kPatience, [this, id] { Leave(id); });
  auto watch = loop_.Watch(client.socket.get(), kWritable, [this, id](uint32_t) { Give(id); });
  if (!watch) return Leave(id);
  client.watch = *watch;
}

void StatsDoor::Give(uint64_t id) {
  Client& client = clients_.at(id);
  const ssize_t sent =
      ::send(client.socket.get(), client.left.data(), client.left.size(), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent > 0) client.left.erase(0, static_cast<size_t>(sent));
  if (sent < 0 || client.left.empty()) Leave(id);
}

void StatsDoor::Leave(uint64_t id) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  loop_.Unwatch(client->second.watch);
  loop_.Cancel(client->second.deadline);
  clients_.erase(client);
}

}  // namespace uwsgi
