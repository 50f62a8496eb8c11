// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

ListenerSpec Spec(std::string address) {
  return {.protocol = ListenerProtocol::kHttpSocket,
          .address = std::move(address),
          .option = "http-socket",
          .origin = "site.ini:4"};
}

// A client's connection; invalid when it was refused.
UniqueFd Connect(const SocketAddress& to) {
  UniqueFd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), to.get(), to.length) != 0) fd.Reset();
  return fd;
}

int OptionOf(const Listener& listener, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(listener.fd(), level, name, &value, &size);
  return value;
}

mode_t ModeOf(const std::string& path) {
  struct stat file {};
  return ::lstat(path.c_str(), &file) == 0 ? file.st_mode & 07777 : 0;
}

std::string ErrorOf(const ListenerSpec& spec) {
  const auto bound = Listener::Bind(spec);
  return bound ? "bound" : bound.error().text();
}

TEST(Listener, ListensOnAPortOfTheKernelsChoice) {
  const Listener listener = Listener::Bind(Spec("127.0.0.1:0")).value();
  EXPECT_GT(listener.port(), 0);
  EXPECT_EQ(listener.name(), fmt::format("127.0.0.1:{}", listener.port()));
  EXPECT_TRUE(Connect(listener.address()).valid());
}

TEST(Listener, RefusesClientsWhenToldSo) {
  const Listener listener = Listener::Bind(Spec("127.0.0.1:0")).value();
  ASSERT_TRUE(Connect(listener.address()).valid());
  listener.RefuseClients();
  EXPECT_FALSE(Connect(listener.address()).valid());
}

TEST(Listener, OfAServiceManagerGoesOnListening) {
  Listener bound = Listener::Bind(Spec("127.0.0.1:0")).value();
  UniqueFd copy(::dup(bound.fd()));
  const Listener listener =
      Listener::Adopt(Spec("127.0.0.1:0"), std::move(copy), ListenerSource::kActivation).value();
  listener.RefuseClients();
  EXPECT_TRUE(Connect(bound.address()).valid());
}

