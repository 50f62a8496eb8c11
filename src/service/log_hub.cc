// SPDX-License-Identifier: Apache-2.0
#include "service/log_hub.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "service/log_file_target.h"

namespace uwsgi {

Result<std::unique_ptr<LogHub>> LogHub::Create(const LogSpec& spec, EventLoop& loop,
                                               MainLog main_log, LogCounters& counters,
                                               const LogCommandStarter& start_command) {
  LogRouter router = TRY(LogRouter::Create(spec));
  std::unique_ptr<LogHub> hub(new LogHub(spec, loop, counters, std::move(router)));
  for (const LogStreamSpec* stream : {&spec.server, &spec.requests}) {
    for (const LoggerSpec& logger : stream->loggers) {
      hub->targets_.push_back(
          TRY(OpenLogTarget(logger, loop, hub->AnnouncerFor(hub->targets_.size()), start_command)));
    }
  }
  hub->unreported_.resize(hub->targets_.size() + 1);
  hub->main_ = TRY(hub->OpenMain(std::move(main_log)));
  return hub;
}

Result<std::unique_ptr<LogTarget>> LogHub::OpenMain(MainLog main_log) {
  if (main_log.path.empty()) {
    return std::unique_ptr<LogTarget>(
        std::make_unique<LogFdTarget>(loop_, "log", std::move(main_log.fd)));
  }
  LogFileTargetSpec file{.path = main_log.path,
                         .max_size = spec_.max_size,
                         .backup_name = spec_.backup_name,
                         .mode = main_log.mode};
  return LogFileTarget::Open(loop_, main_log.path, std::move(file), std::move(main_log.fd),
                             AnnouncerFor(LogRouter::kMain));
}

void LogHub::SetMain(MainLog main_log) {
  auto target = OpenMain(std::move(main_log));
  if (!target) return;
  if (main_ != nullptr) {
    main_->Flush();
    main_->GiveUp();
    CountLost(LogRouter::kMain);
  }
  main_ = std::move(*target);
}

LogAnnouncer LogHub::AnnouncerFor(size_t logger) {
  return [this, logger](std::string_view line) { return Announcement(logger, line); };
}

std::string LogHub::Announcement(size_t logger, std::string_view line) const {
  const int64_t now = WallMicros();
  std::string message;
  if (spec_.json) {
    const LogOrigin origin{.process = "log", .pid = ::getpid()};
    AppendJsonLogLine(message, origin, now, LogLevelOf(line), line);
  } else {
    message = line;
  }
  message.push_back('\n');
  return router_.Encode(logger, message, now);
}

void LogHub::Take(const LogOrigin& origin, LogStream stream, std::string_view line,
                  std::string_view level) {
  const int64_t now = WallMicros();
  std::string message;
  // Lines about requests are objects already.
  if (spec_.json && stream != LogStream::kRequests) {
    AppendJsonLogLine(message, origin, now, level, line);
  } else {
    message = line;
  }
  message.push_back('\n');
  for (auto& [logger, encoded] : router_.Route(stream, message, now)) {
    TargetOf(logger).Put(std::move(encoded));
  }
}

void LogHub::Flush() {
  ForEach([this](size_t logger) {
    TargetOf(logger).Flush();
    CountLost(logger);
  });
}

void LogHub::CountLost(size_t logger) {
  const uint64_t lost = TargetOf(logger).TakeLost();
  if (lost == 0) return;
  // A line of their own tells of these, so they need no other.
  counters_.lost_lines.fetch_add(lost, std::memory_order_relaxed);
  counters_.reported_lines.fetch_add(lost, std::memory_order_relaxed);
  unreported_[std::min(logger, targets_.size())] += lost;
}

void LogHub::ReportLost() {
  ForEach([this](size_t logger) {
    uint64_t& lost = unreported_[std::min(logger, targets_.size())];
    LogTarget& target = TargetOf(logger);
    if (lost == 0 || !target.is_empty()) return;
    target.Put(Announcement(
        logger, fmt::format("*** {} log line{} lost: {} took none ***", std::exchange(lost, 0),
                            lost == 1 ? " was" : "s were", target.name())));
    target.Flush();
  });
  const std::string report = TakeLossReport();
  if (report.empty()) return;
  Take({.process = "log", .pid = ::getpid()}, LogStream::kServer,
       spec_.json ? report : LogStamp() + report, "warning");
}

void LogHub::Tick() {
  ForEach([this](size_t logger) {
    if (is_retired_) {
      TargetOf(logger).Flush();
    } else {
      TargetOf(logger).Tick();
    }
    CountLost(logger);
  });
  ReportLost();
  Flush();
}

void LogHub::Rotate() {
  ForEach([this](size_t logger) { TargetOf(logger).Rotate(); });
}

void LogHub::Reopen() {
  ForEach([this](size_t logger) { TargetOf(logger).Reopen(); });
}

bool LogHub::is_empty() const {
  return main_->is_empty() && std::all_of(targets_.begin(), targets_.end(),
                                          [](const auto& target) { return target->is_empty(); });
}

void LogHub::GiveUp() {
  ForEach([this](size_t logger) {
    TargetOf(logger).GiveUp();
    CountLost(logger);
  });
}

}  // namespace uwsgi
