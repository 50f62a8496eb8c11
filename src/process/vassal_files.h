// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/printable.h"
#include "base/result.h"

namespace uwsgi {

// Where an Emperor looks for configurations.
struct VassalMonitor {
  enum class Kind : uint8_t { kDirectory, kGlob };
  Kind kind = Kind::kDirectory;
  std::string place;   // the directory, absolute; or the pattern
  std::string text;    // as shown in the statistics
  std::string origin;  // "emperor.ini:3", for messages
};

// A directory, dir://DIRECTORY, a pattern with * ? or [, glob://PATTERN. An error for what else
// begins with a scheme.
Result<VassalMonitor> ParseVassalMonitor(std::string_view text);

// A configuration that was found. Two are the same vassal when their names are.
struct VassalFile {
  std::string name;       // in its directory; of a pattern the whole path
  std::string directory;  // the vassal runs there; empty: where the Emperor runs
  std::string monitor;    // which one has found it, as shown in the statistics
  int64_t modified_ns = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  bool writable_by_all = false;

  [[nodiscard]] std::string path() const {
    return directory.empty() ? name : directory + "/" + name;
  }
  // The name for a line of the log. Whoever may write into the directory chose it.
  [[nodiscard]] std::string shown() const { return Printable(name); }
};

struct VassalScan {
  std::vector<std::string> extra_extensions;  // with or without the dot
  bool follow_links = true;                   // whose time and owner count
};

// The configurations that are there now, by name. An error when the place cannot be looked at,
// which is not the same as an empty one.
Result<std::vector<VassalFile>> FindVassals(const VassalMonitor& monitor, const VassalScan& scan);

// The option that reads such a file: "--ini" for site.ini; nothing for what is no configuration.
std::string VassalOptionOf(std::string_view name, const VassalScan& scan);

}  // namespace uwsgi
