// SPDX-License-Identifier: Apache-2.0
#include "process/process_plan.h"

#include <signal.h>

#include <algorithm>
#include <string_view>

#include "base/strings.h"
#include "process/capabilities.h"
#include "process/cheaper_plan.h"
#include "process/control_plan.h"
#include "process/daemon_plan.h"
#include "process/hook_plan.h"
#include "process/master_signals.h"
#include "service/log_plan.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
// Ctrl-C in a terminal: running requests get this long unless reload-mercy says otherwise.
constexpr int64_t kPromptMercySeconds = 5;

constexpr int64_t kDaemonMercySeconds = 3;

Result<std::optional<int>> PlanPriority(const Options& options) {
  if (options.prio.empty()) return std::nullopt;
  const bool is_negative = options.prio[0] == '-';
  const auto number = ParseInt(std::string_view(options.prio).substr(is_negative ? 1 : 0));
  if (!number || *number > 20) {
    return Fail("prio = {}: a number from -20 to 19 is expected ({})", options.prio,
                options.OriginOf("prio").text());
  }
  return static_cast<int>(is_negative ? -*number : *number);
}

TitleSpec PlanTitles(const Options& options) {
  TitleSpec titles;
  titles.enabled = options.auto_procname;
  titles.name = options.procname;
  titles.master_name = options.procname_master;
  titles.prefix = options.procname_prefix;
  if (!options.procname_prefix_spaced.empty()) titles.prefix = options.procname_prefix_spaced + " ";
  titles.suffix = options.procname_append;
  return titles;
}

RecycleSpec PlanRecycling(const Options& options) {
  RecycleSpec spec;
  spec.min_lifetime_us = options.min_worker_lifetime * kSecond;
  spec.max_lifetime_us = options.max_worker_lifetime * kSecond;
  spec.max_lifetime_delta_us = options.max_worker_lifetime_delta * kSecond;
  spec.address_space = static_cast<uint64_t>(options.reload_on_as);
  spec.resident = static_cast<uint64_t>(options.reload_on_rss);
  spec.evil_address_space = static_cast<uint64_t>(options.evil_reload_on_as);
  spec.evil_resident = static_cast<uint64_t>(options.evil_reload_on_rss);
  spec.memory_period_us = std::max<int64_t>(options.mem_collector_freq, 1) * kSecond;
  return spec;
}

Result<SupervisionSpec> PlanSupervision(const Options& options) {
  if (options.max_worker_lifetime > 0 &&
      options.max_worker_lifetime <= options.min_worker_lifetime) {
    return Fail("max-worker-lifetime = {} must be above min-worker-lifetime ({}) ({})",
                options.max_worker_lifetime, options.min_worker_lifetime,
                options.OriginOf("max-worker-lifetime").text());
  }
  SupervisionSpec spec;
  spec.processes = static_cast<int>(options.processes);
  spec.threads = static_cast<int>(options.threads);
  spec.has_master = options.master;
  spec.lazy_apps = options.lazy_apps;
  spec.need_app = options.need_app;
  spec.exit_on_reload = options.exit_on_reload;
  spec.no_orphans = options.no_orphans;
  spec.worker_directory = options.chdir2;
  spec.worker_mercy_us = options.worker_reload_mercy * kSecond;
  spec.prompt_mercy_us =
      (options.reload_mercy > 0 ? options.reload_mercy : kPromptMercySeconds) * kSecond;
  spec.harakiri_us = options.harakiri * kSecond;
  spec.harakiri_grace_us = options.harakiri_graceful_timeout * kSecond;
  spec.recycle = PlanRecycling(options);
  spec.scaling = TRY(PlanScaling(options));
  spec.lazy = options.lazy;
  spec.cheap = options.cheap;
  spec.idle_us = options.idle * kSecond;
  spec.die_on_idle = options.die_on_idle;
  spec.shows_memory = options.memory_report || options.IsSet("stats");
  spec.look_period_us = std::max<int64_t>(options.check_interval, 1) * kSecond;
  // compat: forkbomb-delay 0 switches the pauses off.
  if (options.forkbomb_delay == 0) spec.pause_base_s = 0;
  spec.cpus_per_worker = static_cast<int>(options.cpu_affinity);
  spec.titles = PlanTitles(options);
  return spec;
}

LogFileSpec PlanLogFile(const Options& options, const std::string& path) {
  return {.path = path, .truncate = options.log_truncate, .mode = options.logfile_chmod};
}

// What asks for the latest point decides.
DropPoint PlanDropPoint(const Options& options) {
  if (options.master_as_root) return options.master ? DropPoint::kInWorkers : DropPoint::kAfterApps;
  if (options.drop_after_apps) return DropPoint::kAfterApps;
  if (options.drop_after_init) return DropPoint::kAfterInit;
  if (!options.chown_socket.empty() || !options.shared_socket.empty()) return DropPoint::kAfterBind;
  return DropPoint::kBeforeBind;
}

Result<IdentitySpec> PlanIdentity(const Options& options) {
  IdentitySpec identity;
  identity.user = options.uid;
  identity.group = options.gid;
  for (const ListValue& group : options.add_gid) identity.more_groups.push_back(group.text);
  identity.init_groups = !options.no_initgroups;
  identity.drop_point = PlanDropPoint(options);
  identity.immediate_user = options.immediate_uid;
  identity.immediate_group = options.immediate_gid;
  identity.jail = options.chroot;
  if (!options.cap.empty()) identity.capabilities = TRY(ParseCapabilities(options.cap));
  return identity;
}

