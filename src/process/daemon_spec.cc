// SPDX-License-Identifier: Apache-2.0
#include "process/daemon_spec.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "process/privileges.h"

namespace uwsgi {
namespace {

Result<int64_t> ParseNumber(std::string_view key, std::string_view text, int64_t most) {
  const auto number = ParseInt(text);
  if (!number || *number > most) return Fail("{} = {} is no number that makes sense", key, text);
  return *number;
}

// A flag is on unless its value says otherwise.
bool IsOn(std::string_view text) {
  return text != "0" && text != "false" && text != "no" && text != "off";
}

Status SetCommand(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.command = value;
  return {};
}
Status SetPidfile(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.pidfile = value;
  return {};
}
Status SetDirectory(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.directory = value;
  return {};
}
Status AddTouch(DaemonSpec& spec, std::string_view, std::string_view value) {
  for (const std::string_view path : Split(value, ';')) {
    if (!path.empty()) spec.touch.emplace_back(path);
  }
  return {};
}
Status SetControl(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.control = IsOn(value);
  return {};
}
Status SetDaemonize(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.daemonize = IsOn(value);
  return {};
}
Status SetStdin(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.keep_stdin = IsOn(value);
  return {};
}
Status SetNamespace(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.new_pid_namespace = IsOn(value);
  return {};
}
Status SetFreq(DaemonSpec& spec, std::string_view key, std::string_view value) {
  spec.freq_s = std::max<int64_t>(TRY(ParseNumber(key, value, 86400)), 1);
  return {};
}
Status SetMaxThrottle(DaemonSpec& spec, std::string_view key, std::string_view value) {
  spec.max_throttle_s = std::max<int64_t>(TRY(ParseNumber(key, value, 86400)), 1);
  return {};
}
Status SetStopSignal(DaemonSpec& spec, std::string_view key, std::string_view value) {
  spec.stop_signal = static_cast<int>(TRY(ParseNumber(key, value, NSIG - 1)));
  return {};
}
Status SetReloadSignal(DaemonSpec& spec, std::string_view key, std::string_view value) {
  spec.reload_signal = static_cast<int>(TRY(ParseNumber(key, value, NSIG - 1)));
  return {};
}
Status SetUser(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.uid = TRY(FindUser(value)).uid;
  return {};
}
Status SetGroup(DaemonSpec& spec, std::string_view, std::string_view value) {
  spec.gid = TRY(FindGroup(value));
  return {};
}
// compat: it asks for a message that no program here waits for.
Status AcceptWithoutEffect(DaemonSpec&, std::string_view key, std::string_view) {
  Log("attach-daemon2: {} has no effect", key);
  return {};
}

struct KeyRow {
  std::string_view key;
  Status (*set)(DaemonSpec& spec, std::string_view key, std::string_view value);
  bool is_switch = false;  // may stand without a value
};

constexpr KeyRow kKeys[] = {
    {"cmd", SetCommand},
    {"command", SetCommand},
    {"exec", SetCommand},
    {"pidfile", SetPidfile},
    {"chdir", SetDirectory},
    {"touch", AddTouch},
    {"control", SetControl, true},
    {"daemonize", SetDaemonize, true},
    {"daemon", SetDaemonize, true},
    {"stdin", SetStdin, true},
    {"ns_pid", SetNamespace, true},
    {"freq", SetFreq},
    {"max_throttle", SetMaxThrottle},
    {"stopsignal", SetStopSignal},
    {"stop_signal", SetStopSignal},
    {"reloadsignal", SetReloadSignal},
    {"reload_signal", SetReloadSignal},
    {"uid", SetUser},
    {"gid", SetGroup},
    {"notifypid", AcceptWithoutEffect, true},
};

// The parts between commas that no backslash stands before.
std::vector<std::string> SplitPairs(std::string_view text) {
  std::vector<std::string> pairs(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
      pairs.back() += text[++i];
    } else if (text[i] == ',') {
      pairs.emplace_back();
    } else {
      pairs.back() += text[i];
    }
  }
  return pairs;
}

}  // namespace

Result<DaemonSpec> ParseDaemon(std::string_view text) {
  DaemonSpec spec;
  for (const std::string& pair : SplitPairs(text)) {
    if (Trim(pair).empty()) continue;
    const size_t equals = pair.find('=');
    const std::string_view key = Trim(std::string_view(pair).substr(0, equals));
    const std::string_view value =
        equals == std::string::npos ? "1" : std::string_view(pair).substr(equals + 1);
    const auto* const row = std::ranges::find(kKeys, key, &KeyRow::key);
    if (row == std::end(kKeys)) return Fail("there is no key {}", key);
    if (equals == std::string::npos && !row->is_switch) return Fail("the key {} has no value", key);
    TRY_STATUS(row->set(spec, key, Trim(value)));
  }
  if (spec.command.empty()) return Fail("the key cmd is missing");
  if (spec.daemonize && spec.pidfile.empty()) return Fail("daemonize needs the key pidfile");
  return spec;
}

Result<DaemonSpec> ParseSmartDaemon(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  const size_t blank = trimmed.find(' ');
  if (blank == std::string_view::npos) return Fail("PIDFILE[,SECONDS] COMMAND is expected");
  DaemonSpec spec;
  const std::string_view file = trimmed.substr(0, blank);
  const size_t comma = file.find(',');
  spec.pidfile = file.substr(0, comma);
  if (comma != std::string_view::npos) TRY_STATUS(SetFreq(spec, "freq", file.substr(comma + 1)));
  spec.command = Trim(trimmed.substr(blank));
  if (spec.pidfile.empty()) return Fail("PIDFILE[,SECONDS] COMMAND is expected");
  return spec;
}

std::string EncodeOldDaemon(const OldDaemon& daemon) {
  return fmt::format("{} {} {}", daemon.pid, daemon.stays ? 1 : 0, daemon.command);
}

Result<OldDaemon> DecodeOldDaemon(std::string_view text) {
  const size_t first = text.find(' ');
  const size_t second = first == std::string_view::npos ? first : text.find(' ', first + 1);
  if (second == std::string_view::npos) return Fail("a daemon has three facts");
  const auto pid = ParseInt(text.substr(0, first));
  if (!pid || *pid <= 1) return Fail("{} is no daemon's pid", text.substr(0, first));
  OldDaemon daemon;
  daemon.pid = static_cast<pid_t>(*pid);
  daemon.stays = text.substr(first + 1, second - first - 1) == "1";
  daemon.command = text.substr(second + 1);
  return daemon;
}

int64_t DaemonPauseAfter(int early_ends, int64_t most_s) {
  if (early_ends <= 0) return 0;
  return std::clamp<int64_t>(early_ends / 2, 1, std::max<int64_t>(most_s, 1));
}

}  // namespace uwsgi
