// SPDX-License-Identifier: Apache-2.0
#include "worker/thread.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace uwsgi {
namespace {

void* RunBody(void* argument) {
  const std::unique_ptr<UniqueFunction<void()>> body(
      static_cast<UniqueFunction<void()>*>(argument));
  (*body)();
  return nullptr;
}

}  // namespace

Result<Thread> Thread::Start(const std::string& name, size_t stack_bytes,
                             UniqueFunction<void()> body) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  if (stack_bytes != 0) {
    ::pthread_attr_setstacksize(&attributes,
                                std::max(stack_bytes, static_cast<size_t>(PTHREAD_STACK_MIN)));
  }
  auto argument = std::make_unique<UniqueFunction<void()>>(std::move(body));
  pthread_t handle{};
  const int error = ::pthread_create(&handle, &attributes, RunBody, argument.get());
  ::pthread_attr_destroy(&attributes);
  if (error != 0) return ErrnoError("start the thread " + name, error);
  static_cast<void>(argument.release());
  ::pthread_setname_np(handle, name.substr(0, 15).c_str());
  return Thread(handle);
}

Thread::Thread(Thread&& other) noexcept
    : handle_(other.handle_), joinable_(std::exchange(other.joinable_, false)) {}

Thread::~Thread() {
  if (joinable_) ::pthread_join(handle_, nullptr);
}

}  // namespace uwsgi
