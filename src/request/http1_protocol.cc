// SPDX-License-Identifier: Apache-2.0
#include "request/http1_protocol.h"

#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "request/connection.h"
#include "request/forwarded.h"
#include "wire/http1_writer.h"
#include "wire/proxy_protocol.h"
#include "wire/target.h"

namespace uwsgi {
namespace {

ByteView DecimalInArena(Arena& arena, unsigned value) {
  char* const to = arena.Allocate(12);
  return {to, static_cast<size_t>(std::to_chars(to, to + 12, value).ptr - to)};
}

bool IsSameField(const HeaderField& one, const HeaderField& other) {
  if (one.known != other.known) return false;
  return one.known != CgiName::kUnknown || EqualsIgnoringCase(one.name, other.name);
}

// The values of all fields of this name, in the order of arrival; cookies have a separator of their
// own.
ByteView JoinValues(Arena& arena, const HeaderFields& fields, const HeaderField& like) {
  const ByteView separator = like.known == CgiName::kHttpCookie ? "; " : ", ";
  size_t size = 0;
  for (const HeaderField& field : fields) {
    if (IsSameField(field, like)) size += separator.size() + field.value.size();
  }
  char* const to = arena.Allocate(size);
  char* at = to;
  for (const HeaderField& field : fields) {
    if (!IsSameField(field, like)) continue;
    if (at != to) at += separator.copy(at, separator.size());
    at += field.value.copy(at, field.value.size());
  }
  return {to, static_cast<size_t>(at - to)};
}

// Repeated fields become one (RFC 9110 section 5.2), all of them when the second is met: joined one
// by one they would take memory by the square of their number. A variable that the operator has set
// (http-var) stays as it is.
void AddField(Request& request, const HeaderFields& fields, const HeaderField& field) {
  const bool is_known = field.known != CgiName::kUnknown;
  ByteView key;
  if (!is_known) {
    char* const name = request.arena.Allocate(field.name.size() + 5);
    key = {name, FormatCgiName(field.name, name)};
  }
  const Var* const earlier =
      is_known ? request.vars.Find(field.known) : request.vars.FindByName(key);
  if (earlier == nullptr) {
    return is_known ? request.vars.Set(field.known, field.value)
                    : request.vars.Append(key, field.value);
  }
  const auto is_earlier = [earlier](const Var& constant) { return &constant == earlier; };
  if (std::ranges::any_of(request.vars.constants(), is_earlier)) return;
  const auto is_same = [&field](const HeaderField& other) { return IsSameField(other, field); };
  const HeaderField* const first = std::find_if(fields.begin(), &field, is_same);
  const bool is_second = first == &field || std::find_if(first + 1, &field, is_same) == &field;
  if (!is_second) return;
  const ByteView all = JoinValues(request.arena, fields, field);
  is_known ? request.vars.Set(field.known, all) : request.vars.SetByName(key, all);
}

// The target in origin form: what follows the authority of an absolute one (RFC 9112
// section 3.2.2).
ByteView OriginForm(Request& request, const HttpHead& head) {
  if (head.form != TargetForm::kAbsolute) return head.target;
  const char* const target_end = head.target.data() + head.target.size();
  const bool has_path = head.path.data() >= head.target.data() && head.path.data() < target_end;
  if (has_path) return {head.path.data(), static_cast<size_t>(target_end - head.path.data())};
  if (head.query.empty()) return "/";
  char* const to = request.arena.Allocate(head.query.size() + 2);
  to[0] = '/';
  to[1] = '?';
  return {to, head.query.copy(to + 2, head.query.size()) + 2};
}

void SetScheme(const Connection& connection, Request& request) {
  request.trusts_peer = connection.peer_is_trusted();
  if (!IsForwardedAsHttps(connection, request)) return;
  request.is_https = true;
  request.scheme = "https";
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
  for (const HeaderField& field : head.fields) AddField(request, head.fields, field);
  if (!head.host.empty() && head.form == TargetForm::kAbsolute)
    vars.Set(CgiName::kHttpHost, head.host);
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
  exchange.input.Unpin();  // a request that moves to another worker begins behind the line
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
  if (outcome.status == ParseStatus::kNeedMore) return HeadOutcome::kNeedMore;
  exchange.request.is_head = exchange.head.method == "HEAD";  // also of a head that is refused
  if (outcome.status == ParseStatus::kError) {
    connection.Refuse(ErrorResponse(outcome.error_status, true), outcome.reason);
    return HeadOutcome::kRefused;
  }
  exchange.input.Consume(outcome.consumed);
  if (!FillRequest(connection, exchange)) {
    connection.Refuse(ErrorResponse(400, true), "bad escape in the target");
    return HeadOutcome::kRefused;
  }
  return HeadOutcome::kRequest;
}

}  // namespace uwsgi
