// SPDX-License-Identifier: Apache-2.0
#include "service/log_hub.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "base/strings.h"
#include "service/log_plan.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

struct LogHubTest : testing::Test {
  std::unique_ptr<LogHub> Open(LogHub::MainLog main_log) {
    loop = EventLoop::Create().value();
    return LogHub::Create(spec, *loop, std::move(main_log), counters, {}).value();
  }
  std::unique_ptr<LogHub> Open() { return Open({.fd = UniqueFd(::open("/dev/null", O_WRONLY))}); }
  // Above ten bytes, to `old`.
  std::unique_ptr<LogHub> OpenRotating(const std::string& path, const std::string& old) {
    AddLogger("file:logfile=" + path + ",maxsize=10,backupname=" + old);
    return Open();
  }
  static void Say(LogHub& hub, std::string_view line) {
    hub.Take({.process = "worker", .worker = 1, .pid = 7}, LogStream::kServer, line, "info");
    hub.Flush();
  }
  LoggerSpec& AddLogger(const std::string& text) {
    return spec.server.loggers.emplace_back(ParseLogger(text).value());
  }
  static std::string Read(const std::string& path) { return ReadFile(path).value_or(""); }

  TempDir folder;
  LogSpec spec;
  LogCounters counters;
  std::unique_ptr<EventLoop> loop;
};

TEST_F(LogHubTest, WritesToAFileThatIsNewAndPrivate) {
  const std::string path = folder / "one.log";
  AddLogger("file:" + path);
  const auto hub = Open();
  Say(*hub, "first");
  Say(*hub, "second");
  EXPECT_EQ(Read(path), "first\nsecond\n");
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0640U);
}

TEST_F(LogHubTest, RotatesAboveASizeAndAnnouncesIt) {
  const std::string path = folder / "one.log";
  const std::string old = folder / "old.log";
  const auto hub = OpenRotating(path, old);
  Say(*hub, "short");
  hub->Tick();
  EXPECT_FALSE(std::filesystem::exists(old));
  Say(*hub, "long enough");
  hub->Tick();
  Say(*hub, "after");
  EXPECT_EQ(Read(path), "after\n");
  const std::string text = Read(old);
  EXPECT_TRUE(text.starts_with("short\nlong enough\n")) << text;
  EXPECT_NE(text.find(" - logsize: 18, triggering rotation to " + old + "...\n"), std::string::npos)
      << text;
}

TEST_F(LogHubTest, ARotationThatCouldNotOpenTheNewFileDoesSoLater) {
  const std::string path = folder / "one.log";
  const std::string old = folder / "old.log";
  const auto hub = OpenRotating(path, old);
  Say(*hub, "long enough");
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  rlimit none = usual;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  hub->Tick();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_FALSE(std::filesystem::exists(path));
  hub->Tick();
  Say(*hub, "after");
  EXPECT_EQ(Read(path), "after\n");
  EXPECT_TRUE(Read(old).starts_with("long enough\n"));
}

TEST_F(LogHubTest, RotationsOfOneSecondDoNotOverwriteEachOther) {
  const std::string path = folder / "one.log";
  AddLogger("file:" + path);
  const auto hub = Open();
  for (int i = 0; i < 3; ++i) {
    Say(*hub, "line");
    hub->Rotate();
  }
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    ++files;
  }
  EXPECT_EQ(files, 4U);
}

TEST_F(LogHubTest, OpensItsFileAgainByName) {
  const std::string path = folder / "one.log";
  const auto hub =
      Open({.fd = OpenFile(path, O_WRONLY | O_CREAT | O_APPEND).value(), .path = path});
  Say(*hub, "before");
  std::filesystem::rename(path, folder / "moved.log");
  Say(*hub, "still there");
  hub->Reopen();
  Say(*hub, "after");
  const std::string moved = Read(folder / "moved.log");
  EXPECT_TRUE(moved.starts_with("before\nstill there\n[")) << moved;
  EXPECT_TRUE(moved.ends_with("logsize: 19, triggering log-reopen...\n")) << moved;
  const std::string now = Read(path);
  EXPECT_TRUE(now.ends_with(path + " reopened.\nafter\n")) << now;
}

