// SPDX-License-Identifier: Apache-2.0
#include "service/log_plan.h"

#include <syslog.h>

#include <optional>

#include "base/file.h"
#include "base/host_name.h"
#include "base/regex.h"
#include "base/strings.h"
#include "config/options.h"

namespace uwsgi {
namespace {

constexpr int kSyslogPort = 514;

struct Facility {
  std::string_view name;
  int code;
};
constexpr Facility kFacilities[] = {
    {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},
    {"daemon", LOG_DAEMON}, {"ftp", LOG_FTP},           {"kern", LOG_KERN},
    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},     {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},     {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},     {"lpr", LOG_LPR},
    {"mail", LOG_MAIL},     {"news", LOG_NEWS},         {"syslog", LOG_SYSLOG},
    {"user", LOG_USER},     {"uucp", LOG_UUCP},
};

// PATH, or logfile=PATH,maxsize=N,backupname=NAME.
Status ReadFileArgument(LoggerSpec& logger, std::string_view argument) {
  if (!argument.starts_with("logfile=")) {
    logger.path = AbsolutePath(std::string(argument));
  } else {
    for (const std::string_view setting : Split(argument, ',')) {
      const size_t equals = setting.find('=');
      const std::string_view name = setting.substr(0, equals);
      const std::string_view value =
          equals == std::string_view::npos ? "" : setting.substr(equals + 1);
      if (name == "logfile") {
        logger.path = AbsolutePath(std::string(value));
      } else if (name == "backupname") {
        logger.backup_name = AbsolutePath(std::string(value));
      } else if (const auto size = ParseInt(value); name == "maxsize" && size) {
        logger.max_size = *size;
      } else {
        return Fail("\"{}\" is none of logfile=PATH, maxsize=BYTES and backupname=PATH", setting);
      }
    }
  }
  if (argument.empty() || logger.path.empty()) return Fail("a file is to be named");
  return {};
}

Status ReadFdArgument(LoggerSpec& logger, std::string_view argument) {
  const auto number = ParseInt(argument);
  if (!number || *number > 1 << 20) return Fail("\"{}\" is no descriptor", argument);
  logger.fd = static_cast<int>(*number);
  return {};
}

Status ReadStdioArgument(LoggerSpec&, std::string_view) { return {}; }

Result<SocketAddress> ReadAddress(std::string_view text) {
  const bool is_path = text.find(':') == std::string_view::npos && !text.starts_with('@');
  return ParseSocketAddress(is_path ? AbsolutePath(std::string(text)) : std::string(text));
}

Status ReadSocketArgument(LoggerSpec& logger, std::string_view argument) {
  logger.address = TRY(ReadAddress(argument));
  return {};
}

Result<int> FacilityOf(std::string_view name) {
  for (const Facility& row : kFacilities) {
    if (row.name == name) return row.code;
  }
  return Fail("\"{}\" is no syslog facility", name);
}

// [APP[,FACILITY[,SOCKET]]]
Status ReadSyslogArgument(LoggerSpec& logger, std::string_view argument) {
  const auto words = Split(argument, ',');
  logger.tag = words[0].empty() ? "uwsgi" : std::string(words[0]);
  const int facility = words.size() > 1 ? TRY(FacilityOf(words[1])) : LOG_DAEMON;
  logger.priority = facility | LOG_INFO;
  logger.address = TRY(ReadAddress(words.size() > 2 ? words[2] : "/dev/log"));
  return {};
}

// HOST[:PORT][,APP]
Status ReadRsyslogArgument(LoggerSpec& logger, std::string_view argument) {
  const auto words = Split(argument, ',');
  std::string host(words[0]);
  if (host.empty()) return Fail("the address of a server is to be named");
  const bool is_path = host.starts_with('/') || host.starts_with('@');
  if (!is_path && host.find(':') == std::string::npos) host += fmt::format(":{}", kSyslogPort);
  logger.address = TRY(ParseSocketAddress(host));
  logger.priority = LOG_DAEMON | LOG_NOTICE;
  logger.tag = words.size() > 1 ? std::string(words[1]) : HostName() + " uwsgi";
  return {};
}

// [HOST:PORT[,COMMAND[,PREFIX]]]
Status ReadRedisArgument(LoggerSpec& logger, std::string_view argument) {
  const auto words = Split(argument, ',');
  logger.address = TRY(ReadAddress(words[0].empty() ? "127.0.0.1:6379" : words[0]));
  const std::string_view command =
      words.size() > 1 && !words[1].empty() ? words[1] : "publish uwsgi";
  for (const std::string_view word : SplitWords(command)) logger.words.emplace_back(word);
  if (words.size() > 2) logger.prefix = argument.substr(words[0].size() + words[1].size() + 2);
  return {};
}

Status ReadPipeArgument(LoggerSpec& logger, std::string_view argument) {
  if (argument.empty()) return Fail("a command is to be given");
  logger.command = argument;
  return {};
}

struct LoggerRow {
  std::string_view name;
  LoggerKind kind;
  Status (*read)(LoggerSpec&, std::string_view argument);
};
constexpr LoggerRow kLoggers[] = {
    {"file", LoggerKind::kFile, ReadFileArgument},
    {"fd", LoggerKind::kFd, ReadFdArgument},
    {"stdio", LoggerKind::kStdio, ReadStdioArgument},
    {"socket", LoggerKind::kSocket, ReadSocketArgument},
    {"udp", LoggerKind::kSocket, ReadSocketArgument},
    {"syslog", LoggerKind::kSyslog, ReadSyslogArgument},
    {"rsyslog", LoggerKind::kRsyslog, ReadRsyslogArgument},
    {"redislog", LoggerKind::kRedis, ReadRedisArgument},
    {"pipe", LoggerKind::kPipe, ReadPipeArgument},
};

tl::unexpected<Error> Misplaced(const ListValue& value, Error error) {
  error.message =
      fmt::format("{} = {}: {} ({})", value.option, value.text, error.message, value.origin.text());
  return tl::unexpected(std::move(error));
}

Status AddLogger(LogStreamSpec& stream, const ListValue& value, int mode) {
  auto logger = ParseLogger(value.text);
  if (!logger) return Misplaced(value, logger.error());
  logger->mode = mode;
  stream.loggers.push_back(std::move(*logger));
  return {};
}

Status AddEncoder(LogStreamSpec& stream, const ListValue& value) {
  auto encoder = LogEncoder::Parse(value.text);
  if (!encoder) return Misplaced(value, encoder.error());
  stream.encoders.push_back(std::move(*encoder));
  return {};
}

// "ID REGEX"
Status AddRoute(LogStreamSpec& stream, const ListValue& value) {
  const size_t blank = value.text.find(' ');
  if (blank == std::string::npos) {
    return Misplaced(value, {.message = "the name of a logger and a pattern are expected"});
  }
  LogRouteSpec route{value.text.substr(0, blank), value.text.substr(blank + 1)};
  if (auto pattern = Regex::Create(route.pattern); !pattern) {
    return Misplaced(value, pattern.error());
  }
  stream.routes.push_back(std::move(route));
  return {};
}

Status AddPattern(std::vector<std::string>& patterns, const ListValue& value) {
  if (auto pattern = Regex::Create(value.text); !pattern) return Misplaced(value, pattern.error());
  patterns.push_back(value.text);
  return {};
}

// Loggers that have options of their own.
Status AddShortcuts(const Options& options, LogSpec& spec) {
  std::vector<std::pair<std::string_view, std::string>> loggers;
  if (!options.log_socket.empty())
    loggers.emplace_back("log-socket", "socket:" + options.log_socket);
  if (options.log_syslog) loggers.emplace_back("log-syslog", "syslog:" + *options.log_syslog);
  if (IsLogAddress(options.logto)) loggers.emplace_back("logto", "socket:" + options.logto);
  for (const auto& [option, text] : loggers) {
    auto logger = ParseLogger(text);
    if (!logger) {
      return Fail("{}: {} ({})", option, logger.error().message, options.OriginOf(option).text());
    }
    spec.server.loggers.push_back(std::move(*logger));
  }
  return {};
}

bool IsCaptured(const Options& options, const LogSpec& spec) {
  const bool has_parts = !spec.server.loggers.empty() || !spec.server.encoders.empty() ||
                         !spec.server.routes.empty() || !spec.requests.loggers.empty() ||
                         !spec.requests.encoders.empty() || !spec.requests.routes.empty() ||
                         !spec.drains.empty() || !spec.filters.empty();
  return has_parts || spec.json || spec.max_size > 0 || options.log_master ||
         options.threaded_logger || !options.touch_logrotate.empty() ||
         !options.touch_logreopen.empty() || !options.log_alarm.empty();
}

}  // namespace

