// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/py.h"

namespace uwsgi {

// What of a request gives back the GIL while it waits for the client is used by one thread at a
// time: an application may have passed wsgi.input or write() on to other threads, some of which are
// still inside when it returns. Everything needs the GIL.
class Turns {
 public:
  void Begin() { is_over_ = false; }
  // The request ends: whoever waits for a turn is sent away, and who has it is waited for.
  void End();
  [[nodiscard]] bool is_taken() const { return is_taken_; }

 private:
  friend class Turn;
  bool is_taken_ = false;
  bool is_over_ = false;
  int waiting_ = 0;
  unsigned long owner_ = 0;  // the thread that has the turn
};

// A turn, for a scope that may wait.
class Turn {
 public:
  explicit Turn(Turns& turns);
  ~Turn() {
    if (turns_ != nullptr) turns_->is_taken_ = false;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // False: an exception is set, and the request, which may have ended, must not be touched.
  explicit operator bool() const { return turns_ != nullptr; }

 private:
  Turns* turns_ = nullptr;
};

}  // namespace uwsgi
