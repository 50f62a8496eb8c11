// SPDX-License-Identifier: Apache-2.0
#include "config/implications.h"

#include <string_view>

#include "base/log.h"
#include "base/strings.h"
#include "config/parts.h"

namespace uwsgi {
namespace {

constexpr int64_t kSmallestBuffer = 4096;

struct Implication {
  bool Options::*implied;
  std::string_view names;  // any of these options switches it on
};

constexpr Implication kImplications[] = {
    {&Options::auto_procname,
     "procname procname-master procname-prefix procname-prefix-spaced procname-append"},
    {&Options::vhost, "vhost-host"},
    {&Options::lazy_apps, "lazy"},
    // compat: services that live in the master start one.
    {&Options::master,
     "alarm alarm-backlog alarm-fd alarm-log alarm-segfault attach-control-daemon attach-daemon "
     "attach-daemon2 "
     "brutal-reload-on-fd cache-store cache-udp-node cache-udp-server cheap cheaper cheaper-algo "
     "cheaper-initial "
     "cheaper-overload cheaper-rss-limit-hard cheaper-rss-limit-soft cheaper-step check-interval "
     "check-mountpoint cron "
     "legion-cron cron2 daemons-honour-stdin enable-metrics evil-reload-on-as evil-reload-on-rss "
     "exception-handler farm "
     "forkbomb-delay fs-brutal-reload fs-reload fs-signal idle legion legion-attach-daemon "
     "legion-death "
     "legion-death-on-lord-error legion-freq legion-join legion-lord legion-mcast legion-node "
     "legion-node-joined "
     "legion-node-left legion-quorum legion-scroll legion-setup legion-skew-tolerance "
     "legion-smart-attach-daemon "
     "legion-smart-attach-daemon2 legion-tolerance legion-unlord log-drain log-encoder log-filter "
     "log-master log-maxsize "
     "log-json log-req-encoder log-req-route log-route log-socket log-syslog logger req-logger "
     "master-fifo metric metric-alarm "
     "metric-threshold metrics-dir "
     "metrics-dir-restore metrics-no-cores mule mule-msg-size mules multicast not-alarm-log "
     "notify-socket queue-store "
     "py-auto-reload signal-rbtimer reload-on-fd setns-socket signal-timer smart-attach-daemon "
     "smart-attach-daemon2 spooler "
     "spooler-external ssl-sessions-use-cache static-cache-paths static-cache-paths-name stats "
     "stats-http stats-minified "
     "stats-no-cores stats-no-metrics stats-push stats-pusher-default-freq subscribe-to "
     "subscribe-with-modifier1 "
     "subscribe2 subscription-notify-socket subscriptions-credentials-check "
     "subscriptions-sign-check "
     "subscriptions-sign-check-tolerance subscriptions-sign-skip-uid threaded-logger "
     "touch-chain-reload touch-exec "
     "touch-logreopen touch-logrotate touch-mules-reload touch-reload touch-signal "
     "touch-spoolers-reload "
     "touch-workers-reload udp unique-cron unique-legion-cron zerg-server"},
};

// A flag that was switched off implies nothing.
bool IsOn(const Options& options, std::string_view name) {
  if (!options.IsSet(name)) return false;
  if (name == "vhost-host") return options.vhost_host;
  return name != "lazy" || options.lazy;
}

Status CheckParts(const Options& options) {
  for (const ListValue& given : options.plugins) {
    for (std::string_view word : Split(given.text, ',')) {
      const std::string_view part = Trim(word);
      if (part.empty() || IsBuiltInPart(part)) continue;
      if (given.option.starts_with("need-"))
        return Fail("unable to load plugin \"{}\" ({})", part, given.origin.text());
      Log("plugin \"{}\" ({}) is not part of this server and is left out", part,
          given.origin.text());
    }
  }
  return {};
}

}  // namespace

Status ApplyImplications(Options& options) {
  for (const Implication& implication : kImplications) {
    for (std::string_view name : SplitWords(implication.names)) {
      if (IsOn(options, name)) options.*implication.implied = true;
    }
  }
  if (options.buffer_size < kSmallestBuffer) {
    Log("buffer-size {} ({}) is raised to {}", options.buffer_size,
        options.OriginOf("buffer-size").text(), kSmallestBuffer);
    options.buffer_size = kSmallestBuffer;
  }
  return CheckParts(options);
}

}  // namespace uwsgi
