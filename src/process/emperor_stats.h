// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/function.h"
#include "base/result.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "process/emperor_plan.h"
#include "process/stats_door.h"
#include "process/vassal.h"
#include "process/vassal_blacklist.h"

namespace uwsgi {

// The statistics of an Emperor (reference 13 section 3).
std::string EmperorDocument(const EmperorSpec& spec, const std::map<std::string, Vassal>& vassals,
                            const VassalBlacklist& blacklist);

// Gives everybody who connects the document as it is then, over HTTP to those who ask for it so.
class EmperorStats {
 public:
  // The loop must outlive it.
  static Result<std::unique_ptr<EmperorStats>> Open(EventLoop& loop, const std::string& address,
                                                    const std::string& origin,
                                                    UniqueFunction<std::string()> document);
  EmperorStats(const EmperorStats&) = delete;
  EmperorStats& operator=(const EmperorStats&) = delete;
  ~EmperorStats();

 private:
  EmperorStats(Listener listener, UniqueFunction<std::string()> document)
      : listener_(std::move(listener)), document_(std::move(document)) {}
  StatsAnswer Answer(const StatsRequest& request);

  Listener listener_;
  UniqueFunction<std::string()> document_;
  std::optional<StatsDoor> door_;
};

}  // namespace uwsgi
