// SPDX-License-Identifier: Apache-2.0
#include "net/listener_set.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

ListenerSpec Spec(std::string address, int line) {
  return {.protocol = ListenerProtocol::kHttpSocket,
          .address = std::move(address),
          .option = "http-socket",
          .origin = fmt::format("a.ini:{}", line)};
}

ListenerSpec Shared(std::string address) {
  ListenerSpec spec = Spec(std::move(address), 1);
  spec.option = "shared-socket";
  spec.is_shared = true;
  return spec;
}

ListenerSpec Mapped(int index, int line) {
  ListenerSpec spec = Spec(fmt::format("={}", index), line);
  spec.shared_index = index;
  return spec;
}

std::string ErrorOf(const std::vector<ListenerSpec>& specs) {
  const auto set = ListenerSet::Bind(specs);
  return set ? "bound" : set.error().text();
}

bool ClosesOnExec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

TEST(ListenerSet, BindsAllInOrder) {
  const TempDir dir;
  const std::vector specs{Spec("127.0.0.1:0", 1), Spec(dir / "x.sock", 2)};
  const ListenerSet set = ListenerSet::Bind(specs).value();
  ASSERT_EQ(set.listeners().size(), 2U);
  EXPECT_FALSE(set.listeners()[0].is_unix());
  EXPECT_TRUE(set.listeners()[1].is_unix());
  EXPECT_EQ(set.pointers()[1], &set.listeners()[1]);
}

TEST(ListenerSet, HttpListenersAreNotCounted) {
  ListenerSpec http = Spec("127.0.0.1:0", 1);
  http.protocol = ListenerProtocol::kHttp;
  const ListenerSet set =
      ListenerSet::Bind(std::vector{http, Spec("127.0.0.1:0", 2), Spec("127.0.0.1:0", 3)}).value();
  ASSERT_EQ(set.start_lines().size(), 3U);
  EXPECT_TRUE(set.start_lines()[0].starts_with("uWSGI http bound on 127.0.0.1:"));
  EXPECT_TRUE(set.start_lines()[1].starts_with("uwsgi socket 0 bound to TCP address"));
  EXPECT_TRUE(set.start_lines()[2].starts_with("uwsgi socket 1 bound to TCP address"));
}

TEST(ListenerSet, GivesASharedSocketToWhoNamesIt) {
  const ListenerSet set =
      ListenerSet::Bind(std::vector{Mapped(1, 5), Shared("127.0.0.1:0"), Shared("127.0.0.1:0")})
          .value();
  ASSERT_EQ(set.listeners().size(), 1U);
  const Listener& listener = set.listeners()[0];
  ASSERT_EQ(set.start_lines().size(), 3U);
  EXPECT_EQ(set.start_lines()[1],
            fmt::format("uwsgi shared socket 1 bound to TCP address {} (port auto-assigned) fd {}",
                        listener.name(), listener.fd()));
  EXPECT_EQ(set.start_lines()[2], fmt::format("uwsgi socket 0 mapped to shared socket 1 ({}) fd {}",
                                              listener.name(), listener.fd()));
}

TEST(ListenerSet, RefusesSharedSocketsThatAreNotThereOrTaken) {
  EXPECT_EQ(ErrorOf({Mapped(0, 5)}), "unable to use shared socket 0 [http-socket = =0, a.ini:5]");
  EXPECT_EQ(ErrorOf({Shared("127.0.0.1:0"), Mapped(0, 5), Mapped(0, 6)}),
            "the same address is given twice: [http-socket = =0, a.ini:5] and "
            "[http-socket = =0, a.ini:6]");
}

TEST(ListenerSet, TheSameAddressTwiceNamesBothPlaces) {
  const TempDir dir;
  const std::string path = dir / "x.sock";
  const std::string detour = dir / "./x.sock";
  EXPECT_EQ(ErrorOf({Spec(path, 3), Spec(detour, 4)}),
            fmt::format("the same address is given twice: [http-socket = {}, a.ini:3] and "
                        "[http-socket = {}, a.ini:4]",
                        path, detour));
}

