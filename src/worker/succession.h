// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/listener.h"
#include "net/mailbox.h"
#include "worker/letter.h"

namespace uwsgi {

// Hands connections with a waiting request to the next program, from workers that finish long
// requests of before a graceful reload and have no core for others. Each program makes one channel
// for the one after it: its workers hold the giving end, its master keeps the taking end over the
// exec. When the workers of the next program serve, its master invites: it says in the channel, to
// whom it may concern, which listeners it has. Made before the first fork.
class Succession {
 public:
  // `inlets`: taking ends that the programs before have left.
  static Result<std::unique_ptr<Succession>> Create(std::vector<const Listener*> listeners,
                                                    const std::vector<int>& inlets);

  // --- for the master ---
  // Our workers serve: those of before may give them what waits.
  void Invite();
  // What is given from now on stays where it is; what was given before can still be taken.
  void RefuseLetters();
  // Nobody of before is left.
  void Forget() { inlets_.clear(); }
  // The descriptors that the next program is to get. What we have invited comes to us only, and
  // nothing more of it.
  std::vector<int> HandOver();
  // In any child: the end of the channel that is for the next program.
  void LeaveInChild() { next_inlet_.reset(); }

  // --- for workers, on the thread that drives ---
  [[nodiscard]] std::span<Mailbox> inlets() { return inlets_; }
  // What has come; nullopt when nothing waits, an error when nothing will come any more.
  static Result<std::optional<MovedConnection>> Take(Mailbox& inlet);
  // Somebody has invited, and takes.
  bool has_heirs();
  // True when the connection has been given away: the caller closes what it has of it. Not when the
  // next program has no such listener.
  bool Give(const Connection& connection);

 private:
  Succession(std::vector<const Listener*> listeners, Mailbox::Pair channel)
      : listeners_(std::move(listeners)),
        outlet_(std::move(channel.first)),
        next_inlet_(std::move(channel.second)) {}
  void ReadInvitation(std::string_view invitation);

  std::vector<const Listener*> listeners_;
  Mailbox outlet_;
  std::optional<Mailbox> next_inlet_;  // the master's
  std::vector<Mailbox> inlets_;
  bool has_invited_ = false;
  bool is_invited_ = false;
  bool is_refused_ = false;
  std::vector<int> heirs_fronts_;  // of each listener: which one it is there, -1: none
};

}  // namespace uwsgi
