// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "process/duty.h"
#include "process/stats_plan.h"

namespace uwsgi {

// Sends statistics regularly, without being asked (stats-push): the document to a file, metrics as
// datagrams. A datagram that the system does not take is lost; nothing is waited for.
class StatsPush final : public Duty {
 public:
  explicit StatsPush(const StatsSpec& spec) : spec_(spec) {}

  Status Begin(MasterDesk& desk) override;
  void LeaveInChild() override { sockets_.clear(); }

 private:
  void Push(size_t index);
  void WriteFile(const PushSpec& push);
  void SendMetrics(const PushSpec& push, int fd);

  const StatsSpec& spec_;
  MasterDesk* desk_ = nullptr;
  std::vector<UniqueFd> sockets_;  // one for each pusher; none for a file
  bool complained_ = false;
};

// Sends figures to carbon servers over TCP, one short connection each time. A server that does not
// answer in time gets a few more attempts and then nothing until the next time.
class CarbonPush final : public Duty {
 public:
  explicit CarbonPush(const StatsSpec& spec);
  ~CarbonPush() override;

  Status Begin(MasterDesk& desk) override;
  void LeaveInChild() override;

 private:
  struct Delivery;
  void Deliver();
  void Start(Delivery& delivery);
  void Continue(Delivery& delivery);
  void Fail(Delivery& delivery, int error);
  void Finish(Delivery& delivery);

  const StatsSpec& spec_;
  MasterDesk* desk_ = nullptr;
  std::string host_;
  std::string id_;
  std::vector<std::unique_ptr<Delivery>> deliveries_;  // one for each server
};

}  // namespace uwsgi
