// SPDX-License-Identifier: Apache-2.0
#include "runtime/native_handlers.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"
#include "service/cache_client.h"
#include "service/rpc_table.h"
#include "service/signal_router.h"
#include "service/spoolers.h"
#include "wire/cache_packet.h"
#include "wire/rpc_packet.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

// Bytes of an answer without a head. What a slow client does not take waits in the connection; more
// than a fair part of it is waited for.
void Send(Response& response, ByteView bytes) {
  if (!response.started()) response.StartRaw();
  if (response.Write(bytes, {}) == SendOutcome::kOk && response.needs_room())
    response.WaitForRoom();
}

// The whole body of a request.
std::optional<std::string> ReadBody(Request& request) {
  std::string bytes(request.body.rest_in_memory());
  if (request.body.in_memory()) return bytes;
  char piece[65536];
  for (;;) {
    const auto got = request.body.Read(piece, sizeof piece);
    if (!got) return std::nullopt;
    if (*got == 0) return bytes;
    bytes.append(piece, *got);
  }
}

// --- cache

void SendValue(Response& response, CacheRequest kind, const std::optional<CacheValue>& value) {
  const bool fits = value && value->bytes.size() <= kMaxUwsgiBlock;
  if (!value || (kind == CacheRequest::kGet && !fits)) return response.Abandon();
  std::string head;
  AppendUwsgiHeader(
      head, {kCacheModifier, fits ? static_cast<uint16_t>(value->bytes.size()) : uint16_t{0},
             static_cast<uint8_t>(kind)});
  Send(response, head);
  Send(response, value->bytes);
}

// Another server's cache is its own business: nobody gets there through this one.
std::optional<CacheCommand> ReadLocalCommand(ByteView block) {
  const auto command = ReadCacheCommand(block);
  if (!command || CacheClient::IsRemote(command->cache)) return std::nullopt;
  return *command;
}

// 3 and 4: the key is a variable, the answer the bare value.
void GetByVar(const CacheClient& caches, Request& request, Response& response) {
  const auto command = ReadLocalCommand(request.block);
  if (!command) return response.Abandon();
  const bool by_http = !command->get.empty();
  const auto value = caches.Get(command->cache, by_http ? command->get : command->key);
  if (value) return Send(response, value->bytes);
  if (by_http) return response.Plain(404, "Not Found");
  response.Abandon();
}

void SetFromItems(const CacheClient& caches, ByteView block) {
  const auto items = ReadItems(block);
  if (items && items->size() >= 2)
    caches.Set({}, (*items)[0], (*items)[1], 0, Cache::SetMode::kAdd);
}

void Dump(const CacheClient& caches, ByteView name, Response& response) {
  Cache* const cache = caches.Local(name);
  if (cache == nullptr) return response.Abandon();
  std::string block;
  static_cast<void>(AppendVar(block, "items", std::to_string(cache->spec().items)));
  static_cast<void>(AppendVar(block, "blocksize", std::to_string(cache->spec().blocksize)));
  static_cast<void>(AppendVar(block, "format", "records"));
  std::string head;
  AppendUwsgiHeader(head, {kCacheModifier, static_cast<uint16_t>(block.size()),
                           static_cast<uint8_t>(CacheRequest::kDumpReply)});
  Send(response, head + block);
  cache->ForEach([&response](ByteView key, ByteView value, int64_t expires) {
    std::string record;
    AppendCacheRecord(record, {key, value, expires});
    Send(response, record);
  });
  std::string end;
  AppendCacheRecord(end, {});
  Send(response, end);
}

// The answer of a command; nullopt: it failed, and the connection closes without one.
using Answer = std::optional<CacheValue>;
Answer Succeeded(bool done) { return done ? Answer(CacheValue{}) : std::nullopt; }

// What does not fit is refused before it is read.
Answer Store(const CacheClient& caches, const CacheCommand& command, Request& request,
             Cache::SetMode mode) {
  const Cache* const cache = caches.Local(command.cache);
  if (cache == nullptr || command.size > cache->spec().longest_value()) return std::nullopt;
  const auto value = ReadBody(request);
  return Succeeded(value && caches.Set(command.cache, command.key, *value, command.expires, mode));
}

struct CommandRow {
  ByteView name;
  Answer (*run)(const CacheClient& caches, const CacheCommand& command, Request& request);
};

