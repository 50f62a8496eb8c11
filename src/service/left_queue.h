// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace uwsgi {

// A queue of messages or user signals that the program before a reload has left: its processes
// still put into it and take out of it, so that each piece is taken once, by theirs or by ours.
struct LeftQueue {
  std::string name;  // see MuleLink and SignalRouter
  int taking = -1;
  int giving = -1;
};

}  // namespace uwsgi