TEST(ListenerSet, AnyAddressClashesWithEachOfThePort) {
  int port = 0;
  {
    const Listener free = Listener::Bind(Spec("127.0.0.1:0", 1)).value();
    port = free.port();
  }
  const std::string one = fmt::format("127.0.0.1:{}", port);
  const std::string any = fmt::format(":{}", port);
  EXPECT_TRUE(ErrorOf({Spec(one, 1), Spec(any, 2)}).starts_with("the same address is given twice"));
}

TEST(ListenerSet, PortsOfTheKernelsChoiceNeverClash) {
  EXPECT_EQ(ErrorOf({Spec("127.0.0.1:0", 1), Spec("127.0.0.1:0", 2)}), "bound");
}

TEST(ListenerSet, ASuccessorTakesOverWhatWasHandedOver) {
  const TempDir dir;
  const std::vector specs{Spec("127.0.0.1:0", 1), Spec(dir / "x.sock", 2), Shared("127.0.0.1:"),
                          Mapped(0, 4)};
  const ListenerSet first = ListenerSet::Bind(specs).value();
  const std::vector<std::string> texts = first.HandOver().value();
  std::vector<int> ports;
  // As an exec would do it: the same descriptors (copies here, since both live in this process).
  std::vector<std::string> copied;
  for (const Listener& listener : first.listeners()) {
    EXPECT_FALSE(ClosesOnExec(listener.fd()));
    ports.push_back(listener.port());
    EXPECT_EQ(std::ranges::count(texts, fmt::format("{} 0 {}", listener.fd(), listener.bound_as())),
              1);
    copied.push_back(fmt::format("{} 0 {}", ::dup(listener.fd()), listener.bound_as()));
  }
  const ListenerSet second = ListenerSet::Bind(specs, ParseHandOver(copied)).value();
  ASSERT_EQ(second.listeners().size(), 3U);
  for (size_t i = 0; i < ports.size(); ++i) {
    EXPECT_EQ(second.listeners()[i].port(), ports[i]);
    EXPECT_EQ(second.listeners()[i].source(), ListenerSource::kPredecessor);
    EXPECT_TRUE(ClosesOnExec(second.listeners()[i].fd()));
  }
  EXPECT_TRUE(second.listeners()[1].RemoveFile()) << "the file's inode is known";
  ASSERT_TRUE(first.TakeBack());
  EXPECT_TRUE(ClosesOnExec(first.listeners()[0].fd()));
}

TEST(ListenerSet, ASuccessorClosesWhatIsNotConfiguredAnyMore) {
  Listener old = Listener::Bind(Spec("127.0.0.1:0", 1)).value();
  const SocketAddress address = old.address();
  std::vector<InheritedSocket> inherited =
      ParseHandOver(std::vector{fmt::format("{} 0 127.0.0.1:0", ::dup(old.fd()))});
  ASSERT_EQ(inherited.size(), 1U);
  { const Listener gone = std::move(old); }
  const TempDir dir;
  const ListenerSet set =
      ListenerSet::Bind(std::vector{Spec(dir / "x.sock", 1)}, std::move(inherited)).value();
  EXPECT_EQ(set.listeners().size(), 1U);
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(::connect(client.get(), address.get(), address.length), 0);
}

TEST(ListenerSet, AnInheritedUnixSocketWhoseFileIsGoneIsOpenedAnew) {
  const TempDir dir;
  const std::vector specs{Spec(dir / "x.sock", 1)};
  const ListenerSet first = ListenerSet::Bind(specs).value();
  const std::vector copied{
      fmt::format("{} 0 {}", ::dup(first.listeners()[0].fd()), specs[0].address)};
  ASSERT_TRUE(first.listeners()[0].RemoveFile());
  const ListenerSet second = ListenerSet::Bind(specs, ParseHandOver(copied)).value();
  EXPECT_EQ(second.listeners()[0].source(), ListenerSource::kBound);
  EXPECT_TRUE(std::filesystem::exists(dir / "x.sock"));
}

