// SPDX-License-Identifier: Apache-2.0
#include "cli/hook_services.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "service/alarm.h"
#include "service/rpc_client.h"
#include "service/rpc_table.h"

namespace uwsgi {
namespace {

Status RaiseAlarm(const Alarms& alarms, std::string_view name, std::string_view text) {
  if (alarms.Raise(name, text)) return {};
  return Fail(
      "the alarm {} cannot be raised: it is not known, there is no master, or too many wait", name);
}

// `NAME` is a function of this process, `NAME@ADDRESS` one of another server.
Result<std::string> CallFunction(const RpcTable& local, const std::string& function,
                                 const std::vector<std::string>& args, int64_t seconds) {
  const size_t at = function.find('@');
  const std::string name = function.substr(0, at);
  const int64_t timeout_ms = std::min(seconds * 1000, PacketClient::kUsualTimeoutMs);
  const std::vector<ByteView> views(args.begin(), args.end());
  std::optional<std::string> answer =
      at == std::string::npos ? local.Call(name, views)
                              : CallRemote(function.substr(at + 1), name, views, timeout_ms);
  if (!answer) return Fail("unable to call rpc function {}", function);
  return *std::move(answer);
}

}  // namespace

void OfferToHooks(const Services& services, HookServices& hooks) {
  hooks.raise_alarm = [alarms = services.alarms](std::string_view name, std::string_view text) {
    return RaiseAlarm(*alarms, name, text);
  };
  hooks.call_rpc = [rpc = services.rpc](const std::string& function, std::vector<std::string> args,
                                        int64_t seconds) {
    return CallFunction(*rpc, function, args, seconds);
  };
}

void TakeFromHooks(HookServices& hooks) {
  hooks.raise_alarm = {};
  hooks.call_rpc = {};
}

}  // namespace uwsgi
