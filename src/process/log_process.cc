// SPDX-License-Identifier: Apache-2.0
#include "process/log_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <list>
#include <optional>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "net/signal_source.h"
#include "process/fork.h"
#include "service/log_frame.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
// For those that still have something to write when it ends.
constexpr int64_t kFlushMercy = 2 * kSecond;
// A source that says much does not keep the others from being heard.
constexpr int kReadsAtATurn = 4;

// A shell that gets what is written to the descriptor.
Result<UniqueFd> StartCommand(const std::string& command) {
  FdPair pipe = TRY(MakePipe());
  ForkSpec fork;
  fork.death_signal = 0;  // it ends when it has read everything
  fork.main = [&pipe, &command](UniqueFd) {
    ::dup2(pipe.first.get(), STDIN_FILENO);
    ::fcntl(STDIN_FILENO, F_SETFL, 0);
    ::signal(SIGPIPE, SIG_DFL);
    UnblockSignals();
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    return 127;
  };
  TRY(ForkChild(std::move(fork)));
  return std::move(pipe.second);
}

// The level of a line, which is `otherwise` outside of tracebacks: one of those is an error down to
// the line that names the exception.
class LineLevel {
 public:
  std::string_view Of(std::string_view line, std::string_view otherwise) {
    if (line.starts_with("Traceback (most recent call last)")) {
      in_traceback_ = true;
      return "error";
    }
    if (!in_traceback_) return otherwise;
    in_traceback_ = line.starts_with(' ');
    return "error";
  }

 private:
  bool in_traceback_ = false;
};

class LogProcess {
 public:
  explicit LogProcess(LogProcessParts parts) : parts_(std::move(parts)) {}

  Status Open() {
    // What happens on the way is said by the parent already.
    SetLogSink([](std::string_view) {});
    if (parts_.identity != nullptr) TRY_STATUS(DropPrivileges(*parts_.identity));
    loop_ = TRY(EventLoop::Create());
    hub_ = TRY(LogHub::Create(*parts_.spec, *loop_, std::move(parts_.main_log), *parts_.counters,
                              StartCommand));
    orders_watch_ =
        TRY(loop_->Watch(parts_.orders.fd(), kReadable, [this](uint32_t) { ReadOrders(); }));
    lifeline_watch_ =
        TRY(loop_->Watch(parts_.lifeline.get(), kReadable, [this](uint32_t) { OnOrphaned(); }));
    loop_->Every(kSecond, [this] { OnTick(); });
    return {};
  }

  void Run() {
    loop_->Run();
    const int64_t deadline = MonotonicMicros() + kFlushMercy;
    hub_->Flush();
    while (!hub_->is_empty() && MonotonicMicros() < deadline) loop_->RunOnce(50);
    hub_->GiveUp();
  }

 private:
  struct Source {
    UniqueFd fd;
    LogOrigin origin;
    std::optional<LogSplitter> splitter;
    LineLevel output;  // of what the application prints
    LineLevel server;  // of the lines of the server
    WatchId watch = 0;
  };

  void ReadOrders() {
    for (;;) {
      auto order = parts_.orders.Receive();
      // Nobody will order anything any more; the life line tells whether that is the end.
      if (!order) return loop_->Unwatch(std::exchange(orders_watch_, 0));
      if (!*order) return;
      Obey(**order);
    }
  }

  void Obey(Message& order) {
    const auto words = Split(std::string_view(order.bytes).substr(1), '\0');
    switch (static_cast<LogOrder>(order.bytes[0])) {
      case LogOrder::kSource:
        if (words.size() == 3) AddSource(words, std::move(order.fd));
        return;
      case LogOrder::kMain:
        if (words.size() == 2) SetMain(words, std::move(order.fd));
        return;
      case LogOrder::kRotate:
        return hub_->Rotate();
      case LogOrder::kReopen:
        return hub_->Reopen();
      case LogOrder::kEnd:
        ReadEverything();
        return loop_->Stop();
    }
  }

  void AddSource(const std::vector<std::string_view>& words, UniqueFd fd) {
    Source& source = sources_.emplace_back();
    source.fd = std::move(fd);
    source.origin = {.process = std::string(words[0]),
                     .worker = static_cast<int>(ParseInt(words[1]).value_or(0)),
                     .pid = static_cast<pid_t>(ParseInt(words[2]).value_or(0))};
    source.splitter.emplace(parts_.token, parts_.spec->line_limit,
                            [this, &source](LogStream stream, std::string_view line) {
                              const bool is_of_master =
                                  stream == LogStream::kServer && source.origin.process == "master";
                              if (parts_.alarms != nullptr)
                                parts_.alarms->ScanLine(line, is_of_master);
                              hub_->Take(source.origin, stream, line,
                                         stream == LogStream::kOutput
                                             ? source.output.Of(line, "info")
                                             : source.server.Of(line, LogLevelOf(line)));
                            });
    auto watch = loop_->Watch(source.fd.get(), kReadable,
                              [this, &source](uint32_t) { Read(source, kReadsAtATurn); });
    if (watch) source.watch = *watch;
  }

  void SetMain(const std::vector<std::string_view>& words, UniqueFd fd) {
    hub_->SetMain({.fd = std::move(fd),
                   .path = std::string(words[1]),
                   .mode = static_cast<int>(ParseInt(words[0]).value_or(0)) - 1});
  }

  void Read(Source& source, int reads) {
    char bytes[65536];
    bool has_more = true;
    // What waits may find room by now: then what comes need not be lost.
    hub_->Flush();
    for (; has_more && reads > 0; --reads) {
      const ssize_t got = ::read(source.fd.get(), bytes, sizeof bytes);
      if (got > 0) {
        source.splitter->Feed({bytes, static_cast<size_t>(got)});
      } else if (got == 0) {
        hub_->Flush();
        return Forget(source);
      } else if (errno != EINTR) {
        has_more = false;
      }
    }
    hub_->Flush();
  }

  void Forget(Source& source) {
    loop_->Unwatch(source.watch);
    source.splitter->Finish();
    hub_->Flush();
    sources_.remove_if([&source](const Source& other) { return &other == &source; });
    EndWhenLonely();
  }

  void ReadEverything() {
    for (auto next = sources_.begin(); next != sources_.end();) {
      Source& source = *next++;
      // Who goes on writing all the time has had his say.
      Read(source, 256);
    }
    for (Source& source : sources_) source.splitter->Finish();
  }

  void OnOrphaned() {
    loop_->Unwatch(std::exchange(lifeline_watch_, 0));
    is_orphan_ = true;
    hub_->Retire();
    // What the parent ordered last.
    ReadOrders();
    EndWhenLonely();
  }

  void EndWhenLonely() {
    if (is_orphan_ && sources_.empty()) loop_->Stop();
  }

  void OnTick() {
    hub_->Tick();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  LogProcessParts parts_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<LogHub> hub_;
  std::list<Source> sources_;
  WatchId orders_watch_ = 0;
  WatchId lifeline_watch_ = 0;
  bool is_orphan_ = false;
};

}  // namespace

int LogProcessMain(LogProcessParts parts, UniqueFd reports) {
  LogProcess process(std::move(parts));
  const Status opened = process.Open();
  const std::string report = opened ? std::string(1, kLogProcessReady) : opened.error().text();
  [[maybe_unused]] const Status told = WriteAll(reports.get(), report);
  if (!opened) return opened.error().exit_code;
  process.Run();
  return 0;
}

}  // namespace uwsgi