constexpr CommandRow kCommands[] = {
    {"get", [](const CacheClient& caches, const CacheCommand& command,
               Request&) { return caches.Get(command.cache, command.key); }},
    {"set", [](const CacheClient& caches, const CacheCommand& command,
               Request& request) { return Store(caches, command, request, Cache::SetMode::kAdd); }},
    {"update",
     [](const CacheClient& caches, const CacheCommand& command, Request& request) {
       return Store(caches, command, request, Cache::SetMode::kReplace);
     }},
    {"del", [](const CacheClient& caches, const CacheCommand& command,
               Request&) { return Succeeded(caches.Delete(command.cache, command.key)); }},
    {"exists", [](const CacheClient& caches, const CacheCommand& command,
                  Request&) { return Succeeded(caches.Exists(command.cache, command.key)); }},
    {"clear", [](const CacheClient& caches, const CacheCommand& command,
                 Request&) { return Succeeded(caches.Clear(command.cache)); }},
};

void RunCommand(const CacheClient& caches, Request& request, Response& response) {
  const auto command = ReadLocalCommand(request.block);
  if (!command) return response.Abandon();
  const auto* const row = std::ranges::find(kCommands, command->cmd, &CommandRow::name);
  if (row == std::end(kCommands)) return response.Abandon();
  const Answer answer = row->run(caches, *command, request);
  if (!answer) return response.Abandon();
  const auto packet =
      MakeCachePacket({.status = "ok", .expires = answer->expires, .size = answer->bytes.size()});
  if (!packet) return response.Abandon();
  Send(response, *packet);
  Send(response, answer->bytes);
}

}  // namespace

void HandleCachePacket(const Services& services, Request& request, Response& response) {
  const CacheClient caches(services.caches);
  const auto kind = static_cast<CacheRequest>(request.modifier2);
  switch (kind) {
    case CacheRequest::kGet:
    case CacheRequest::kGetStreamed:
      return SendValue(response, kind, caches.Get({}, request.block));
    case CacheRequest::kSet:
      SetFromItems(caches, request.block);
      return response.Abandon();
    case CacheRequest::kDelete:
      caches.Delete({}, request.block);
      return response.Abandon();
    case CacheRequest::kGetByVar:
    case CacheRequest::kGetByVarToo:
      return GetByVar(caches, request, response);
    case CacheRequest::kDump:
      return Dump(caches, request.block, response);
    case CacheRequest::kCommand:
      return RunCommand(caches, request, response);
    default:
      return response.Abandon();
  }
}

// --- RPC

namespace {

void AnswerByHttp(const RpcTable& table, Request& request, Response& response) {
  const auto call = ReadRpcPath(request.vars.Get(CgiName::kPathInfo));
  const auto result = call ? table.Call(call->name, call->args) : std::nullopt;
  if (!result) return response.Plain(404, "Not Found");
  const ByteView accept = request.vars.Get(CgiName::kHttpAccept);
  static_cast<void>(response.Start("200 OK"));
  static_cast<void>(
      response.AddHeader("Content-Type", accept.empty() ? ByteView("application/binary") : accept));
  static_cast<void>(response.AddHeader("Content-Length", fmt::to_string(result->size())));
  response.Write(*result, {});
}

}  // namespace

void HandleRpcPacket(const Services& services, Request& request, Response& response) {
  if (services.rpc == nullptr) return response.Abandon();
  const auto kind = static_cast<RpcRequest>(request.modifier2);
  if (kind == RpcRequest::kHttpCall) return AnswerByHttp(*services.rpc, request, response);
  const auto call = ReadRpcCall(request.block);
  if (!call || (kind != RpcRequest::kCall && kind != RpcRequest::kRawCall))
    return response.Abandon();
  const auto result = services.rpc->Call(call->name, call->args);
  if (!result) return response.Abandon();
  if (kind == RpcRequest::kCall) Send(response, MakeRpcReplyHead(result->size()));
  Send(response, *result);
}

// --- signals and tasks: second modifier of the former, block of the latter

void HandleSignalPacket(const Services& services, Request& request, Response& response) {
  const bool sent = services.signals != nullptr && services.signals->Send(request.modifier2);
  Send(response, sent ? kUwsgiStatusOk : kUwsgiStatusFail);
}

void HandleSpoolPacket(const Services& services, Request& request, Response& response) {
  if (services.spoolers == nullptr) return Send(response, kUwsgiStatusFail);
  const auto path = services.spoolers->EnqueueRemote(request.block);
  if (!path) Log("unable to spool a task from the network: {}", path.error().text());
  Send(response, path ? kUwsgiStatusOk : kUwsgiStatusFail);
}

}  // namespace uwsgi
