// SPDX-License-Identifier: Apache-2.0
#include "service/log_router.h"

#include <algorithm>

namespace uwsgi {

Result<LogRouter::Stream> LogRouter::MakeStream(const LogStreamSpec& spec, size_t first) {
  Stream stream;
  stream.spec = &spec;
  for (size_t i = 0; i < spec.loggers.size(); ++i) {
    if (spec.loggers[i].id.empty()) stream.unnamed.push_back(first + i);
  }
  if (stream.unnamed.empty()) stream.unnamed.push_back(kMain);
  for (const LogRouteSpec& route : spec.routes) {
    RouteRow row{TRY(Regex::Create(route.pattern)), {}};
    for (size_t i = 0; i < spec.loggers.size(); ++i) {
      if (spec.loggers[i].id == route.logger) row.loggers.push_back(first + i);
    }
    // compat: a route to nobody is no route.
    if (!row.loggers.empty()) stream.routes.push_back(std::move(row));
  }
  return stream;
}

Result<LogRouter> LogRouter::Create(const LogSpec& spec) {
  LogRouter router(spec);
  router.server_ = TRY(MakeStream(spec.server, 0));
  router.requests_ = TRY(MakeStream(spec.requests, spec.server.loggers.size()));
  router.has_request_loggers_ = !spec.requests.loggers.empty();
  for (const std::string& pattern : spec.drains) {
    router.drains_.push_back(TRY(Regex::Create(pattern)));
  }
  for (const std::string& pattern : spec.filters) {
    router.filters_.push_back(TRY(Regex::Create(pattern)));
  }
  return router;
}

bool LogRouter::IsUnwanted(std::string_view line) const {
  const auto matches = [line](const Regex& pattern) { return pattern.Matches(line); };
  if (std::any_of(drains_.begin(), drains_.end(), matches)) return true;
  return !filters_.empty() && std::none_of(filters_.begin(), filters_.end(), matches);
}

std::vector<LogRouter::Delivery> LogRouter::Route(LogStream kind, std::string_view message,
                                                  int64_t wall_us) const {
  const bool apart = kind == LogStream::kRequests && has_request_loggers_;
  const Stream& stream = apart ? requests_ : server_;
  const std::string_view line = message.substr(0, message.size() - 1);
  // compat: log-drain and log-filter are about the server's lines only.
  if (!apart && IsUnwanted(line)) return {};
  std::vector<Delivery> deliveries;
  for (const RouteRow& route : stream.routes) {
    if (!route.pattern.Matches(line)) continue;
    for (const size_t logger : route.loggers) {
      deliveries.push_back({logger, Encode(stream, logger, message, wall_us)});
    }
  }
  if (!deliveries.empty()) return deliveries;
  for (const size_t logger : stream.unnamed) {
    deliveries.push_back({logger, Encode(stream, logger, message, wall_us)});
  }
  return deliveries;
}

std::string LogRouter::Encode(size_t logger, std::string_view message, int64_t wall_us) const {
  const bool is_server = logger == kMain || logger < spec_->server.loggers.size();
  return Encode(is_server ? server_ : requests_, logger, message, wall_us);
}

std::string LogRouter::Encode(const Stream& stream, size_t logger, std::string_view message,
                              int64_t wall_us) const {
  std::string_view id;
  if (logger != kMain) {
    const size_t servers = spec_->server.loggers.size();
    id = logger < servers ? spec_->server.loggers[logger].id
                          : spec_->requests.loggers[logger - servers].id;
  }
  std::string encoded(message);
  for (const LogEncoder& encoder : stream.spec->encoders) {
    if (encoder.IsFor(id)) encoded = encoder.Encode(std::move(encoded), wall_us);
  }
  return encoded;
}

}  // namespace uwsgi
