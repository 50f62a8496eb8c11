// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/function.h"
#include "base/result.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "process/emperor_plan.h"
#include "process/vassal.h"
#include "process/vassal_blacklist.h"

namespace uwsgi {

// The statistics of an Emperor (reference 13 section 3).
std::string EmperorDocument(const EmperorSpec& spec, const std::map<std::string, Vassal>& vassals,
                            const VassalBlacklist& blacklist);

// Gives everybody who connects the text as it is then, and closes. Who does not take it within some
// seconds loses it; of those who wait at a time there is a limit.
class StatsDoor {
 public:
  // The loop must outlive it.
  static Result<std::unique_ptr<StatsDoor>> Open(EventLoop& loop, const std::string& address,
                                                 const std::string& origin,
                                                 UniqueFunction<std::string()> text);
  StatsDoor(const StatsDoor&) = delete;
  StatsDoor& operator=(const StatsDoor&) = delete;
  ~StatsDoor();

 private:
  struct Client {
    UniqueFd socket;
    std::string left;
    WatchId watch = 0;
    TimerId deadline = 0;
  };

  StatsDoor(EventLoop& loop, Listener listener, UniqueFunction<std::string()> text)
      : loop_(loop), listener_(std::move(listener)), text_(std::move(text)) {}
  void Accept();
  void Give(uint64_t id);
  void Leave(uint64_t id);

  EventLoop& loop_;
  Listener listener_;
  UniqueFunction<std::string()> text_;
  WatchId watch_ = 0;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Client> clients_;
};

}  // namespace uwsgi
