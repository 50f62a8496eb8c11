// SPDX-License-Identifier: Apache-2.0
#include "process/banner.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <climits>
#include <ctime>
#include <system_error>

#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "process/limits.h"
#include "process/messages.h"

namespace uwsgi {
namespace {

constexpr std::string_view kCompiler = __VERSION__;
constexpr std::string_view kBuiltOn = __DATE__ " " __TIME__;

std::string TimeText() {
  const time_t now = ::time(nullptr);
  tm local{};
  ::localtime_r(&now, &local);
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &local));
}

}  // namespace

std::string BinaryPath() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return {};
  return std::string(path, static_cast<size_t>(size));
}

void LogBanner(const std::string& binary_path) {
  Log("*** Starting uWSGI {} ({}bit) on [{}] ***", kVersion, sizeof(void*) * CHAR_BIT, TimeText());
  Log("compiled with version: {} on {}", kCompiler, kBuiltOn);
  utsname system{};
  if (::uname(&system) == 0) {
    Log("os: {}-{} {}", system.sysname, system.release, system.version);
    Log("nodename: {}", system.nodename);
    Log("machine: {}", system.machine);
  }
  LogLine("clock source: unix");
  LogLine("pcre jit disabled");
  Log("detected number of CPU cores: {}", ::sysconf(_SC_NPROCESSORS_ONLN));
  Log("current working directory: {}", CurrentDirectory());
  Log("detected binary path: {}", binary_path);
}

void LogSystemFacts(bool has_master) {
  if (!has_master) LogLine(message::kNoMaster);
  if (const int64_t processes = MaxProcesses(); processes > 0) {
    Log("your processes number limit is {}", processes);
  }
  Log("your memory page size is {} bytes", ::sysconf(_SC_PAGESIZE));
  Log("detected max file descriptor number: {}", MaxOpenFiles());
  LogLine("lock engine: pthread robust mutexes");
  LogLine("thunder lock: disabled (you can enable it with --thunder-lock)");
}

void LogEngineFacts(const EngineFacts& facts) {
  if (facts.has_sockets) {
    Log("your server socket listen backlog is limited to {} connections", facts.listen_backlog);
  }
  Log("your mercy for graceful operations on workers is {} seconds", facts.worker_mercy_s);
  Log("mapped {} bytes ({} KB) for {} cores", facts.mapped_bytes, facts.mapped_bytes / 1024,
      facts.processes * facts.threads);
}

std::string OperationalMode(int processes, int threads) {
  if (threads > 1) return processes > 1 ? "preforking+threaded" : "threaded";
  return processes > 1 ? "preforking" : "single process";
}

}  // namespace uwsgi
