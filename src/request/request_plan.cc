// SPDX-License-Identifier: Apache-2.0
#include "request/request_plan.h"

#include <algorithm>

#include "base/host_name.h"
#include "base/log.h"
#include "base/strings.h"
#include "config/options.h"
#include "wire/http1_writer.h"

namespace uwsgi {
namespace {

constexpr uint64_t kBodyInMemory = 65536;
constexpr uint64_t kMostVars = 512;

// compat: flags that want a value.
bool IsOn(std::string_view value) {
  return !value.empty() && value != "false" && value != "off" && value != "no" && value != "0";
}

AccessLogSpec PlanAccessLog(const Options& options) {
  AccessLogSpec log;
  log.enabled = !options.disable_logging;
  log.log_4xx = options.log_4xx;
  log.log_5xx = options.log_5xx;
  log.log_zero = options.log_zero;
  if (options.log_slow > 0) log.slow_ms = options.log_slow;
  if (options.log_big > 0) log.big_bytes = options.log_big;
  log.sendfile = IsOn(options.log_sendfile);
  log.ioerror = IsOn(options.log_ioerror);
  log.json = options.log_json;
  log.micros = options.log_micros;
  log.forwarded_for = options.log_x_forwarded_for;
  log.host_first = options.vhost;
  log.memory = options.memory_report;
  log.format = options.log_format;
  log.format_strftime = options.log_format_strftime;
  log.date_format = options.log_date.value_or("");
  return log;
}

void PlanTimeouts(const Options& options, RequestSpec& spec) {
  const int64_t http = options.http_timeout * 1000;
  spec.socket_timeout_ms = options.socket_timeout * 1000;
  spec.head_timeout_ms =
      options.http_headers_timeout > 0 ? options.http_headers_timeout * 1000 : http;
  const int64_t keepalive = options.http_keepalive.value_or(0);
  spec.keepalive_timeout_ms = keepalive > 1 ? keepalive * 1000 : http;
  spec.body_timeout_ms = std::max(http, spec.socket_timeout_ms);
  spec.write_timeout_ms = std::max(http, spec.socket_timeout_ms);
}

Status PlanHeaders(const Options& options, RequestSpec& spec) {
  for (const ListValue& header : options.add_header) {
    const size_t colon = header.text.find(':');
    const std::string_view name = Trim(std::string_view(header.text).substr(0, colon));
    const std::string_view value =
        colon == std::string::npos ? "" : Trim(std::string_view(header.text).substr(colon + 1));
    if (colon == std::string::npos || !IsValidFieldName(name) || !IsValidFieldValue(value)) {
      return Fail(
          "invalid value for option \"add-header\": \"{}\" is not a header line (Name: value) ({})",
          header.text, header.origin.text());
    }
    spec.add_headers.push_back(fmt::format("{}: {}", name, value));
  }
  for (const ListValue& var : options.http_var) {
    const size_t equals = var.text.find('=');
    spec.http_vars.emplace_back(var.text.substr(0, equals),
                                equals == std::string::npos ? "" : var.text.substr(equals + 1));
  }
  return {};
}

// What answers these packets is in runtime/modifier_table.
constexpr uint8_t kSpoolModifier = 17;
// The words of remote-services.
constexpr std::pair<std::string_view, uint8_t> kRemoteServices[] = {
    {"cache", 111},
    {"rpc", 173},
    {"signal", 110},
};

Status PlanRemoteServices(const Options& options, RequestSpec& spec) {
  if (options.spooler_remote) spec.native_modifiers.push_back(kSpoolModifier);
  for (const ListValue& given : options.remote_services) {
    for (const std::string_view part : Split(given.text, ',')) {
      const auto* const row = std::ranges::find(kRemoteServices, Trim(part),
                                                &std::pair<std::string_view, uint8_t>::first);
      if (row == std::end(kRemoteServices)) {
        return Fail("remote-services = {}: there are cache, rpc and signal ({})", given.text,
                    given.origin.text());
      }
      spec.native_modifiers.push_back(row->second);
    }
  }
  return {};
}

}  // namespace

Result<RequestSpec> PlanRequests(const Options& options) {
  RequestSpec spec;
  spec.head_limit = static_cast<uint64_t>(options.buffer_size);
  spec.vars_limit =
      options.IsSet("max-vars") ? static_cast<uint64_t>(options.max_vars) * 2 : kMostVars;
  spec.body_limit = static_cast<uint64_t>(options.limit_post);
  spec.post_buffering = options.post_buffering > 0;
  spec.body_in_memory =
      spec.post_buffering ? static_cast<uint64_t>(options.post_buffering) : kBodyInMemory;
  spec.response_headers_limit = static_cast<uint64_t>(options.response_headers_limit);
  PlanTimeouts(options, spec);
  spec.ignore_write_errors = options.ignore_write_errors;
  spec.sendfile = !options.disable_sendfile;
  spec.server_name = HostName();
  spec.dynamic_apps = options.dynamic_apps;
  spec.log = PlanAccessLog(options);
  TRY_STATUS(PlanHeaders(options, spec));
  TRY_STATUS(PlanRemoteServices(options, spec));
  for (const ListValue& proxy : options.http_trusted_proxy) {
    if (const Status added = spec.trusted_proxies.Add(proxy.text); !added) {
      return Fail("invalid value for option \"{}\": {} ({})", proxy.option, added.error().message,
                  proxy.origin.text());
    }
  }
  spec.proxy_protocol = options.enable_proxy_protocol || options.http_enable_proxy_protocol;
  if (spec.proxy_protocol && spec.trusted_proxies.empty()) {
    Log("*** WARNING: the PROXY protocol is accepted from every peer: name your balancers with "
        "trusted-proxy ***");
  }
  return spec;
}

}  // namespace uwsgi