std::vector<NamedFile> PlanNamedFiles(const Options& options) {
  const std::pair<std::string_view, const std::string&> named[] = {
      {"daemonize", options.daemonize},
      {"daemonize2", options.daemonize2},
      {"logto", options.logto},
      {"logto2", options.logto2},
      {"pidfile", options.pidfile},
      {"pidfile2", options.pidfile2},
      {"safe-pidfile", options.safe_pidfile},
      {"safe-pidfile2", options.safe_pidfile2},
      {"chdir", options.chdir},
  };
  std::vector<NamedFile> files;
  for (const auto& [option, path] : named) {
    if (!path.empty())
      files.push_back({path, std::string(option), options.OriginOf(option).text()});
  }
  return files;
}

Result<StartUpSpec> PlanStartUp(const Options& options) {
  StartUpSpec spec;
  for (const ListValue& variable : options.env) spec.environment.push_back(variable.text);
  for (const ListValue& directory : options.envdirs)
    spec.environment_directories.push_back(directory.text);
  for (const ListValue& variable : options.unenv) spec.removed_environment.push_back(variable.text);
  spec.umask = options.umask;
  spec.daemonize = !options.daemonize.empty() || !options.daemonize2.empty();
  spec.daemonize_after_load = options.daemonize.empty() && !options.daemonize2.empty();
  // An address is a logger.
  std::string log = IsLogAddress(options.logto) ? "" : options.logto;
  if (!options.daemonize2.empty()) log = options.daemonize2;
  if (!options.daemonize.empty()) log = options.daemonize;
  spec.log = PlanLogFile(options, log);
  spec.log_after_drop = PlanLogFile(options, options.logto2);
  spec.log_to_identity = options.logfile_chown;
  spec.log_reopen = options.log_reopen;
  spec.directory = options.chdir;
  spec.waits = PlanWaits(options);
  spec.identity = TRY(PlanIdentity(options));
  spec.limits = {.max_fd = options.max_fd,
                 .address_space_bytes = options.limit_as,
                 .processes = options.limit_nproc};
  spec.pidfiles = {options.pidfile, options.pidfile2, options.safe_pidfile, options.safe_pidfile2};
  spec.vacuum = options.vacuum;
  spec.named_files = PlanNamedFiles(options);
  return spec;
}

}  // namespace

Result<ProcessSpec> PlanProcesses(const Options& options) {
  for (const ListValue& variable : options.env) {
    if (variable.text.find('=') == std::string::npos) {
      return Fail("env = {}: NAME=VALUE is expected ({})", variable.text, variable.origin.text());
    }
  }
  ProcessSpec spec;
  spec.supervision = TRY(PlanSupervision(options));
  spec.start_up = TRY(PlanStartUp(options));
  spec.emperor = TRY(PlanEmperor(options));
  spec.vassal.heartbeat_us = options.heartbeat * kSecond;
  spec.hooks = TRY(PlanHooks(options));
  spec.fifos = TRY(PlanFifos(options));
  spec.touches = TRY(PlanTouches(options));
  spec.fd_reloads = TRY(PlanFdReloads(options));
  spec.stats = TRY(PlanStats(options));
  spec.daemons = TRY(PlanDaemons(options));
  spec.daemon_mercy_us =
      (options.reload_mercy > 0 ? options.reload_mercy : kDaemonMercySeconds) * kSecond;
  spec.stop_delay_us = options.shutdown_delay * kSecond;
  spec.start_up.limits.priority = TRY(PlanPriority(options));
  return spec;
}

bool WorksWithoutSockets(const Options& options) {
  constexpr std::string_view kWork[] = {"emperor",
                                        "spooler",
                                        "spooler-external",
                                        "mule",
                                        "mules",
                                        "farm",
                                        "cron",
                                        "cron2",
                                        "unique-cron",
                                        "legion-cron",
                                        "unique-legion-cron",
                                        "attach-daemon",
                                        "attach-daemon2",
                                        "attach-control-daemon",
                                        "smart-attach-daemon",
                                        "smart-attach-daemon2"};
  return std::ranges::any_of(kWork, [&](std::string_view name) { return options.IsSet(name); });
}

LogStyle PlanLogStyle(const Options& options) {
  // compat: log-prefix is another name of log-date, and both take a strftime format.
  const auto& format = options.log_date ? options.log_date : options.log_prefix;
  if (options.log_json) return {.json = true};
  if (!format) return {};
  for (const std::string_view off : {"false", "off", "no", "0"}) {
    if (*format == off) return {};
  }
  for (const std::string_view on : {"", "true", "on", "yes", "1"}) {
    if (*format == on) return {.stamp_plain_lines = true};
  }
  return {.stamp_plain_lines = true, .stamp_format = *format};
}

std::optional<SignalOrder> PlanSignal(const Options& options) {
  if (!options.stop.empty()) return SignalOrder{"stop", options.stop, SIGINT};
  if (!options.reload.empty()) return SignalOrder{"reload", options.reload, SIGHUP};
  if (!options.pause.empty()) return SignalOrder{"pause", options.pause, SIGTSTP, kPauseValue};
  if (!options.suspend.empty())
    return SignalOrder{"suspend", options.suspend, SIGTSTP, kPauseValue};
  if (!options.resume.empty()) return SignalOrder{"resume", options.resume, SIGTSTP, kResumeValue};
  return std::nullopt;
}

}  // namespace uwsgi
