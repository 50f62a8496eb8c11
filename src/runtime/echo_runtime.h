// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "runtime/language_runtime.h"

namespace uwsgi {

// A language without programs, for tests of what lies below languages: each request is answered
// with its method, its path and its body. The calls around forks are counted.
class EchoRuntime : public LanguageRuntime {
 public:
  [[nodiscard]] std::string_view name() const override { return "echo"; }
  Status Start() override { return {}; }
  Status LoadApps() override { return {}; }
  [[nodiscard]] std::vector<AppInfo> apps() const override;
  void BeforeFork() override { ++before_fork; }
  void AfterForkParent() override { ++after_fork_parent; }
  void AfterForkChild() override { ++after_fork_child; }
  Status StartWorker() override { return {}; }
  std::optional<int> StartMule() override { return std::nullopt; }
  int RunMuleProgram(const std::string&) override { return 0; }
  void HandleMuleMessage(int, std::string_view) override {}
  bool HandleSignal(int, uint8_t, int64_t) override { return true; }
  Status StartSpooler() override { return {}; }
  SpoolResult RunSpoolTask(const SpoolTask&, std::string_view) override {
    return {SpoolVerdict::kDone, {}};
  }
  void StartCore(int) override {}
  void EndCore(int) override {}
  RequestResult Handle(int core, Request& request, Response& response) override;
  void BeforeWait(int) override {}
  std::string DescribeThreads() override { return {}; }
  void End() override {}

  int before_fork = 0;
  int after_fork_parent = 0;
  int after_fork_child = 0;

 private:
  std::atomic<uint64_t> requests_{0};
};

}  // namespace uwsgi
