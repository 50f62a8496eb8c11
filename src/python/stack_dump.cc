// SPDX-License-Identifier: Apache-2.0
#include "python/stack_dump.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "python/py_error.h"
#include "python/py_ref.h"

namespace uwsgi {
namespace {

int DumpSignal() { return SIGRTMAX - 3; }

}  // namespace

Result<StackDump> StackDump::Create() {
  UniqueFd file(::memfd_create("uwsgi-stacks", MFD_CLOEXEC));
  if (!file.valid()) return ErrnoError("memfd_create()", errno);
  const PyRef module = PyRef::Steal(PyImport_ImportModule("faulthandler"));
  const PyRef done = module ? PyRef::Steal(PyObject_CallMethod(module.get(), "register", "iiii",
                                                               DumpSignal(), file.get(),
                                                               /*all_threads=*/1, /*chain=*/0))
                            : PyRef();
  if (!done) return tl::unexpected(ErrorFromPython());
  return StackDump(std::move(file));
}

std::string StackDump::Take() const {
  sigset_t only_this;
  sigset_t before;
  ::sigemptyset(&only_this);
  ::sigaddset(&only_this, DumpSignal());
  ::pthread_sigmask(SIG_UNBLOCK, &only_this, &before);
  // The handler runs on this thread and has returned when the call does.
  ::pthread_kill(::pthread_self(), DumpSignal());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::string text;
  if (::lseek(file_.get(), 0, SEEK_SET) == 0) text = ReadAll(file_.get()).value_or("");
  if (::ftruncate(file_.get(), 0) == 0) ::lseek(file_.get(), 0, SEEK_SET);
  return text;
}

}  // namespace uwsgi
