// SPDX-License-Identifier: Apache-2.0
#include "request/uwsgi_protocol.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "request/connection.h"
#include "request/forwarded.h"
#include "wire/cache_packet.h"
#include "wire/http1_writer.h"
#include "wire/rpc_packet.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

constexpr uint8_t kWebRequest = 0;
constexpr uint8_t kWebRequestUnderScriptName = 30;
constexpr uint8_t kPing = 100;
constexpr uint8_t kHttpRpc = 2;  // second modifier: its block has variables, as a request

// Variables with which a peer could make the server load code, change its environment or read
// files.
constexpr CgiName kCommandingVars[] = {
    CgiName::kUwsgiScript, CgiName::kUwsgiModule, CgiName::kUwsgiCallable,
    CgiName::kUwsgiFile,   CgiName::kUwsgiPyhome, CgiName::kUwsgiHome,
    CgiName::kUwsgiChdir,  CgiName::kUwsgiSetenv, CgiName::kUwsgiPostfile,
};

void RemoveCommandingVars(const Connection& connection, Request& request) {
  for (const CgiName name : kCommandingVars) {
    if (!request.vars.Has(name)) continue;
    LogRefusal(connection,
               fmt::format("the variable {} is not honoured (see dynamic-apps)", CgiText(name)));
    request.vars.Remove(name);
  }
}

// SERVER_PROTOCOL is echoed in the status line, so it must be a version and nothing else.
ByteView VersionOf(const Request& request) {
  const ByteView protocol = request.vars.Get(CgiName::kServerProtocol);
  if (protocol == "HTTP/1.1" || protocol == "HTTP/2.0" || protocol == "HTTP/3.0") return protocol;
  return "HTTP/1.0";
}

// compat: modifier 30, reference 20 section 7.3: SCRIPT_NAME is cut from the front of PATH_INFO.
void CutScriptName(Request& request) {
  const ByteView script = request.vars.Get(CgiName::kScriptName);
  const ByteView path = request.vars.Get(CgiName::kPathInfo);
  if (script.empty() || !path.starts_with(script)) return;
  const ByteView rest = path.substr(script.size());
  if (rest.empty() || rest.front() == '/') request.vars.Set(CgiName::kPathInfo, rest);
}

void SetScheme(const Connection& connection, Request& request) {
  const ByteView https = request.vars.Get(CgiName::kHttps);
  request.trusts_peer = true;  // a peer that speaks uwsgi is a front server of the operator's
  request.is_https = EqualsIgnoringCase(https.substr(0, 2), "on") || https.starts_with('1') ||
                     request.vars.Get(CgiName::kUwsgiScheme) == "https" ||
                     IsForwardedAsHttps(connection, request);
  if (request.is_https) request.scheme = "https";
}

HeadOutcome FillRequest(Connection& connection, Exchange& exchange, const UwsgiHeader& header,
                        ByteView block) {
  Request& request = exchange.request;
  request.modifier1 = header.modifier1;
  request.modifier2 = header.modifier2;
  const Status filled =
      ForEachVar(block, connection.spec().vars_limit,
                 [&request](ByteView key, ByteView value) { request.vars.SetByName(key, value); });
  if (!filled) {
    LogRefusal(connection, fmt::format("invalid uwsgi request: {}. skip.", filled.error().message));
    return HeadOutcome::kDrop;
  }
  if (!connection.spec().dynamic_apps) RemoveCommandingVars(connection, request);
  if (header.modifier1 == kWebRequestUnderScriptName) CutScriptName(request);
  SetScheme(connection, request);
  request.is_head = request.vars.Get(CgiName::kRequestMethod) == "HEAD";
  exchange.rules = ResponseRules{.version = VersionOf(request), .is_http = false};
  const ByteView length = request.vars.Get(CgiName::kContentLength);
  if (length.empty()) return HeadOutcome::kRequest;
  const auto bytes = ParseInt(length);
  if (!bytes) {
    connection.Refuse(ErrorResponse(400, true), "bad CONTENT_LENGTH");
    return HeadOutcome::kRefused;
  }
  exchange.framing = BodyFraming::kLength;
  exchange.content_length = static_cast<uint64_t>(*bytes);
  return HeadOutcome::kRequest;
}

bool IsNative(const Connection& connection, const UwsgiHeader& header) {
  const auto& served = connection.spec().native_modifiers;
  return std::ranges::find(served, header.modifier1) != served.end();
}

// A packet for the server itself: who answers it reads the block.
HeadOutcome FillNative(Connection& connection, Exchange& exchange, const UwsgiHeader& header,
                       ByteView block) {
  if (header.modifier1 == kRpcModifier && header.modifier2 == kHttpRpc)
    return FillRequest(connection, exchange, header, block);
  Request& request = exchange.request;
  request.modifier1 = header.modifier1;
  request.modifier2 = header.modifier2;
  request.block = block;
  exchange.rules = ResponseRules{.version = "HTTP/1.0", .is_http = false};
  if (header.modifier1 != kCacheModifier ||
      header.modifier2 != static_cast<uint8_t>(CacheRequest::kCommand))
    return HeadOutcome::kRequest;
  const auto command = ReadCacheCommand(block);
  if (!command) {
    LogRefusal(connection, fmt::format("invalid cache request: {}", command.error().message));
    return HeadOutcome::kDrop;
  }
  exchange.framing = BodyFraming::kLength;
  exchange.content_length = command->cmd == "get" ? 0 : command->size;
  return HeadOutcome::kRequest;
}

}  // namespace

HeadOutcome UwsgiProtocol::ReadHead(Connection& connection, Exchange& exchange) const {
  const auto header = ReadUwsgiHeader(exchange.input.view());
  if (!header) return HeadOutcome::kNeedMore;
  if (header->modifier1 == kPing) {
    Log("PING");
    connection.AnswerRaw(kUwsgiPong);
    return HeadOutcome::kRefused;
  }
  const bool is_native = IsNative(connection, *header);
  if (!is_native && header->modifier1 != kWebRequest &&
      header->modifier1 != kWebRequestUnderScriptName) {
    Log("-- unavailable modifier requested: {} --", header->modifier1);
    return HeadOutcome::kDrop;
  }
  if (header->size > connection.spec().head_limit) {
    Log("invalid request block size: {} (max {})...skip", header->size,
        connection.spec().head_limit);
    return HeadOutcome::kDrop;
  }
  if (header->size == 0 && !is_native) {
    Log("Empty python request. skip.");
    return HeadOutcome::kDrop;
  }
  const ByteView packet = exchange.input.view();
  if (packet.size() < kUwsgiHeaderSize + header->size) return HeadOutcome::kNeedMore;
  const ByteView block = packet.substr(kUwsgiHeaderSize, header->size);
  exchange.input.Consume(kUwsgiHeaderSize + header->size);
  return is_native ? FillNative(connection, exchange, *header, block)
                   : FillRequest(connection, exchange, *header, block);
}

}  // namespace uwsgi