TEST(Listener, IsNonBlockingAndCloseOnExec) {
  const Listener listener = Listener::Bind(Spec("127.0.0.1:0")).value();
  EXPECT_TRUE(::fcntl(listener.fd(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(listener.fd(), F_GETFD) & FD_CLOEXEC);
}

TEST(Listener, SetsWhatTheSpecAsksFor) {
  ListenerSpec spec = Spec("127.0.0.1:0");
  spec.reuse_port = true;
  spec.so_keepalive = true;
  spec.freebind = true;
  spec.rcvbuf = 20000;
  const Listener listener = Listener::Bind(spec).value();
  EXPECT_EQ(OptionOf(listener, SOL_SOCKET, SO_REUSEADDR), 1);
  EXPECT_EQ(OptionOf(listener, SOL_SOCKET, SO_REUSEPORT), 1);
  EXPECT_EQ(OptionOf(listener, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(OptionOf(listener, IPPROTO_IP, IP_FREEBIND), 1);
  EXPECT_EQ(OptionOf(listener, SOL_SOCKET, SO_RCVBUF), 40000);  // the kernel doubles it
  EXPECT_EQ(OptionOf(listener, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(Listener, TheQueueIsAsLongAsTheKernelAllowsUnlessAskedOtherwise) {
  const Listener longest = Listener::Bind(Spec("127.0.0.1:0")).value();
  EXPECT_EQ(longest.queue().limit, SystemBacklogLimit());
  ListenerSpec spec = Spec("127.0.0.1:0");
  spec.backlog = 7;
  const Listener listener = Listener::Bind(spec).value();
  EXPECT_EQ(listener.queue().limit, 7);
  const UniqueFd client = Connect(listener.address());
  EXPECT_EQ(listener.queue().waiting, 1);
}

TEST(Listener, TheQueueOfAUnixSocketIsKnown) {
  const TempDir dir;
  ListenerSpec spec = Spec((dir.path() / "s.sock").string());
  spec.backlog = 7;
  const Listener listener = Listener::Bind(spec).value();
  EXPECT_EQ(listener.queue().limit, 7);
  EXPECT_EQ(listener.queue().waiting, 0);
  const UniqueFd client = Connect(listener.address());
  EXPECT_EQ(listener.queue().waiting, 1);
}

TEST(Listener, APortInUseNamesTheOptionAndWhereItWasGiven) {
  const Listener first = Listener::Bind(Spec("127.0.0.1:0")).value();
  const std::string address = first.name();
  EXPECT_EQ(ErrorOf(Spec(address)),
            fmt::format("probably another instance of uWSGI is running on the same address ({}).\n"
                        "bind(): Address already in use [http-socket = {}, site.ini:4]",
                        address, address));
}

TEST(Listener, OtherErrorsNameTheOptionToo) {
  EXPECT_EQ(ErrorOf(Spec("/nonexistent/x.sock")),
            "bind(): No such file or directory [http-socket = /nonexistent/x.sock, site.ini:4]");
  EXPECT_EQ(ErrorOf(Spec("127.0.0.1:x")),
            "not a port: \"x\" in 127.0.0.1:x [http-socket = 127.0.0.1:x, site.ini:4]");
}

TEST(Listener, ListensOnAUnixPath) {
  const TempDir dir;
  const Listener listener = Listener::Bind(Spec(dir / "app.sock")).value();
  EXPECT_TRUE(listener.is_unix());
  EXPECT_EQ(listener.name(), dir / "app.sock");
  EXPECT_NE(listener.inode(), 0U);
  EXPECT_TRUE(Connect(listener.address()).valid());
}

TEST(Listener, AbstractNamesLeaveNoFile) {
  const TempDir dir;
  const std::string name = "@" + (dir / "abstract");
  const Listener listener = Listener::Bind(Spec(name)).value();
  EXPECT_EQ(listener.name(), name);
  EXPECT_TRUE(Connect(ParseSocketAddress(name).value()).valid());
  EXPECT_EQ(listener.inode(), 0U);
  EXPECT_TRUE(listener.RemoveFile());
}

TEST(Listener, TheModeIsWhatTheOptionSaysWhateverTheUmask) {
  const TempDir dir;
  ListenerSpec spec = Spec(dir / "app.sock");
  spec.chmod = 0666;
  const Listener listener = Listener::Bind(spec).value();
  EXPECT_EQ(ModeOf(dir / "app.sock"), 0666U);
}

TEST(Listener, TheOwnerMayBeGivenByNumberAndMustExist) {
  const TempDir dir;
  ListenerSpec spec = Spec(dir / "app.sock");
  spec.chown = fmt::format("{}:{}", ::getuid(), ::getgid());
  EXPECT_TRUE(Listener::Bind(spec));
  spec.address = dir / "other.sock";
  for (const char* beyond : {"4294967295", "4294967296", ":4294967296"}) {
    spec.chown = beyond;
    EXPECT_FALSE(Listener::Bind(spec)) << beyond;
  }
  spec.chown = "no such user";
  EXPECT_EQ(
      ErrorOf(spec),
      fmt::format("chown-socket: there is no user no such user [http-socket = {}, site.ini:4]",
                  spec.address));
}

TEST(Listener, ASocketFileNobodyListensOnIsReplaced) {
  const TempDir dir;
  const std::string path = dir / "app.sock";
  ASSERT_TRUE(Listener::Bind(Spec(path)));
  ASSERT_NE(ModeOf(path), 0U) << "the file of the first listener is still there";
  const Listener second = Listener::Bind(Spec(path)).value();
  EXPECT_TRUE(Connect(second.address()).valid());
}

TEST(Listener, ASocketFileInUseIsLeftAlone) {
  const TempDir dir;
  const std::string path = dir / "app.sock";
  const Listener first = Listener::Bind(Spec(path)).value();
  EXPECT_NE(ErrorOf(Spec(path)).find("Address already in use"), std::string::npos);
  EXPECT_TRUE(Connect(first.address()).valid());
}

TEST(Listener, AFileThatIsNoSocketIsLeftAlone) {
  const TempDir dir;
  const std::string path = dir / "precious";
  std::ofstream(path) << "data";
  EXPECT_NE(ErrorOf(Spec(path)).find("Address already in use"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(path), 4U);
}

TEST(Listener, RemovesItsFileFromWhateverDirectory) {
  const TempDir dir;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  const Listener listener = Listener::Bind(Spec("relative.sock")).value();
  std::filesystem::current_path(before);
  EXPECT_TRUE(std::filesystem::exists(dir / "relative.sock"));
  EXPECT_TRUE(listener.RemoveFile());
  EXPECT_FALSE(std::filesystem::exists(dir / "relative.sock"));
}

TEST(Listener, DoesNotRemoveTheFileOfItsSuccessor) {
  const TempDir dir;
  const std::string path = dir / "app.sock";
  const Listener first = Listener::Bind(Spec(path)).value();
  std::filesystem::rename(path, dir / "aside");
  const Listener second = Listener::Bind(Spec(path)).value();
  const auto refused = first.RemoveFile();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            fmt::format("unix socket {} changed inode. Skip removal", path));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(Listener, AdoptsASocketThatListensAndKnowsItsFile) {
  const TempDir dir;
  const Listener first = Listener::Bind(Spec(dir / "app.sock")).value();
  const Listener adopted =
      Listener::Adopt(Spec(dir / "app.sock"), UniqueFd(::dup(first.fd()))).value();
  EXPECT_TRUE(::fcntl(adopted.fd(), F_GETFD) & FD_CLOEXEC);
  EXPECT_EQ(adopted.inode(), first.inode());
  EXPECT_TRUE(adopted.RemoveFile());
}

TEST(Listener, DoesNotAdoptWhatDoesNotListen) {
  FdPair pair = MakeSocketPair(SOCK_STREAM).value();
  EXPECT_FALSE(Listener::Adopt(Spec("fd://9"), std::move(pair.first)));
  FdPair pipe = MakePipe().value();
  EXPECT_FALSE(Listener::Adopt(Spec("fd://9"), std::move(pipe.first)));
}

TEST(Listener, KeepsTheHostAsItWasWritten) {
  const Listener any = Listener::Bind(Spec(":0")).value();
  EXPECT_EQ(any.name(), fmt::format(":{}", any.port()));
  const Listener named = Listener::Bind(Spec("localhost:0")).value();
  EXPECT_EQ(named.name(), fmt::format("localhost:{}", named.port()));
  const Listener given = Listener::Adopt(Spec("fd://9"), UniqueFd(::dup(named.fd()))).value();
  EXPECT_EQ(given.name(), fmt::format("127.0.0.1:{}", named.port()));
}

TEST(Listener, StartLinesAreThoseThatOperatorsKnow) {
  const TempDir dir;
  const Listener tcp = Listener::Bind(Spec("127.0.0.1:0")).value();
  EXPECT_EQ(tcp.StartLine(2),
            fmt::format("uwsgi socket 2 bound to TCP address {} (port auto-assigned) fd {}",
                        tcp.name(), tcp.fd()));
  const Listener path = Listener::Bind(Spec(dir / "x.sock")).value();
  EXPECT_EQ(path.StartLine(0),
            fmt::format("uwsgi socket 0 bound to UNIX address {} fd {}", path.name(), path.fd()));
  ListenerSpec http = Spec("127.0.0.1:0");
  http.protocol = ListenerProtocol::kHttp;
  const Listener front = Listener::Bind(http).value();
  EXPECT_EQ(front.StartLine(0),
            fmt::format("uWSGI http bound on {} fd {}", front.name(), front.fd()));
  const Listener kept = Listener::Adopt(Spec(tcp.name()), UniqueFd(::dup(tcp.fd()))).value();
  EXPECT_EQ(kept.StartLine(1),
            fmt::format("uwsgi socket 1 inherited INET address {} fd {}", tcp.name(), kept.fd()));
  const Listener activated =
      Listener::Adopt(Spec(path.name()), UniqueFd(::dup(path.fd())), ListenerSource::kActivation)
          .value();
  EXPECT_EQ(activated.StartLine(0), fmt::format("uwsgi socket 0 attached to UNIX address {} fd {}",
                                                path.name(), activated.fd()));
}

TEST(Listener, ProtocolsHaveTheNamesOfTheStats) {
  EXPECT_EQ(NameOf(ListenerProtocol::kHttp), "http");
  EXPECT_EQ(NameOf(ListenerProtocol::kHttpSocket), "http");
  EXPECT_EQ(NameOf(ListenerProtocol::kHttp11Socket), "http11");
  EXPECT_EQ(NameOf(ListenerProtocol::kUwsgi), "uwsgi");
}

}  // namespace
}  // namespace uwsgi
