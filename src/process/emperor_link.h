// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"
#include "process/duty.h"
#include "process/emperor_protocol.h"
#include "process/hooks.h"

namespace uwsgi {

// Whether this process was started by an Emperor, and how to talk to it, from the environment. The
// descriptor goes away at exec from then on. Once, before anything else opens descriptors.
VassalSpec TakeEmperorChannel(bool is_trial);

// What is different for a vassal: it has a master, and stays in the foreground, where its Emperor
// sees it end.
void BecomeVassal(ProcessSpec& spec, const VassalSpec& vassal);

// A vassal's side of the talk with its Emperor: says how far it has come, obeys, and ends in order
// when the Emperor is gone.
class EmperorLink final : public Duty {
 public:
  explicit EmperorLink(const VassalSpec& spec) : fd_(spec.fd), heartbeat_us_(spec.heartbeat_us) {}
  EmperorLink(const EmperorLink&) = delete;
  EmperorLink& operator=(const EmperorLink&) = delete;
  // The channel outlives the master: what the process becomes next has the same Emperor.
  ~EmperorLink() override { static_cast<void>(fd_.Release()); }

  Status Begin(MasterDesk& desk) override;
  void OnStarted() override;
  bool OnCommand(MasterCommand command) override;
  void BeforeExec() override;
  void LeaveInChild() override;

 private:
  void Say(VassalNews news) const;
  void Listen();
  void Obey(uint8_t order);
  void RunHooks(HookPhase phase);
  void AnnounceLoyalty();

  UniqueFd fd_;
  int64_t heartbeat_us_;
  MasterDesk* desk_ = nullptr;
  WatchId watch_ = 0;
  TimerId loyalty_timer_ = 0;
};

}  // namespace uwsgi
