// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace uwsgi {

class Alarms;
class Caches;
class Metrics;
class CronBoard;
struct HelperSlot;
class MuleLink;
class SignalRouter;
class SignalTriggers;
class Spoolers;
class MessageQueue;
class RpcTable;
class SharedAreas;
class UserLocks;

// What the server offers to applications beside requests. Made before the first fork, owned by
// cli/service_set, never changed afterwards; null: not configured.
struct Services {
  UserLocks* locks = nullptr;
  Caches* caches = nullptr;  // never null in a server, but may have no cache
  Metrics* metrics = nullptr;
  SignalRouter* signals = nullptr;
  SignalTriggers* triggers = nullptr;
  MuleLink* mules = nullptr;
  CronBoard* crons = nullptr;
  std::span<HelperSlot> mule_slots;  // of mule 1, ...
  Spoolers* spoolers = nullptr;
  MessageQueue* queue = nullptr;
  SharedAreas* areas = nullptr;
  RpcTable* rpc = nullptr;
  Alarms* alarms = nullptr;
};

}  // namespace uwsgi
