// SPDX-License-Identifier: Apache-2.0
#include "worker/thread_view.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <string_view>

#include "base/unique_fd.h"

namespace uwsgi {

ThreadView ThreadView::OfCaller() {
  ThreadView view;
  if (::pthread_getcpuclockid(::pthread_self(), &view.clock_) == 0) view.thread_ = ::gettid();
  return view;
}

int64_t ThreadView::CpuMicros() const {
  timespec used{};
  if (thread_ == 0 || ::clock_gettime(clock_, &used) != 0) return 0;
  return int64_t{used.tv_sec} * 1'000'000 + used.tv_nsec / 1000;
}

// proc(5): the state is the word behind the name, which is in parentheses and may contain some.
bool ThreadView::IsRunnable() const {
  char path[48];
  *fmt::format_to(path, "/proc/self/task/{}/stat", thread_) = '\0';
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  char text[128];
  const ssize_t got = file.valid() ? ::read(file.get(), text, sizeof text) : 0;
  const std::string_view line(text, got > 0 ? static_cast<size_t>(got) : 0);
  const size_t name_end = line.rfind(')');
  return name_end != std::string_view::npos && line.substr(name_end).starts_with(") R");
}

}  // namespace uwsgi
