// SPDX-License-Identifier: Apache-2.0
#include "request/push_gate.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "base/unique_fd.h"

namespace uwsgi {
namespace {

class PushGateTest : public ::testing::Test {
 protected:
  PushGateTest() {
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    client.Reset(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    server.Reset(::accept(listener.get(), nullptr, nullptr));
    PushGate::Push(server.get());  // as the worker's sockets are: without Nagle's delay
  }

  // As a response does.
  void SendEnd() {
    const bool rests = gate.is_open_for(server.get());
    EXPECT_EQ(::send(server.get(), "end", 3, rests ? MSG_MORE : 0), 3);
    if (rests) gate.Hold(server.get());
  }
  bool ClientHasBytes(int wait_ms = 0) {
    pollfd waiting{client.get(), POLLIN, 0};
    return ::poll(&waiting, 1, wait_ms) == 1;
  }

  UniqueFd client;
  UniqueFd server;
  PushGate gate;
};

TEST_F(PushGateTest, WhatRestsLeavesWhenItIsPushed) {
  gate.Open(server.get());
  SendEnd();
  EXPECT_FALSE(ClientHasBytes());
  ASSERT_TRUE(gate.Close());
  PushGate::Push(server.get());
  EXPECT_TRUE(ClientHasBytes(5000));
}

TEST_F(PushGateTest, AShutGateLetsEverythingPass) {
  SendEnd();
  EXPECT_TRUE(ClientHasBytes(5000));
  gate.Open(server.get());
  gate.Shut();
  EXPECT_FALSE(gate.Close());
}

TEST_F(PushGateTest, TheWatcherSendsWhatRests) {
  gate.Open(server.get());
  SendEnd();
  gate.Shut();
  EXPECT_TRUE(ClientHasBytes(5000));
}

TEST_F(PushGateTest, NothingRestsWhenTheWatcherComesBetween) {
  gate.Open(server.get());
  ASSERT_TRUE(gate.is_open_for(server.get()));
  EXPECT_EQ(::send(server.get(), "end", 3, MSG_MORE), 3);
  gate.Shut();
  gate.Hold(server.get());
  EXPECT_TRUE(ClientHasBytes(5000));
  EXPECT_FALSE(gate.Close());
}

}  // namespace
}  // namespace uwsgi
