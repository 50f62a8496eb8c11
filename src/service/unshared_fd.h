// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

namespace uwsgi {

// A descriptor that a forked child does not have: what application code forks in the middle of a
// task closes it at once, so that the lock it holds ends with this process. A handful per process;
// made and destroyed on one thread.
class UnsharedFd {
 public:
  UnsharedFd() = default;
  explicit UnsharedFd(UniqueFd fd);
  UnsharedFd(UnsharedFd&& other) noexcept;
  UnsharedFd& operator=(UnsharedFd&&) = delete;
  ~UnsharedFd();

  [[nodiscard]] int get() const { return fd_.get(); }
  [[nodiscard]] bool valid() const { return fd_.valid(); }

 private:
  UniqueFd fd_;
};

}  // namespace uwsgi