TEST_F(LogHubTest, AReaderThatStopsReadingCostsLinesAndIsToldSo) {
  FdPair pipe = MakePipe().value();
  ::fcntl(pipe.second.get(), F_SETFL, 0);
  const auto hub = Open({.fd = std::move(pipe.second)});
  const std::string line(999, 'x');
  constexpr uint64_t kLines = 2000;
  for (uint64_t i = 0; i < kLines; ++i) Say(*hub, line);
  const uint64_t lost = counters.lost_lines.load();
  EXPECT_GT(lost, kLines / 4);
  EXPECT_FALSE(hub->is_empty());
  hub->Tick();
  std::string read;
  std::string bytes(65536, '\0');
  for (int idle = 0; idle < 3;) {
    const ssize_t got = ::read(pipe.first.get(), bytes.data(), bytes.size());
    if (got > 0) read.append(bytes, 0, static_cast<size_t>(got));
    loop->RunOnce(0);
    if (got <= 0) {
      hub->Tick();
      ++idle;
    }
  }
  EXPECT_TRUE(hub->is_empty());
  const std::string report = fmt::format("*** {} log lines were lost: log took none ***\n", lost);
  EXPECT_EQ(read.size(), (kLines - lost) * 1000 + report.size());
  EXPECT_TRUE(read.ends_with(report)) << read.substr(read.size() - 200);
}

TEST_F(LogHubTest, ADatagramSocketThatIsFullLosesWholeMessages) {
  const std::string path = folder / "log.sock";
  const SocketAddress address = ParseSocketAddress(path).value();
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(::bind(socket.get(), address.get(), address.length), 0);
  AddLogger("socket:" + path);
  const auto hub = Open();
  const std::string line(9999, 'x');
  for (int i = 0; i < 1000; ++i) Say(*hub, line);
  EXPECT_GT(counters.lost_lines.load(), 100U);
  char message[20000];
  int received = 0;
  for (ssize_t got = 0; got >= 0 || !hub->is_empty();) {
    got = ::recv(socket.get(), message, sizeof message, 0);
    loop->RunOnce(0);
    if (got < 0) continue;
    EXPECT_EQ(got, 10000);
    ++received;
  }
  EXPECT_EQ(static_cast<uint64_t>(received) + counters.lost_lines.load(), 1000U);
}

TEST_F(LogHubTest, WithLogJsonEveryLineIsAnObjectThatSaysWhoSpoke) {
  const std::string path = folder / "one.log";
  AddLogger("file:" + path);
  spec.json = true;
  const auto hub = Open();
  Say(*hub, "a \"quote\" \xff");
  hub->Take({}, LogStream::kRequests, R"({"is":"one already"})", "info");
  hub->Flush();
  hub->Rotate();
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    text += Read(entry.path().string());
  }
  const auto lines = Split(Trim(text), '\n');
  ASSERT_EQ(lines.size(), 3U);
  const Json first = ParseJson(lines[0]).value();
  EXPECT_EQ(first["message"].text(), "a \"quote\" \xef\xbf\xbd");
  EXPECT_EQ(first["process"].text(), "worker");
  EXPECT_EQ(first["worker"].integer(), 1);
  EXPECT_EQ(first["pid"].integer(), 7);
  EXPECT_EQ(ParseJson(lines[1]).value()["is"].text(), "one already");
  EXPECT_EQ(ParseJson(lines[2]).value()["process"].text(), "log");
}

TEST(ParseLogger, ReadsNamesKindsAndArguments) {
  EXPECT_EQ(ParseLogger("file:/x y.log").value().path, "/x y.log");
  EXPECT_EQ(ParseLogger("file:/x y.log").value().id, "");
  EXPECT_EQ(ParseLogger("errors file:/x").value().id, "errors");
  EXPECT_EQ(ParseLogger("fd:7").value().fd, 7);
  EXPECT_EQ(ParseLogger("stdio").value().kind, LoggerKind::kStdio);
  EXPECT_EQ(ParseLogger("udp:127.0.0.1:514").value().address.port(), 514);
  EXPECT_EQ(ParseLogger("rsyslog:127.0.0.1,me").value().address.port(), 514);
  EXPECT_EQ(ParseLogger("syslog:me,local3").value().priority, 158);
  EXPECT_EQ(ParseLogger("redislog:127.0.0.1:1,rpush a,P,x").value().prefix, "P,x");
  EXPECT_EQ(ParseLogger("redislog").value().words, (std::vector<std::string>{"publish", "uwsgi"}));
  EXPECT_EQ(ParseLogger("mongodblog:x").error().message, "unable to find logger mongodblog");
}

}  // namespace
}  // namespace uwsgi
