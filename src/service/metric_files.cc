// SPDX-License-Identifier: Apache-2.0
#include "service/metric_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/file.h"

namespace uwsgi {
namespace {

constexpr size_t kFileBytes = 4096;
constexpr size_t kNumberBytes = 24;  // of the longest number, its newline and a NUL

Result<char*> MapFile(const std::string& path) {
  const UniqueFd fd = TRY(OpenFile(path, O_RDWR | O_CREAT, 0640));
  // Reserved now, so that a full disk is an error here and not a signal later.
  if (const int error = ::posix_fallocate(fd.get(), 0, kFileBytes); error != 0)
    return ErrnoError("metrics-dir: " + path, error);
  void* const at = ::mmap(nullptr, kFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) return ErrnoError("metrics-dir: " + path, errno);
  return static_cast<char*>(at);
}

}  // namespace

Result<MetricFiles> MetricFiles::Create(const std::string& directory, const Metrics& metrics) {
  MetricFiles made;
  for (const Metrics::Row& row : metrics.rows()) {
    char* const text = TRY(MapFile(directory + "/" + row.spec.name));
    made.files_.push_back({&row, text, 0, false});
  }
  return made;
}

MetricFiles::~MetricFiles() {
  for (const File& file : files_) ::munmap(file.text, kFileBytes);
}

void MetricFiles::Write() {
  for (File& file : files_) {
    const int64_t value = file.row->Get();
    if (file.is_written && value == file.written) continue;
    char text[kNumberBytes] = {};
    *std::to_chars(text, text + kNumberBytes, value).ptr = '\n';
    std::copy_n(text, kNumberBytes, file.text);
    file.written = value;
    file.is_written = true;
  }
}

void RestoreMetrics(const std::string& directory, std::span<MetricSpec> metrics) {
  for (MetricSpec& spec : metrics) {
    const auto text = ReadFile(directory + "/" + spec.name);
    if (!text) continue;
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error == std::errc() && end != text->data()) spec.initial_value = value;
  }
}

}  // namespace uwsgi
