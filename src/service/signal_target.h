// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace uwsgi {

// A named group of mules.
struct Farm {
  std::string name;
  std::vector<int> mules;  // ids, from 1
};

// The processes that user signals may go to.
struct SignalReceivers {
  int workers = 0;
  int mules = 0;
  std::vector<Farm> farms;
  bool has_spooler = false;
};

enum class SignalTargetKind : uint8_t {
  kAnyWorker,      // the first that is free
  kEveryWorker,    // also those that are not running: it waits for them
  kActiveWorkers,  // every worker that is running
  kWorker,
  kAnyMule,
  kEveryMule,
  kMule,
  kFarm,        // one mule of it
  kSpooler,     // one of them
  kSubscribed,  // accepted, and nobody
  kMissing,     // a process that this server does not have
  kUnsupported,
};

// Where a signal goes.
struct SignalTarget {
  SignalTargetKind kind = SignalTargetKind::kAnyWorker;
  int id = 0;  // of the worker, the mule or the farm, from 1
};

// Reads what register_signal() is given (reference 33 section 1.3); always an answer, since a
// target that means nothing is the operator's to repair, not the program's to fail on.
SignalTarget ParseSignalTarget(std::string_view text, const SignalReceivers& receivers);

// Whether anybody gets what is sent there.
constexpr bool CanDeliver(SignalTargetKind kind) {
  return kind != SignalTargetKind::kMissing && kind != SignalTargetKind::kUnsupported;
}
// The line for a target that nobody gets.
std::string DescribeUndeliverable(SignalTargetKind kind, std::string_view text);

}  // namespace uwsgi
