// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/regex.h"
#include "base/unique_fd.h"

namespace uwsgi {

enum class AlarmKind : uint8_t {
  kLog,      // a line in the log
  kCommand,  // a shell command that gets the text as its input
  kMule,     // a message to a mule
  kSignal,   // a user signal
};

struct AlarmSpec {
  std::string name;
  AlarmKind kind = AlarmKind::kLog;
  std::string argument;  // the prefix of the line, the command
  int number = 0;        // of the mule or the signal
};

// Which lines of the log raise an alarm, and which do not.
struct AlarmRule {
  size_t alarm = 0;  // its place in `alarms`
  std::string pattern;
  bool raises = true;
};

// A descriptor that the server was started with, and that raises alarms when it is readable.
struct AlarmFdSpec {
  int fd = -1;
  size_t bytes = 1;            // read from it each time
  std::vector<size_t> alarms;  // their places
  std::string text;
  std::string origin;  // of the option
};

struct AlarmsSpec {
  std::vector<AlarmSpec> alarms;
  std::vector<AlarmRule> rules;
  std::vector<AlarmFdSpec> fds;
  std::vector<size_t> on_full_queue;  // places: a listening socket can take no more
  std::vector<size_t> on_crash;       // a process was ended by a fault of its own
  int64_t quiet_s = 3;                // equal texts of an alarm within this time are left out
  size_t longest_text = 8192;
  bool has_master = false;  // without one nobody would act
};

// The alarms of a server: raised by any process and thread, acted upon by the master. They travel
// as datagrams, so raising one never waits; what the master has no time for is lost.
class Alarms {
 public:
  static Result<Alarms> Create(AlarmsSpec spec);

  // False: there is no such alarm, no master, the text is too long, or too many are waiting.
  bool Raise(ByteView name, ByteView text) const;
  // Those at these places of the specification. What is too long is cut.
  void RaiseAll(const std::vector<size_t>& places, ByteView text) const;
  // Raises the alarms that a line of the log is to raise. A line of the master may be one about an
  // alarm, which raises none.
  void ScanLine(ByteView line, bool is_of_master) const;
  [[nodiscard]] bool scans_lines() const { return !rules_.empty(); }
  [[nodiscard]] const AlarmsSpec& spec() const { return spec_; }
  [[nodiscard]] bool empty() const { return spec_.alarms.empty(); }

  // For the master: readable when alarms wait.
  [[nodiscard]] int fd() const { return ends_.first.get(); }
  // What a process needs to raise them; negative when there are none.
  [[nodiscard]] int raising_fd() const { return ends_.second.get(); }
  struct Raised {
    const AlarmSpec* alarm;
    std::string text;
  };
  // The next one that is not to be left out; nothing when none waits.
  std::optional<Raised> Take(int64_t now_s);

 private:
  struct Rule {
    size_t alarm;
    bool raises;
    Regex regex;
  };

  explicit Alarms(AlarmsSpec spec) : spec_(std::move(spec)) {}
  bool Send(size_t alarm, ByteView text) const;
  // Whether the same was raised a moment ago; notes that it is now.
  bool IsRepeated(size_t alarm, const std::string& text, int64_t now_s);

  AlarmsSpec spec_;
  std::vector<Rule> rules_;
  FdPair ends_;
  std::map<size_t, std::pair<std::string, int64_t>> last_;  // text and time of each alarm
};

}  // namespace uwsgi
