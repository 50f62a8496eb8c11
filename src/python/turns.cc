// SPDX-License-Identifier: Apache-2.0
#include "python/turns.h"

#include <unistd.h>

#include "python/gil.h"

namespace uwsgi {
namespace {

constexpr useconds_t kLookAgainUs = 1000;

// Rare enough to be looked at again and again.
void LetOthersRun() {
  GilRelease unlocked;
  ::usleep(kLookAgainUs);
}

}  // namespace

void Turns::End() {
  is_over_ = true;
  while (is_taken_ || waiting_ > 0) LetOthersRun();
}

Turn::Turn(Turns& turns) {
  const unsigned long self = PyThread_get_thread_ident();
  if (turns.is_taken_ && turns.owner_ == self) {
    PyErr_SetString(PyExc_RuntimeError, "reentrant use of a request's input or write()");
    return;
  }
  if (turns.is_taken_) {
    ++turns.waiting_;
    while (turns.is_taken_ && !turns.is_over_) LetOthersRun();
    --turns.waiting_;
  }
  if (turns.is_over_) {
    PyErr_SetString(PyExc_RuntimeError, "the request has ended");
    return;
  }
  turns.is_taken_ = true;
  turns.owner_ = self;
  turns_ = &turns;
}

}  // namespace uwsgi
