// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace uwsgi {

// The kinds of process that a master has under it.
enum class ChildKind : uint8_t {
  kWorker,       // serves requests
  kPredecessor,  // a worker of before the reload, which finishes its requests
  kMule,         // runs what applications give it: messages, signals, scripts
  kSpooler,      // works off the tasks of a spool directory
  kOldHelper,    // a mule or spooler of before the reload, which finishes what it does
};

enum class Restart : uint8_t { kAlways, kNever };

struct ChildKindRow {
  ChildKind kind;
  std::string_view name;
  Restart restart;
  bool runs_app_code;
};

// clang-format off
inline constexpr ChildKindRow kChildKinds[] = {
    // kind                   name       restart           runs app code
    {ChildKind::kWorker,      "worker",  Restart::kAlways, true},
    {ChildKind::kPredecessor, "worker",  Restart::kNever,  true},
    {ChildKind::kMule,        "mule",    Restart::kAlways, true},
    {ChildKind::kSpooler,     "spooler", Restart::kAlways, true},
    {ChildKind::kOldHelper,   "helper",  Restart::kNever,  true},
};
// clang-format on

constexpr const ChildKindRow& RowOf(ChildKind kind) {
  return kChildKinds[static_cast<size_t>(kind)];
}

}  // namespace uwsgi
