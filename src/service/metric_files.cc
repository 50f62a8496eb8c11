// SPDX-License-Identifier: Apache-2.0
#include "service/metric_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/file.h"
#include "base/regular_file.h"

namespace uwsgi {
namespace {

constexpr size_t kFileBytes = 4096;
constexpr size_t kNumberBytes = 24;  // of the longest number, its newline and a NUL

// Its room is reserved now, so that a full disk is an error here.
Status MakeFile(const std::string& path) {
  const UniqueFd fd = TRY(OpenFile(path, O_RDWR | O_CREAT, 0640));
  if (const int error = ::posix_fallocate(fd.get(), 0, kFileBytes); error != 0)
    return ErrnoError("metrics-dir: " + path, error);
  return {};
}

// Only what counts on from its last value; the rest is found out anew.
void Restore(MetricSpec& spec, int64_t value) {
  switch (spec.collector) {
    case MetricCollector::kNone:
    case MetricCollector::kAccumulator:
      spec.first_value = value;
      break;
    case MetricCollector::kSource:
      // The source counts from 0.
      if (spec.type == MetricType::kCounter) spec.initial_value = value;
      break;
    default:
      break;
  }
}

}  // namespace

Result<MetricFiles> MetricFiles::Create(const std::string& directory, const Metrics& metrics) {
  MetricFiles made(TRY(OpenFile(directory, O_PATH | O_DIRECTORY)));
  for (const Metrics::Row& row : metrics.rows()) {
    TRY_STATUS(MakeFile(directory + "/" + row.spec.name));
    made.files_.push_back({&row, 0, false});
  }
  return made;
}

// Opened each time: there are more of them than a process may have open.
bool MetricFiles::WriteOne(const File& file, int64_t value) const {
  const UniqueFd fd(::openat(directory_.get(), file.row->spec.name.c_str(),
                             O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  char text[kNumberBytes] = {};
  *std::to_chars(text, text + kNumberBytes, value).ptr = '\n';
  return fd.valid() && ::pwrite(fd.get(), text, sizeof text, 0) == ssize_t{sizeof text};
}

void MetricFiles::Write() {
  for (File& file : files_) {
    const int64_t value = file.row->Get();
    if (file.is_written && value == file.written) continue;
    file.is_written = WriteOne(file, value);
    file.written = value;
  }
}

void RestoreMetrics(const std::string& directory, std::span<MetricSpec> metrics) {
  for (MetricSpec& spec : metrics) {
    const auto text = ReadRegularFile(directory + "/" + spec.name);
    if (!text) continue;
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error == std::errc() && end != text->data()) Restore(spec, value);
  }
}

}  // namespace uwsgi
