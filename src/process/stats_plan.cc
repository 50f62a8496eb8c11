// SPDX-License-Identifier: Apache-2.0
#include "process/stats_plan.h"

#include <optional>

#include "base/strings.h"
#include "config/options.h"
#include "net/net_plan.h"
#include "service/metrics_plan.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

struct PushName {
  std::string_view name;
  PushKind kind;
};
constexpr PushName kPushNames[] = {
    {"file", PushKind::kFile}, {"socket", PushKind::kSocket}, {"statsd", PushKind::kStatsd}};

std::optional<PushKind> FindPushKind(std::string_view name) {
  for (const PushName& row : kPushNames) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

Result<SocketAddress> AddressOf(std::string_view text, const ListValue& value) {
  auto address = ParseSocketAddress(text);
  if (!address)
    return Fail("{} = {}: {} ({})", value.option, value.text, address.error().text(),
                value.origin.text());
  return *address;
}

// path=F,freq=S,separator=T; a text without a key is the path.
Status ReadFileArguments(std::string_view arguments, const ListValue& value, PushSpec& spec) {
  spec.path = "uwsgi.stats";
  if (arguments.empty()) return {};
  for (const std::string_view part : Split(arguments, ',')) {
    const size_t equals = part.find('=');
    const std::string_view key = equals == std::string_view::npos ? "path" : part.substr(0, equals);
    const std::string_view text = equals == std::string_view::npos ? part : part.substr(equals + 1);
    if (key == "path") {
      spec.path = text;
    } else if (key == "separator") {
      spec.separator = text;
    } else if (key == "freq") {
      const auto seconds = ParseInt(text);
      if (!seconds || *seconds < 1 || *seconds > INT32_MAX)
        return Fail("{} = {}: freq is not a number of seconds ({})", value.option, value.text,
                    value.origin.text());
      spec.every_s = *seconds;
    } else {
      return Fail("{} = {}: it has no key \"{}\" ({})", value.option, value.text, key,
                  value.origin.text());
    }
  }
  return {};
}

Result<PushSpec> PlanPush(const ListValue& value, const Options& options) {
  const std::string_view text = value.text;
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view arguments = text.substr(std::min(colon + 1, text.size()));
  const auto kind = FindPushKind(text.substr(0, colon));
  if (!kind)
    return Fail("unable to find \"{}\" stats_pusher ({})", text.substr(0, colon),
                value.origin.text());
  PushSpec spec;
  spec.kind = *kind;
  spec.every_s = std::max<int64_t>(options.stats_pusher_default_freq, 1);
  spec.all_gauges = options.statsd_all_gauges;
  if (spec.kind == PushKind::kFile) {
    TRY_STATUS(ReadFileArguments(arguments, value, spec));
    return spec;
  }
  const size_t comma = std::min(arguments.find(','), arguments.size());
  spec.address = TRY(AddressOf(arguments.substr(0, comma), value));
  if (comma < arguments.size()) spec.prefix = arguments.substr(comma + 1);
  return spec;
}

Result<CarbonSpec> PlanCarbon(const Options& options) {
  CarbonSpec spec;
  for (const ListValue& value : options.carbon) {
    spec.addresses.push_back(TRY(AddressOf(value.text, value)));
    spec.servers.push_back(value.text);
  }
  spec.every_s = std::max<int64_t>(options.carbon_freq, 1);
  spec.timeout_s = std::max<int64_t>(options.carbon_timeout, 1);
  spec.most_retries = options.carbon_max_retry;
  spec.retry_delay_s = std::max<int64_t>(options.carbon_retry_delay, 1);
  if (!options.carbon_root.empty()) spec.root = options.carbon_root;
  spec.id = options.carbon_id;
  spec.host_dots = options.carbon_hostname_dots;
  spec.with_workers = !options.carbon_no_workers;
  spec.with_metrics = options.carbon_use_metrics;
  return spec;
}

ListenerSpec PlanListener(const Options& options) {
  ListenerSpec spec;
  spec.protocol = ListenerProtocol::kHttp;
  spec.address = options.stats;
  spec.option = "stats";
  spec.origin = options.OriginOf("stats").text();
  spec.chmod = PlanSocketMode(options);
  spec.chown = options.chown_socket;
  spec.freebind = options.freebind;
  return spec;
}

}  // namespace

Result<StatsSpec> PlanStats(const Options& options) {
  StatsSpec spec;
  spec.is_served = !options.stats.empty();
  if (spec.is_served) spec.listener = PlanListener(options);
  spec.speaks_http = options.stats_http;
  if (options.stats_minified) spec.style = JsonStyle::kMinified;
  spec.with_cores = !options.stats_no_cores;
  spec.with_metrics = !options.stats_no_metrics;
  spec.vacuum = options.vacuum;
  spec.client_timeout_us = std::max<int64_t>(options.socket_timeout, 1) * kSecond;
  spec.busy_threshold_us = options.ready_busy_threshold * kSecond;
  for (const ListValue& value : options.stats_push)
    spec.pushers.push_back(TRY(PlanPush(value, options)));
  spec.carbon = TRY(PlanCarbon(options));
  spec.metrics = TRY(PlanMetrics(options));
  return spec;
}

}  // namespace uwsgi
