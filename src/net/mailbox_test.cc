// SPDX-License-Identifier: Apache-2.0
#include "net/mailbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace uwsgi {
namespace {

TEST(Mailbox, KeepsMessagesApartAndInOrder) {
  auto [here, there] = Mailbox::CreatePair().value();
  ASSERT_EQ(here.Send("one").value(), Mailbox::Sent::kYes);
  ASSERT_EQ(here.Send(std::string("t\0o", 3)).value(), Mailbox::Sent::kYes);
  EXPECT_EQ(there.Receive().value()->bytes, "one");
  EXPECT_EQ(there.Receive().value()->bytes, std::string("t\0o", 3));
  EXPECT_FALSE(there.Receive().value().has_value());
}

TEST(Mailbox, CarriesTheLargestMessageAndRefusesOthers) {
  auto [here, there] = Mailbox::CreatePair().value();
  const std::string largest(Mailbox::kMaxBytes, 'x');
  ASSERT_EQ(here.Send(largest).value(), Mailbox::Sent::kYes);
  EXPECT_EQ(there.Receive().value()->bytes, largest);
  EXPECT_FALSE(here.Send(largest + "x"));
  EXPECT_FALSE(here.Send(""));
}

TEST(Mailbox, CarriesADescriptorToAnotherProcess) {
  auto [parent, child_end] = Mailbox::CreatePair().value();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    FdPair pipe = MakePipe().value();
    const bool written = ::write(pipe.second.get(), "from the child", 14) == 14;
    const auto sent = child_end.Send("a pipe", pipe.first.get());
    ::_exit(written && sent && *sent == Mailbox::Sent::kYes ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const Message message = std::move(*parent.Receive().value());
  EXPECT_EQ(message.bytes, "a pipe");
  ASSERT_TRUE(message.fd.valid());
  EXPECT_TRUE(::fcntl(message.fd.get(), F_GETFD) & FD_CLOEXEC);
  char text[32];
  EXPECT_EQ(::read(message.fd.get(), text, sizeof text), 14);
}

TEST(Mailbox, MessagesWithoutADescriptorHaveNone) {
  auto [here, there] = Mailbox::CreatePair().value();
  ASSERT_TRUE(here.Send("bare"));
  EXPECT_FALSE(there.Receive().value()->fd.valid());
}

TEST(Mailbox, SaysWhenTheOtherSideIsSlow) {
  auto [here, there] = Mailbox::CreatePair().value();
  const std::string bytes(10000, 'x');
  int sent = 0;
  while (here.Send(bytes).value() == Mailbox::Sent::kYes) ASSERT_LT(++sent, 10000);
  EXPECT_EQ(here.Send(bytes).value(), Mailbox::Sent::kFull);
  ASSERT_TRUE(there.Receive());
  EXPECT_EQ(here.Send(bytes).value(), Mailbox::Sent::kYes);
}

TEST(Mailbox, SaysWhenTheOtherSideIsGoneAfterTheLastMessage) {
  auto [here, there] = Mailbox::CreatePair().value();
  ASSERT_TRUE(there.Send("last words"));
  { const Mailbox gone = std::move(there); }
  EXPECT_EQ(here.Send("anybody?").value(), Mailbox::Sent::kClosed);
  EXPECT_EQ(here.Receive().value()->bytes, "last words");
  EXPECT_FALSE(here.Receive());
}

TEST(Mailbox, AMessageThatIsLookedAtStaysForWhoReceivesIt) {
  auto [here, there] = Mailbox::CreatePair().value();
  EXPECT_FALSE(there.Peek());
  ASSERT_TRUE(here.Send("look"));
  EXPECT_EQ(there.Peek(), "look");
  EXPECT_EQ(there.Peek(), "look");
  EXPECT_EQ(there.Receive().value()->bytes, "look");
  EXPECT_FALSE(there.Peek());
}

TEST(Mailbox, WhoRefusesMoreStillGetsWhatWasSentBefore) {
  auto [here, there] = Mailbox::CreatePair().value();
  ASSERT_TRUE(here.Send("in time"));
  there.RefuseMore();
  EXPECT_EQ(here.Send("too late").value(), Mailbox::Sent::kClosed);
  EXPECT_EQ(there.Receive().value()->bytes, "in time");
  EXPECT_FALSE(there.Receive());
}

TEST(Mailbox, ASenderThatGoesWithoutReadingLosesNothingOfWhatItSent) {
  auto [here, there] = Mailbox::CreatePair().value();
  ASSERT_TRUE(there.Send("never read"));
  ASSERT_TRUE(here.Send("last words"));
  { const Mailbox gone = std::move(here); }
  EXPECT_EQ(there.Receive().value()->bytes, "last words");
  EXPECT_FALSE(there.Receive());
}

}  // namespace
}  // namespace uwsgi
