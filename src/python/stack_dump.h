// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// The stacks of all threads without the GIL, for when native code holds it: CPython's faulthandler
// writes them from a signal handler into a memory file. What it reads may be changing meanwhile, so
// the result is a help for people and nothing else.
class StackDump {
 public:
  // In a worker, with the GIL held. Uses a real-time signal that nobody else uses.
  static Result<StackDump> Create();
  StackDump(StackDump&&) = default;
  StackDump& operator=(StackDump&&) = delete;

  // From any thread, without the GIL; one at a time.
  [[nodiscard]] std::string Take() const;

 private:
  explicit StackDump(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace uwsgi
