// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "testing/worker_harness.h"

namespace uwsgi {
namespace {

class ErrandTest : public WorkerTest {
 protected:
  void ServeWithErrand(int threads, UniqueFunction<void(int core)> run) {
    auto pipe = MakePipe();
    ASSERT_TRUE(pipe);
    in_ = std::move(pipe->first);
    out_ = std::move(pipe->second);
    errands.push_back({in_.get(), std::move(run)});
    Serve(threads);
  }
  // The byte of one errand.
  void Ask() const { ASSERT_EQ(::write(out_.get(), "!", 1), 1); }
  char Take() const {
    char byte = 0;
    return ::read(in_.get(), &byte, 1) == 1 ? byte : '\0';
  }

 private:
  UniqueFd in_;
  UniqueFd out_;
};

TEST_F(ErrandTest, IsRunOnceForEachReason) {
  std::atomic<int> runs{0};
  Gate gate;
  ServeWithErrand(1, [&](int core) {
    EXPECT_EQ(core, 0);
    EXPECT_EQ(Take(), '!');
    if (++runs == 3) gate.Open();
  });
  for (int i = 0; i < 3; ++i) Ask();
  gate.Pass();
  EXPECT_EQ(Connect().Ask("/"), "/");
  EXPECT_EQ(runs, 3);
  Stop(SIGTERM);
}

TEST_F(ErrandTest, WaitsUntilTheOnlyCoreIsFree) {
  Gate slow;
  Gate done;
  AddGate("/slow", slow);
  ServeWithErrand(1, [&](int) {
    Take();
    done.Open();
  });
  Client client = Connect();
  client.Get("/slow");
  slow.AwaitArrivals(1);
  Ask();
  Client known = Connect();  // refused by the loop, so the errand has been seen
  known.Send("BAD\r\n\r\n");
  EXPECT_NE(known.Read(), "");
  slow.Open();
  done.Pass();
  EXPECT_NE(client.Read(), "");
  Stop(SIGTERM);
}

TEST_F(ErrandTest, DoesNotHoldUpRequestsWhileItIsSlow) {
  Gate errand;
  ServeWithErrand(2, [&](int) {
    Take();
    errand.Pass();
  });
  Ask();
  errand.AwaitArrivals(1);
  Client client = Connect();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.Ask("/"), "/");
  errand.Open();
  Stop(SIGTERM);  // the gate must not go before those who pass it
}

}  // namespace
}  // namespace uwsgi
