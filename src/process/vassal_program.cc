// SPDX-License-Identifier: Apache-2.0
#include "process/vassal_program.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/regular_file.h"
#include "base/strings.h"
#include "process/emperor_protocol.h"

namespace uwsgi {
namespace {

// What speaks of the Emperor's own life and not of its vassals'.
constexpr std::string_view kNotInherited[] = {
    "UWSGI_EMPEROR", "UWSGI_VASSAL",
    "UWSGI_RELOADS=", "UWSGI_HANDOVER_FD=", "UWSGI_TRIAL=", "NOTIFY_SOCKET=", "WATCHDOG_",
    "LISTEN_",
    // Whoever reads its configuration becomes an Emperor of the same vassals, and they do, too.
    "UWSGI_INI=", "UWSGI_CONFIG=", "UWSGI_INCLUDE=", "UWSGI_INHERIT=", "UWSGI_FALLBACK_CONFIG="};

std::vector<std::string> EnvironmentFor(const VassalFile& file,
                                        std::span<const std::string> environment) {
  std::vector<std::string> variables;
  for (const std::string& variable : environment) {
    const bool is_own = std::ranges::any_of(
        kNotInherited, [&](std::string_view prefix) { return variable.starts_with(prefix); });
    if (!is_own) variables.push_back(variable);
  }
  if (!file.directory.empty()) {
    variables.push_back(fmt::format("{}={}", kVassalsVariable, file.directory));
  }
  return variables;
}

// The owner with all groups the system knows of.
ProgramIdentity IdentityOf(const VassalFile& file) {
  ProgramIdentity identity{.uid = file.uid, .gid = file.gid, .groups = {file.gid}};
  const passwd* const entry = ::getpwuid(file.uid);
  if (entry == nullptr) return identity;
  int count = 64;
  identity.groups.resize(static_cast<size_t>(count));
  while (::getgrouplist(entry->pw_name, file.gid, identity.groups.data(), &count) < 0) {
    identity.groups.resize(static_cast<size_t>(count));
  }
  identity.groups.resize(static_cast<size_t>(count));
  return identity;
}

// The first line of a regular file; nothing for whatever else others have put there, which might
// keep the Emperor waiting.
std::string FirstLineOf(const std::string& path) {
  const auto fd = OpenRegularFile(path);
  if (!fd) return {};
  std::array<char, 4096> bytes;
  const ssize_t got = ::read(fd->get(), bytes.data(), bytes.size());
  const std::string_view text(bytes.data(), static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return std::string(Trim(text.substr(0, text.find('\n'))));
}

}  // namespace

Result<ProgramSpec> MakeVassalProgram(const EmperorSpec& spec, const VassalFile& file,
                                      std::span<const std::string> environment) {
  ProgramSpec program;
  program.path = spec.program;
  program.argv = {program.path};
  program.argv.insert(program.argv.end(), spec.arguments_before.begin(),
                      spec.arguments_before.end());
  program.argv.push_back(VassalOptionOf(file.name, spec.scan));
  program.argv.push_back(file.name);
  program.argv.insert(program.argv.end(), spec.arguments_behind.begin(),
                      spec.arguments_behind.end());
  program.environment = EnvironmentFor(file, environment);
  program.directory = file.directory;
  // The terminal's Ctrl-C is for the Emperor, which stops its vassals in order.
  program.new_session = true;
  // When the Emperor dies, the end of the channel tells the vassal to end in order; a signal beside
  // it would be the second order to do so, which means at once.
  program.death_signal = 0;
  if (spec.is_tyrant) {
    if (const std::string objection = ObjectionTo(file); !objection.empty()) {
      return Fail("{}", objection);
    }
    program.identity = IdentityOf(file);
  }
  return program;
}

std::string ObjectionTo(const VassalFile& file) {
  // compat: root's files are refused, as whoever can write them could become root.
  if (file.uid == 0 || file.gid == 0) return "it belongs to root";
  if (file.writable_by_all) return "everybody may write it";
  return {};
}

std::string OnDemandAddressOf(const EmperorSpec& spec, const VassalFile& file) {
  if (!spec.on_demand_extension.empty()) return FirstLineOf(file.path() + spec.on_demand_extension);
  if (spec.on_demand_directory.empty()) return {};
  const std::string base = std::filesystem::path(file.name).filename().string();
  return fmt::format("{}/{}.socket", spec.on_demand_directory, base);
}

ProgramSpec MakeVassalHook(const std::string& command, const VassalFile& file, pid_t pid,
                           std::span<const std::string> environment) {
  ProgramSpec program;
  program.path = "/bin/sh";
  program.argv = {"/bin/sh", "-c", command};
  program.environment = EnvironmentFor(file, environment);
  program.environment.push_back(fmt::format("UWSGI_VASSAL_CONFIG={}", file.name));
  program.environment.push_back(fmt::format("UWSGI_VASSAL_PID={}", pid));
  program.environment.push_back(fmt::format("UWSGI_VASSAL_UID={}", file.uid));
  program.environment.push_back(fmt::format("UWSGI_VASSAL_GID={}", file.gid));
  program.directory = file.directory;
  return program;
}

}  // namespace uwsgi
