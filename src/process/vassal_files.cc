// SPDX-License-Identifier: Apache-2.0
#include "process/vassal_files.h"

#include <dirent.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr size_t kLongestName = 254;  // compat: longer ones are ignored

struct Extension {
  std::string_view extension, option;
};
constexpr Extension kExtensions[] = {{"ini", "--ini"},   {"xml", "--xml"},   {"yml", "--yaml"},
                                     {"yaml", "--yaml"}, {"json", "--json"}, {"js", "--json"}};

// The time and the owner of a regular file.
std::optional<struct stat> StatOf(const std::string& path, bool follow_links) {
  struct stat target {};
  if (::stat(path.c_str(), &target) != 0 || !S_ISREG(target.st_mode)) return std::nullopt;
  if (follow_links) return target;
  struct stat link {};
  if (::lstat(path.c_str(), &link) != 0) return std::nullopt;
  link.st_mode = target.st_mode;
  return link;
}

void AddFile(std::vector<VassalFile>& files, VassalFile file, const VassalScan& scan) {
  const std::string base = std::filesystem::path(file.name).filename().string();
  if (base.starts_with('.') || base.size() > kLongestName) return;
  if (VassalOptionOf(base, scan).empty()) return;
  const auto found = StatOf(file.path(), scan.follow_links);
  if (!found) return;
  file.modified_ns = int64_t{found->st_mtim.tv_sec} * 1'000'000'000 + found->st_mtim.tv_nsec;
  file.uid = found->st_uid;
  file.gid = found->st_gid;
  file.writable_by_all = (found->st_mode & S_IWOTH) != 0;
  files.push_back(std::move(file));
}

Result<std::vector<VassalFile>> FindInDirectory(const VassalMonitor& monitor,
                                                const VassalScan& scan) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(monitor.place.c_str()), ::closedir);
  if (!directory) return ErrnoError("emperor: " + monitor.place, errno);
  std::vector<VassalFile> files;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    AddFile(files, {.name = entry->d_name, .directory = monitor.place, .monitor = monitor.text},
            scan);
  }
  // Those that are missing now are not gone.
  if (errno != 0) return ErrnoError("emperor: " + monitor.place, errno);
  return files;
}

// Whether a directory that cannot be read makes the look a failure. One that nobody may read, or
// that is none, has no vassals; one that cannot be read now may have them.
int IsGrave(const char*, int error) {
  return error != ENOENT && error != ENOTDIR && error != EACCES && error != ELOOP ? 1 : 0;
}

Result<std::vector<VassalFile>> FindByPattern(const VassalMonitor& monitor,
                                              const VassalScan& scan) {
  glob_t matches{};
  const int failed = ::glob(monitor.place.c_str(), 0, IsGrave, &matches);
  const std::unique_ptr<glob_t, void (*)(glob_t*)> owner(&matches, ::globfree);
  if (failed == GLOB_NOSPACE || failed == GLOB_ABORTED) {
    return Fail("emperor: {} cannot be looked at", monitor.place);
  }
  std::vector<VassalFile> files;
  for (size_t i = 0; i < matches.gl_pathc; ++i) {
    AddFile(files, {.name = matches.gl_pathv[i], .monitor = monitor.text}, scan);
  }
  return files;
}

}  // namespace

Result<VassalMonitor> ParseVassalMonitor(std::string_view text) {
  VassalMonitor monitor;
  std::string_view place = text;
  const size_t scheme = text.find("://");
  if (scheme != std::string_view::npos) {
    place = text.substr(scheme + 3);
    const std::string_view name = text.substr(0, scheme);
    if (name != "dir" && name != "glob") {
      return Fail("the Emperor watches directories and patterns, not \"{}\"", text);
    }
    if (name == "glob") monitor.kind = VassalMonitor::Kind::kGlob;
  }
  if (place.empty()) return Fail("a directory or a pattern is expected, not \"{}\"", text);
  if (place.find_first_of("*?[") != std::string_view::npos) {
    monitor.kind = VassalMonitor::Kind::kGlob;
  }
  monitor.place = place;
  if (monitor.kind == VassalMonitor::Kind::kDirectory) {
    std::error_code error;
    const auto absolute = std::filesystem::canonical(monitor.place, error);
    if (error) return ErrnoError(monitor.place, error.value());
    monitor.place = absolute.string();
  }
  monitor.text = monitor.place;
  return monitor;
}

Result<std::vector<VassalFile>> FindVassals(const VassalMonitor& monitor, const VassalScan& scan) {
  auto files = TRY(monitor.kind == VassalMonitor::Kind::kGlob ? FindByPattern(monitor, scan)
                                                              : FindInDirectory(monitor, scan));
  std::ranges::sort(files, {}, &VassalFile::name);
  return files;
}

std::string VassalOptionOf(std::string_view name, const VassalScan& scan) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view extension = name.substr(dot + 1);
  for (const Extension& row : kExtensions) {
    if (row.extension == extension) return std::string(row.option);
  }
  for (const std::string& extra : scan.extra_extensions) {
    // The extension tells no format, and there is no other one to be read.
    if (!extra.empty() && name.ends_with(extra)) return "--ini";
  }
  return {};
}

}  // namespace uwsgi
