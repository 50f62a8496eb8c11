// SPDX-License-Identifier: Apache-2.0
#include "service/signal_target.h"

#include <fmt/format.h>

#include <optional>

#include "base/strings.h"

namespace uwsgi {
namespace {

struct FixedTarget {
  std::string_view text;
  SignalTargetKind kind;
};

constexpr FixedTarget kFixedTargets[] = {
    {"", SignalTargetKind::kAnyWorker},
    {"worker", SignalTargetKind::kAnyWorker},
    {"worker0", SignalTargetKind::kAnyWorker},
    {"workers", SignalTargetKind::kEveryWorker},
    {"active-workers", SignalTargetKind::kActiveWorkers},
    {"mule", SignalTargetKind::kAnyMule},
    {"mule0", SignalTargetKind::kAnyMule},
    {"mules", SignalTargetKind::kEveryMule},
    {"spooler", SignalTargetKind::kSpooler},
    {"subscribed", SignalTargetKind::kSubscribed},
};

// The number behind a word: "worker12" is 12.
std::optional<int64_t> NumberAfter(std::string_view text, std::string_view word) {
  if (!StartsWith(text, word)) return std::nullopt;
  return ParseInt(text.substr(word.size()));
}

SignalTarget OneOf(SignalTargetKind kind, int64_t id, int how_many) {
  if (id < 1 || id > how_many) return {SignalTargetKind::kMissing, 0};
  return {kind, static_cast<int>(id)};
}

SignalTarget FarmCalled(std::string_view name, const std::vector<Farm>& farms) {
  for (size_t i = 0; i < farms.size(); ++i) {
    if (farms[i].name == name) return {SignalTargetKind::kFarm, static_cast<int>(i + 1)};
  }
  return {SignalTargetKind::kMissing, 0};
}

bool HasReceiver(SignalTargetKind kind, const SignalReceivers& receivers) {
  switch (kind) {
    case SignalTargetKind::kAnyMule:
    case SignalTargetKind::kEveryMule:
      return receivers.mules > 0;
    case SignalTargetKind::kSpooler:
      return receivers.has_spooler;
    default:
      return true;
  }
}

}  // namespace

SignalTarget ParseSignalTarget(std::string_view text, const SignalReceivers& receivers) {
  for (const FixedTarget& fixed : kFixedTargets) {
    if (fixed.text != text) continue;
    return {HasReceiver(fixed.kind, receivers) ? fixed.kind : SignalTargetKind::kMissing, 0};
  }
  if (const auto id = NumberAfter(text, "worker"))
    return OneOf(SignalTargetKind::kWorker, *id, receivers.workers);
  if (const auto id = NumberAfter(text, "mule"))
    return OneOf(SignalTargetKind::kMule, *id, receivers.mules);
  if (StartsWith(text, "farm_")) return FarmCalled(text.substr(5), receivers.farms);
  if (const auto id = NumberAfter(text, "farm"))
    return OneOf(SignalTargetKind::kFarm, *id, static_cast<int>(receivers.farms.size()));
  return {SignalTargetKind::kUnsupported, 0};
}

std::string DescribeUndeliverable(SignalTargetKind kind, std::string_view text) {
  if (kind == SignalTargetKind::kMissing) return fmt::format("invalid signal target: {}", text);
  return fmt::format("^^^ UNSUPPORTED SIGNAL TARGET: {} ^^^", text);
}

}  // namespace uwsgi
