// SPDX-License-Identifier: Apache-2.0
#include "worker/succession.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "testing/connection_harness.h"
#include "testing/worker_harness.h"

namespace uwsgi {
namespace {

constexpr std::string_view kGet = "GET /waits HTTP/1.1\r\nHost: x\r\n\r\n";

// Two programs, one after the other, in one process.
struct SuccessionTest : testing::Test {
  SuccessionTest() {
    waiting.on_ready = [](Connection&) { return true; };
  }

  // What the next program would have after its exec.
  static std::unique_ptr<Succession> Follow(Succession& before,
                                            std::vector<const Listener*> listeners) {
    std::vector<int> copies;
    for (const int fd : before.HandOver()) copies.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    return Succession::Create(std::move(listeners), copies).value();
  }

  Listener listener = ListenSomewhere();
  std::unique_ptr<Succession> old = Succession::Create({&listener}, {}).value();
  ConnectionHarness waiting{[](Request&, Response&) {}};  // at listener 0
};

TEST_F(SuccessionTest, NothingIsGivenToWhoHasNotInvited) {
  const auto heirs = Follow(*old, {&listener});
  EXPECT_FALSE(old->has_heirs());
  heirs->Invite();
  EXPECT_TRUE(old->has_heirs());
}

TEST_F(SuccessionTest, ARequestArrivesWholeAtTheListenerOfItsAddress) {
  ListenerSpec other;
  other.protocol = ListenerProtocol::kUwsgi;
  other.address = "127.0.0.1:0";
  const Listener elsewhere = std::move(Listener::Bind(other)).value();
  const auto heirs = Follow(*old, {&elsewhere, &listener});
  heirs->Invite();
  ASSERT_TRUE(old->has_heirs());
  waiting.Talk(kGet);
  ASSERT_TRUE(old->Give(waiting.connection()));
  const auto moved = Succession::Take(heirs->inlets().front()).value();
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->front, 1);
  EXPECT_EQ(moved->bytes, kGet);
  EXPECT_EQ(moved->moves, 1);
}

TEST_F(SuccessionTest, ARequestStaysWhenNobodyListensThereAnyMore) {
  const auto heirs = Follow(*old, {});
  heirs->Invite();
  ASSERT_TRUE(old->has_heirs());
  waiting.Talk(kGet);
  EXPECT_FALSE(old->Give(waiting.connection()));
}

TEST_F(SuccessionTest, WhatIsRefusedStaysAndWhatWasGivenBeforeArrives) {
  const auto heirs = Follow(*old, {&listener});
  heirs->Invite();
  ASSERT_TRUE(old->has_heirs());
  waiting.Talk(kGet);
  ASSERT_TRUE(old->Give(waiting.connection()));
  heirs->RefuseLetters();
  EXPECT_FALSE(old->Give(waiting.connection()));
  EXPECT_FALSE(old->has_heirs());
  EXPECT_TRUE(Succession::Take(heirs->inlets().front()).value());
  EXPECT_FALSE(Succession::Take(heirs->inlets().front()));  // its end
}

TEST_F(SuccessionTest, WhoIsFollowedBeforeItHasInvitedPassesTheInletsOn) {
  const auto never_ready = Follow(*old, {&listener});
  const auto heirs = Follow(*never_ready, {&listener});
  EXPECT_EQ(heirs->inlets().size(), 2U);
  heirs->Invite();
  EXPECT_TRUE(old->has_heirs());
  EXPECT_TRUE(never_ready->has_heirs());
}

TEST_F(SuccessionTest, WhoHasInvitedPassesOnlyItsOwnOn) {
  const auto heirs = Follow(*old, {&listener});
  heirs->Invite();
  EXPECT_EQ(heirs->HandOver().size(), 1U);
  ASSERT_TRUE(old->has_heirs());
  waiting.Talk(kGet);
  EXPECT_FALSE(old->Give(waiting.connection()));
}

}  // namespace
}  // namespace uwsgi
