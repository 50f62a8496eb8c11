// SPDX-License-Identifier: Apache-2.0
#include "net/net_plan.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/log.h"
#include "base/strings.h"
#include "config/options.h"
#include "net/address.h"

namespace uwsgi {

namespace {

// The protocols that `protocol` may name; each option of its own has one.
Result<ListenerProtocol> FindProtocol(std::string_view name) {
  if (name == "uwsgi") return ListenerProtocol::kUwsgi;
  if (name == "http") return ListenerProtocol::kHttpSocket;
  if (name == "http11") return ListenerProtocol::kHttp11Socket;
  return Fail("unable to find protocol {}", name);
}

// 0 for the kernel's maximum, which is also what nobody asked for anything gets: a short queue only
// loses connections.
Result<int> PlanBacklog(const Options& options) {
  if (!options.IsSet("listen")) return 0;
  if (options.listen < 1) {
    return Fail("listen: not a number of connections: {} [{}]", options.listen,
                options.OriginOf("listen").text());
  }
  const int limit = SystemBacklogLimit();
  if (options.listen <= limit) return static_cast<int>(options.listen);
  Log("Listen queue size is greater than the system max net.core.somaxconn ({}). Using {} [{}].",
      limit, limit, options.OriginOf("listen").text());
  return 0;
}

// What all listeners have in common.
Result<ListenerSpec> PlanCommon(const Options& options) {
  return ListenerSpec{
      .backlog = TRY(PlanBacklog(options)),
      .chmod = PlanSocketMode(options),
      .chown = options.chown_socket,
      .reuse_port = options.reuse_port,
      .freebind = options.freebind,
      .so_keepalive = options.so_keepalive,
      .sndbuf = static_cast<int>(options.socket_sndbuf),
      .rcvbuf = static_cast<int>(options.socket_rcvbuf),
  };
}

bool IsUnixPath(std::string_view address) {
  return address.find(':') == std::string_view::npos && !StartsWith(address, "=") &&
         !StartsWith(address, "@") && !StartsWith(address, "\\0");
}

struct Group {
  const ListOption* values;
  ListenerProtocol protocol;
  bool is_shared = false;
};

Result<ListenerSpec> PlanOne(const Options& options, const ListenerSpec& common,
                             const ListValue& value) {
  ListenerSpec spec = common;
  spec.address = value.text;
  spec.option = value.option;
  spec.origin = value.origin.text();
  if (options.abstract_socket && IsUnixPath(spec.address)) spec.address.insert(0, "@");
  if (StartsWith(spec.address, "=")) {
    const auto parsed = ParseListenAddress(spec.address);
    if (!parsed) return Fail("{} {}", parsed.error().text(), Where(spec));
    spec.shared_index = parsed->number;
  }
  return spec;
}

// Adds the listeners of some options in the order in which the values were given.
Status AddGroups(const Options& options, const ListenerSpec& common,
                 std::initializer_list<Group> groups, std::vector<ListenerSpec>& to) {
  std::vector<std::pair<const ListValue*, const Group*>> all;
  for (const Group& group : groups) {
    for (const ListValue& value : *group.values) all.emplace_back(&value, &group);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first->order < b.first->order; });
  for (const auto& [value, group] : all) {
    ListenerSpec spec = TRY(PlanOne(options, common, *value));
    spec.protocol = group->protocol;
    spec.is_shared = group->is_shared;
    to.push_back(std::move(spec));
  }
  return {};
}

}  // namespace

Result<std::vector<ListenerSpec>> PlanListeners(const Options& options) {
  using Protocol = ListenerProtocol;
  const ListenerSpec common = TRY(PlanCommon(options));
  const Protocol usual = TRY(FindProtocol(options.protocol));
  std::vector<ListenerSpec> specs;
  TRY_STATUS(AddGroups(
      options, common,
      {{&options.shared_socket, usual, true}, {&options.undeferred_shared_socket, usual, true}},
      specs));
  TRY_STATUS(AddGroups(options, common, {{&options.http, Protocol::kHttp}}, specs));
  TRY_STATUS(AddGroups(options, common,
                       {{&options.socket, usual},
                        {&options.uwsgi_socket, Protocol::kUwsgi},
                        {&options.http_socket, Protocol::kHttpSocket},
                        {&options.http11_socket, Protocol::kHttp11Socket}},
                       specs));
  return specs;
}

int PlanSocketMode(const Options& options) {
  if (!options.chmod_socket) return -1;
  const std::string& digits = *options.chmod_socket;
  return digits.empty() || digits == "1"
             ? 0666
             : static_cast<int>(std::strtol(digits.c_str(), nullptr, 8));
}

Result<ListenerSpec> PlanInheritedListener(const Options& options) {
  return ListenerSpec{.protocol = TRY(FindProtocol(options.protocol)),
                      .option = "inherited socket"};
}

}  // namespace uwsgi
