// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace uwsgi {

// A task of the spooler: what one process leaves for another to do later. Keys and values are
// bytes; what they mean is between the producer and the function that runs the task, except for the
// few keys of SpoolPlacement.
struct SpoolTask {
  std::vector<std::pair<std::string, std::string>> fields;  // in the order of the file
  std::string body;                                         // empty when there is none

  // The value of a key, nothing when it is not there.
  [[nodiscard]] std::optional<std::string_view> Find(std::string_view key) const;
  // A key has one value; the later one wins and keeps the place of the first.
  void Set(std::string_view key, std::string_view value);
};

// The file of a task (docs/formats/spool-file.md): a packet with modifier 17, then the body.
inline constexpr uint8_t kSpoolModifier = 17;
// What a task may take on disk. A longer file is no task of anybody.
inline constexpr int64_t kMaxSpoolFile = int64_t{1} << 30;

// An error when a key or value does not fit its 16 bits, or all of them together.
Result<std::string> EncodeSpoolTask(const SpoolTask& task);
// Refuses everything that EncodeSpoolTask does not make, except the order and repetition of keys.
Result<SpoolTask> DecodeSpoolTask(ByteView bytes);
// How long the file of a task is.
size_t SizeOfSpoolFile(const SpoolTask& task);
// How many bytes are not there yet of a file that begins like this; 0 when its fields are complete.
// A producer may still be writing.
size_t MissingSpoolBytes(ByteView bytes);

// Where and when, as the producer asked for it with keys that stay in the task.
struct SpoolPlacement {
  std::string spooler;          // key `spooler`: a directory, empty for the first
  std::string priority;         // key `priority`: a subdirectory, empty for none
  std::optional<int64_t> at_s;  // key `at`: not before, seconds since 1970
};
Result<SpoolPlacement> PlacementOf(const SpoolTask& task);

// A name that a priority may have: it becomes a directory's.
bool IsPriorityName(std::string_view name);

}  // namespace uwsgi
