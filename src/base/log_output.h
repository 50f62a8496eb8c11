// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace uwsgi {

// What the processes of one instance know together about their log, in memory that they share.
struct LogCounters {
  std::atomic<uint64_t> lost_lines{0};      // could not be written, ever
  std::atomic<uint64_t> reported_lines{0};  // of those, how many the log has told of
  std::atomic<uint32_t> openings{0};        // rises when everybody is to open the log file again
};
// Before the first fork; they must outlive every line. Without, the process has its own.
void SetLogCounters(LogCounters* counters);
LogCounters& log_counters();

// "*** 12 log lines were lost: ... ***" when there are lost lines that no line has told of yet;
// they count as told of now. Empty otherwise.
std::string TakeLossReport();

// Writes whole lines to descriptor 2. A full disk costs lines; a reader that has stopped reading
// costs a tenth of a second, and then lines as well: lost lines are counted, and reported in the
// log once it takes lines again. With log-json what is no JSON yet becomes it. Safe to call from
// every thread.
void WriteServerLines(std::string_view lines);
void WriteRequestLines(std::string_view lines);
// Descriptor 2 is something else now.
void LogOutputChanged();

// What a descriptor is: how it can be written without being blocked depends on it.
enum class LogFdKind : uint8_t { kFile, kPipe, kSocket };  // kPipe: terminals too
LogFdKind LogFdKindOf(int fd);
// Writes some of the bytes and does not wait for a reader, whether the descriptor is blocking or
// not: what was written, or -1 and errno (EAGAIN when there is no room).
ssize_t TryLogWrite(int fd, LogFdKind kind, std::string_view bytes);

// Waits for room in a pipe, socket or terminal: a tenth of a second, and not at all while the last
// wait was in vain. Safe to call from every thread.
class RoomWaiter {
 public:
  bool HasRoom(int fd);

 private:
  std::atomic<bool> is_stalled_{false};
};

// The longest front of whole lines that fits in `limit` bytes; a line that is longer alone is cut.
std::string_view FrontLines(std::string_view lines, size_t limit);

}  // namespace uwsgi
