// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/environment.h"
#include "config/options.h"

namespace uwsgi {

// What conditions look at.
struct LogicFacts {
  const Environment& environment;
  std::span<const Setting> settings;  // all that was read so far
  bool is_reload;
};

// A block of lines between an if-* or for* and its end. Blocks do not nest. Each line is looked at
// on its own when it is read: it may come out not at all, as it is, or once for each turn of a
// loop, with %(_) replaced.
class LogicBlock {
 public:
  [[nodiscard]] bool is_open() const { return !opener_.empty(); }
  [[nodiscard]] const Origin& opened_at() const { return opened_at_; }
  [[nodiscard]] const std::string& opener() const { return opener_; }

  // `opener` is the canonical name of an option of kind Logic or LogicFlag.
  Status Open(std::string_view opener, std::string_view argument, const Origin& origin);
  void Close() { opener_.clear(); }

  // The values a line inside the block stands for.
  [[nodiscard]] Result<std::vector<std::string>> ValuesFor(std::string_view value,
                                                           const LogicFacts& facts) const;

 private:
  std::string opener_;  // empty when no block is open
  std::string argument_;
  Origin opened_at_;
};

}  // namespace uwsgi
