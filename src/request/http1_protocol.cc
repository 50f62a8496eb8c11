// SPDX-License-Identifier: Apache-2.0
#include "request/http1_protocol.h"

#include <charconv>

#include "base/strings.h"
#include "request/connection.h"
#include "wire/http1_writer.h"
#include "wire/proxy_protocol.h"
#include "wire/target.h"

namespace uwsgi {
namespace {

ByteView JoinInArena(Arena& arena, ByteView first, ByteView separator, ByteView second) {
  const size_t size = first.size() + separator.size() + second.size();
  char* const to = arena.Allocate(size);
  char* at = to + first.copy(to, first.size());
  at += separator.copy(at, separator.size());
  second.copy(at, second.size());
  return {to, size};
}

ByteView DecimalInArena(Arena& arena, unsigned value) {
  char* const to = arena.Allocate(12);
  return {to, static_cast<size_t>(std::to_chars(to, to + 12, value).ptr - to)};
}

// Repeated fields become one, in the order of arrival (RFC 9110 section 5.2); cookies have a
// separator of their own.
void AddField(Request& request, const HeaderField& field) {
  if (field.known != CgiName::kUnknown) {
    const Var* const earlier = request.vars.Find(field.known);
    if (earlier == nullptr) return request.vars.Set(field.known, field.value);
    const ByteView separator = field.known == CgiName::kHttpCookie ? "; " : ", ";
    return request.vars.Set(field.known,
                            JoinInArena(request.arena, earlier->value, separator, field.value));
  }
  char* const name = request.arena.Allocate(field.name.size() + 5);
  const ByteView key(name, FormatCgiName(field.name, name));
  const Var* const earlier = request.vars.FindByName(key);
  if (earlier == nullptr) return request.vars.Append(key, field.value);
  request.vars.SetByName(key, JoinInArena(request.arena, earlier->value, ", ", field.value));
}

// The target in origin form: what follows the authority of an absolute one (RFC 9112
// section 3.2.2).
ByteView OriginForm(Request& request, const HttpHead& head) {
  if (head.form != TargetForm::kAbsolute) return head.target;
  const char* const target_end = head.target.data() + head.target.size();
  const bool has_path = head.path.data() >= head.target.data() && head.path.data() < target_end;
  if (has_path) return {head.path.data(), static_cast<size_t>(target_end - head.path.data())};
  if (head.query.empty()) return "/";
  return JoinInArena(request.arena, "/", "?", head.query);
}

void SetScheme(const Connection& connection, Request& request) {
  request.trusts_peer = connection.peer_is_trusted();
  if (!request.trusts_peer) return;
  const ByteView forwarded = request.vars.Get(CgiName::kHttpXForwardedProto);
  const ByteView ssl = request.vars.Get(CgiName::kHttpXForwardedSsl);
  request.is_https =
      EqualsIgnoringCase(forwarded, "https") || EqualsIgnoringCase(ssl, "on") || ssl == "1";
  if (request.is_https) request.scheme = "https";
}

// False when the target's path cannot be decoded.
bool FillRequest(Connection& connection, Exchange& exchange) {
  const HttpHead& head = exchange.head;
  Request& request = exchange.request;
  VarTable& vars = request.vars;
  vars.SetConstants(connection.front().constants);
  vars.Set(CgiName::kRequestMethod, head.method);
  vars.Set(CgiName::kRequestUri, OriginForm(request, head));
  const auto path = DecodePath(head.path, request.arena.Allocate(head.path.size()));
  if (!path) return false;
  vars.Set(CgiName::kPathInfo, *path);
  vars.Set(CgiName::kQueryString, head.query);
  vars.Set(CgiName::kServerProtocol, head.version == HttpVersion::k11 ? "HTTP/1.1" : "HTTP/1.0");
  const ByteView peer = connection.peer_text();
  vars.Set(CgiName::kRemoteAddr, peer.empty() ? ByteView("0.0.0.0") : peer);
  if (connection.front().kind == ListenerProtocol::kHttp) {
    vars.Set(CgiName::kRemotePort, DecimalInArena(request.arena, connection.peer().port()));
  }
  for (const HeaderField& field : head.fields) AddField(request, field);
  if (!head.host.empty() && head.form == TargetForm::kAbsolute)
    vars.Set(CgiName::kHttpHost, head.host);
  request.is_head = head.method == "HEAD";
  SetScheme(connection, request);
  exchange.rules = ResponseRules{
      .version = head.version == HttpVersion::k11 ? "HTTP/1.1" : "HTTP/1.0",
      .is_http = true,
      .may_chunk = head.version == HttpVersion::k11,
      .keep_alive = head.keep_alive,
      .say_keep_alive = head.version == HttpVersion::k10 && head.keep_alive,
  };
  exchange.framing = head.framing;
  exchange.content_length = head.content_length;
  exchange.expects_continue = head.expects_continue && head.framing != BodyFraming::kNone;
  return true;
}

// The line that a balancer puts in front of the connection. Without it, or from a peer that is not
// trusted, nothing is served.
HeadOutcome ReadProxyLine(Connection& connection, Exchange& exchange) {
  ProxyHeader header;
  const ParseOutcome outcome = DecodeProxyHeader(exchange.input.view(), header);
  if (outcome.status == ParseStatus::kNeedMore) return HeadOutcome::kNeedMore;
  const bool allowed = connection.spec().trusted_proxies.empty() || connection.peer_is_trusted();
  if (outcome.status == ParseStatus::kError || !allowed) {
    LogRefusal(connection,
               allowed ? outcome.reason : "a PROXY line from a peer that is not trusted");
    return HeadOutcome::kDrop;
  }
  exchange.input.Consume(outcome.consumed);
  if (header.known) connection.set_peer(PeerAddress(header.source_address, header.source_port));
  connection.ProxyLineRead();
  return HeadOutcome::kRequest;
}

}  // namespace

HeadOutcome Http1Protocol::ReadHead(Connection& connection, Exchange& exchange) const {
  if (connection.awaits_proxy_line()) {
    const HeadOutcome proxy = ReadProxyLine(connection, exchange);
    if (proxy != HeadOutcome::kRequest) return proxy;
  }
  const HttpLimits limits{.max_head = connection.spec().head_limit};
  const ParseOutcome outcome = exchange.parser.Parse(exchange.input.view(), limits, exchange.head);
  switch (outcome.status) {
    case ParseStatus::kNeedMore:
      return HeadOutcome::kNeedMore;
    case ParseStatus::kError:
      connection.Refuse(ErrorResponse(outcome.error_status, true), outcome.reason);
      return HeadOutcome::kRefused;
    case ParseStatus::kComplete:
      break;
  }
  exchange.input.Consume(outcome.consumed);
  if (!FillRequest(connection, exchange)) {
    connection.Refuse(ErrorResponse(400, true), "bad escape in the target");
    return HeadOutcome::kRefused;
  }
  return HeadOutcome::kRequest;
}

}  // namespace uwsgi
