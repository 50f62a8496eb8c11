// SPDX-License-Identifier: Apache-2.0
#include "request/front.h"

namespace uwsgi {
namespace {

void AddConstant(Front& front, CgiName id, std::string value) {
  front.constants.push_back({id, CgiText(id), front.texts.emplace_back(std::move(value))});
}

}  // namespace

Front MakeFront(int index, const Listener& listener, const RequestSpec& spec) {
  Front front;
  front.index = index;
  front.kind = listener.spec().protocol;
  front.protocol = &ProtocolOf(front.kind);
  front.spec = &spec;
  front.listener = &listener;
  if (front.kind == ListenerProtocol::kUwsgi) return front;
  front.expects_proxy_line = spec.proxy_protocol;
  AddConstant(front, CgiName::kScriptName, "");
  AddConstant(front, CgiName::kServerName, spec.server_name);
  AddConstant(front, CgiName::kServerPort,
              listener.port() != 0 ? fmt::format("{}", listener.port()) : "80");
  if (front.kind == ListenerProtocol::kHttp) {
    AddConstant(front, CgiName::kUwsgiRouter, "http");
    for (const auto& [name, value] : spec.http_vars) {
      const ByteView key = front.texts.emplace_back(name);
      front.constants.push_back({LookUpCgi(key), key, front.texts.emplace_back(value)});
    }
  }
  return front;
}

}  // namespace uwsgi
