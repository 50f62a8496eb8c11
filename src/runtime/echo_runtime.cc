// SPDX-License-Identifier: Apache-2.0
#include "runtime/echo_runtime.h"

namespace uwsgi {

std::vector<AppInfo> EchoRuntime::apps() const {
  return {{.id = 0, .mountpoint = "", .requests = requests_.load()}};
}

RequestResult EchoRuntime::Handle(int, Request& request, Response& response) {
  ++requests_;
  request.app = 0;
  std::string body(request.vars.Get(CgiName::kRequestMethod));
  body.append(" ").append(request.vars.Get(CgiName::kPathInfo)).append("\n");
  char chunk[4096];
  while (!request.body.AtEnd()) {
    const auto got = request.body.Read(chunk, sizeof chunk);
    if (!got) {
      response.Fail(400);
      return {};
    }
    body.append(chunk, *got);
  }
  if (!response.Start("200 OK") || !response.AddHeader("Content-Type", "text/plain"))
    return {.raised = true};
  response.SetBodyLength(body.size());
  response.Write(body, {});
  return {};
}

}  // namespace uwsgi