TEST(ListenerSet, SocketsFromOutsideServeTheSpecOfTheirAddressOrTheExtraOne) {
  Listener configured = Listener::Bind(Spec("127.0.0.1:0", 1)).value();
  Listener unknown = Listener::Bind(Spec("127.0.0.1:0", 1)).value();
  std::vector<InheritedSocket> inherited;
  for (const Listener* listener : {&configured, &unknown}) {
    inherited.push_back({UniqueFd(::dup(listener->fd())), ListenerSource::kActivation, ""});
  }
  ListenerSpec extra;
  extra.protocol = ListenerProtocol::kUwsgi;
  const ListenerSet set =
      ListenerSet::Bind(std::vector{Spec(configured.name(), 1)}, std::move(inherited), extra)
          .value();
  ASSERT_EQ(set.listeners().size(), 2U);
  EXPECT_EQ(set.listeners()[0].name(), unknown.name()) << "extra ones come first";
  EXPECT_EQ(set.listeners()[0].spec().protocol, ListenerProtocol::kUwsgi);
  EXPECT_EQ(set.listeners()[1].name(), configured.name());
  EXPECT_EQ(set.listeners()[1].spec().protocol, ListenerProtocol::kHttpSocket);
  EXPECT_TRUE(set.start_lines()[0].starts_with("uwsgi socket 0 attached to INET address"));
}

TEST(ListenerSet, AdoptsTheDescriptorThatAnAddressNames) {
  const Listener open = Listener::Bind(Spec("127.0.0.1:0", 1)).value();
  const int copy = ::dup(open.fd());
  const ListenerSet set =
      ListenerSet::Bind(std::vector{Spec(fmt::format("fd://{}", copy), 1)}).value();
  EXPECT_EQ(set.listeners()[0].fd(), copy);
  EXPECT_EQ(set.listeners()[0].name(), open.name());
  EXPECT_EQ(ErrorOf({Spec("fd://9999", 3)}),
            "descriptor 9999 is not a listening socket [http-socket = fd://9999, a.ini:3]");
}

TEST(HandOver, LeavesOutWhatIsNoListeningSocket) {
  const std::vector<std::string> texts{"", "9999 0 :80", "x 0 :80", "1", "1 9 :80", "0"};
  EXPECT_TRUE(ParseHandOver(texts).empty());
}

TEST(ActivatedSockets, AreForThisProcessOnly) {
  EXPECT_TRUE(TakeActivatedSockets("1", "2").empty());
  EXPECT_TRUE(TakeActivatedSockets("", "").empty());
  EXPECT_TRUE(TakeActivatedSockets(std::to_string(::getpid()), "99999999999").empty());
}

// In a child, since it moves descriptor 0. 0 when all is well.
int ChildWithSocketOnStandardInput() {
  const Listener open = Listener::Bind(Spec("127.0.0.1:0", 1)).value();
  ::dup2(open.fd(), STDIN_FILENO);
  auto taken = TakeStandardInput();
  if (!taken || taken->size() != 1) return 1;
  if (TakeStandardInput()->size() != 0) return 2;
  char byte = 0;
  if (::read(STDIN_FILENO, &byte, 1) != 0) return 3;
  const auto set = ListenerSet::Bind({}, std::move(*taken));
  if (!set || set->listeners().size() != 1) return 4;
  if (set->listeners()[0].name() != open.name()) return 5;
  return set->listeners()[0].source() == ListenerSource::kStandardInput ? 0 : 6;
}

TEST(StandardInput, BecomesAListenerWhenItListens) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(ChildWithSocketOnStandardInput());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "exit status " << WEXITSTATUS(status);
}

}  // namespace
}  // namespace uwsgi