bool IsLogAddress(std::string_view logto) {
  return logto.find(':') != std::string_view::npos && logto.find('/') == std::string_view::npos;
}

Result<LoggerSpec> ParseLogger(std::string_view text) {
  LoggerSpec logger;
  logger.text = text;
  const size_t blank = text.find(' ');
  if (blank != std::string_view::npos && blank < text.find(':')) {
    logger.id = text.substr(0, blank);
    text = Trim(text.substr(blank));
  }
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view argument = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  for (const LoggerRow& row : kLoggers) {
    if (row.name != name) continue;
    logger.kind = row.kind;
    TRY_STATUS(row.read(logger, argument));
    return logger;
  }
  return Fail("unable to find logger {}", name);
}

std::string LoggerKinds() {
  std::string names;
  for (const LoggerRow& row : kLoggers) names.append(row.name).push_back('\n');
  return names;
}

Result<LogSpec> PlanLog(const Options& options) {
  LogSpec spec;
  spec.json = options.log_json;
  for (const ListValue& value : options.logger) {
    TRY_STATUS(AddLogger(spec.server, value, options.logfile_chmod));
  }
  for (const ListValue& value : options.req_logger) {
    TRY_STATUS(AddLogger(spec.requests, value, options.logfile_chmod));
  }
  TRY_STATUS(AddShortcuts(options, spec));
  for (const ListValue& value : options.log_encoder) TRY_STATUS(AddEncoder(spec.server, value));
  for (const ListValue& value : options.log_req_encoder) {
    TRY_STATUS(AddEncoder(spec.requests, value));
  }
  for (const ListValue& value : options.log_route) TRY_STATUS(AddRoute(spec.server, value));
  for (const ListValue& value : options.log_req_route) TRY_STATUS(AddRoute(spec.requests, value));
  for (const ListValue& value : options.log_drain) TRY_STATUS(AddPattern(spec.drains, value));
  for (const ListValue& value : options.log_filter) TRY_STATUS(AddPattern(spec.filters, value));
  spec.max_size = options.log_maxsize;
  if (!options.log_backupname.empty()) spec.backup_name = AbsolutePath(options.log_backupname);
  // A file that somebody renames is not the one whose name is configured any more.
  spec.captured = IsCaptured(options, spec);
  spec.reopen = options.log_reopen || spec.max_size > 0 || !options.touch_logrotate.empty() ||
                !options.touch_logreopen.empty();
  if (options.log_master_bufsize > 0) {
    spec.line_limit = static_cast<size_t>(options.log_master_bufsize);
  }
  return spec;
}

}  // namespace uwsgi
