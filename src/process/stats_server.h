// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "net/listener.h"
#include "process/duty.h"
#include "process/stats_door.h"
#include "process/stats_plan.h"

namespace uwsgi {

// Serves the statistics on a socket of its own (reference 13): JSON to whoever connects and says
// nothing, and over HTTP a page for browsers, JSON, Prometheus metrics and the state of health. One
// document serves all who ask at about the same time.
class StatsServer final : public Duty {
 public:
  explicit StatsServer(const StatsSpec& spec) : spec_(spec) {}
  ~StatsServer() override;

  // Also without `stats`: the socket of the program before a reload may have to be closed.
  Status Begin(MasterDesk& desk) override;
  void BeforeExec() override;
  void LeaveNotes(HandOver& state) override;
  void ListFiles(std::vector<std::string>& paths) const override {
    if (listener_ && !listener_->path().empty()) paths.push_back(listener_->path());
  }
  void LeaveInChild() override;

 private:
  using Body = std::shared_ptr<const std::string>;
  // A body that is good for everybody who asks soon enough.
  struct Kept {
    Body body;
    int64_t made_us = 0;
  };

  [[nodiscard]] UniqueFd Inherited() const;
  void AdmitInherited();
  Result<Listener> OpenListener() const;
  [[nodiscard]] StatsAnswer AnswerTo(const StatsRequest& request);
  [[nodiscard]] Body Document();
  [[nodiscard]] Body MetricsText();
  [[nodiscard]] StatsAnswer Health(std::string_view problem) const;
  void LookAtMemory();

  const StatsSpec& spec_;
  MasterDesk* desk_ = nullptr;
  std::optional<Listener> listener_;
  std::unique_ptr<StatsDoor> door_;
  Kept document_;
  Kept metrics_;
  int64_t measured_us_ = 0;
};

}  // namespace uwsgi
