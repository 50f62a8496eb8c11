// SPDX-License-Identifier: Apache-2.0
#include "process/stats_request.h"

#include <algorithm>

#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr size_t kLongestMethod = 16;

struct Route {
  std::string_view path;
  StatsPage page;
};
constexpr Route kRoutes[] = {
    {"/stats", StatsPage::kJson},          {"/metrics", StatsPage::kMetrics},
    {"/healthz", StatsPage::kHealth},      {"/readyz", StatsPage::kReadiness},
    {"/favicon.ico", StatsPage::kNothing}, {"/dashboard", StatsPage::kDashboard},
};

bool AcceptsHtml(std::string_view head) {
  for (const std::string_view line : Split(head, '\n')) {
    const size_t colon = std::min(line.find(':'), line.size());
    if (EqualsIgnoringCase(line.substr(0, colon), "accept"))
      return ToLower(line).find("text/html") != std::string::npos;
  }
  return false;
}

// The page of a path. compat: any other path has the document; at / browsers get the page that is
// made for them.
StatsPage PageOf(std::string_view target, std::string_view head) {
  const std::string_view path = target.substr(0, target.find('?'));
  for (const Route& route : kRoutes) {
    if (route.path == path) return route.page;
  }
  return path == "/" && AcceptsHtml(head) ? StatsPage::kDashboard : StatsPage::kJson;
}

size_t MethodSize(std::string_view bytes) {
  size_t size = 0;
  while (size < bytes.size() && bytes[size] >= 'A' && bytes[size] <= 'Z') ++size;
  return size;
}

}  // namespace

StatsRequest ReadStatsRequest(std::string_view bytes) {
  StatsRequest request;
  if (bytes.empty()) return request;
  const size_t method = MethodSize(bytes);
  if (method == bytes.size() && method <= kLongestMethod) return request;
  if (method == 0 || method > kLongestMethod || bytes[method] != ' ') {
    request.kind = StatsRequest::Kind::kRaw;
    return request;
  }
  const bool complete = bytes.find("\r\n\r\n") != std::string_view::npos ||
                        bytes.find("\n\n") != std::string_view::npos;
  request.kind = complete ? StatsRequest::Kind::kComplete : StatsRequest::Kind::kPartial;
  request.head_only = bytes.substr(0, method) == "HEAD";
  const std::string_view line = bytes.substr(0, std::min(bytes.find('\n'), bytes.size()));
  const std::string_view rest = line.substr(method + 1);
  const std::string_view target = Trim(rest.substr(0, std::min(rest.find(' '), rest.size())));
  request.page = PageOf(target, bytes);
  return request;
}

}  // namespace uwsgi
