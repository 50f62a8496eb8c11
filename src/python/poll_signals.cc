// SPDX-License-Identifier: Apache-2.0
#include "python/poll_signals.h"

#include <cerrno>
#include <ctime>

#include "net/signal_source.h"
#include "python/gil.h"

namespace uwsgi {

bool PollForSignals(std::vector<pollfd>& queues, int timeout_ms) {
  const timespec timeout{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  int ready = 0;
  int error = 0;
  if (PyErr_CheckSignals() != 0) return false;
  {
    const SignalMask quiet;
    if (PyErr_CheckSignals() != 0) return false;
    GilRelease unlocked;
    ready =
        ::ppoll(queues.data(), queues.size(), timeout_ms < 0 ? nullptr : &timeout, &quiet.before());
    error = errno;
  }
  if (ready >= 0) return true;
  for (pollfd& queue : queues) queue.revents = 0;
  if (error == EINTR) return PyErr_CheckSignals() == 0;
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

}  // namespace uwsgi
