// SPDX-License-Identifier: Apache-2.0
#include "request/log_format.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "base/clock.h"
#include "base/json.h"
#include "base/log_json.h"
#include "base/printable.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr size_t kLongestLogVar = 255;

std::string Text(const LogMoment& m, CgiName id) { return std::string(m.var(id)); }

struct LogVariable {
  std::string_view name;
  std::string (*value)(const LogMoment&);
};

constexpr LogVariable kLogVariables[] = {
    {"uri", [](const LogMoment& m) { return Text(m, CgiName::kRequestUri); }},
    {"method", [](const LogMoment& m) { return Text(m, CgiName::kRequestMethod); }},
    {"user", [](const LogMoment& m) { return Text(m, CgiName::kRemoteUser); }},
    {"addr", [](const LogMoment& m) { return std::string(m.address); }},
    {"host", [](const LogMoment& m) { return Text(m, CgiName::kHttpHost); }},
    {"proto", [](const LogMoment& m) { return Text(m, CgiName::kServerProtocol); }},
    {"uagent", [](const LogMoment& m) { return Text(m, CgiName::kHttpUserAgent); }},
    {"referer", [](const LogMoment& m) { return Text(m, CgiName::kHttpReferer); }},
    {"status", [](const LogMoment& m) { return fmt::format("{}", m.response.status()); }},
    {"rsize", [](const LogMoment& m) { return fmt::format("{}", m.response.body_bytes()); }},
    {"hsize", [](const LogMoment& m) { return fmt::format("{}", m.response.header_bytes()); }},
    {"size",
     [](const LogMoment& m) {
       return fmt::format("{}", m.response.header_bytes() + m.response.body_bytes());
     }},
    {"cl",
     [](const LogMoment& m) { return fmt::format("{}", m.request.body.length().value_or(0)); }},
    {"headers", [](const LogMoment& m) { return fmt::format("{}", m.response.header_count()); }},
    {"micros", [](const LogMoment& m) { return fmt::format("{}", m.figures.micros); }},
    {"msecs", [](const LogMoment& m) { return fmt::format("{}", m.figures.micros / 1000); }},
    {"secs",
     [](const LogMoment& m) {
       return fmt::format("{:.6f}", static_cast<double>(m.figures.micros) / 1e6);
     }},
    {"tmsecs", [](const LogMoment& m) { return fmt::format("{}", m.started_us() / 1000); }},
    {"tmicros", [](const LogMoment& m) { return fmt::format("{}", m.started_us()); }},
    {"time", [](const LogMoment& m) { return fmt::format("{}", m.started_us() / 1'000'000); }},
    {"epoch", [](const LogMoment&) { return fmt::format("{}", WallMicros() / 1'000'000); }},
    {"ctime",
     [](const LogMoment& m) {
       return LocalTimeText(m.started_us() / 1'000'000, "%a %b %e %H:%M:%S %Y");
     }},
    {"ltime",
     [](const LogMoment& m) {
       return LocalTimeText(m.started_us() / 1'000'000, "%d/%b/%Y:%H:%M:%S %z");
     }},
    {"ftime",
     [](const LogMoment& m) {
       const bool own = m.spec.format_strftime && !m.spec.date_format.empty();
       return LocalTimeText(m.started_us() / 1'000'000,
                            own ? m.spec.date_format.c_str() : "%d/%b/%Y:%H:%M:%S %z");
     }},
    {"pid", [](const LogMoment& m) { return fmt::format("{}", m.pid); }},
    {"wid", [](const LogMoment& m) { return fmt::format("{}", m.worker_id); }},
    {"core", [](const LogMoment& m) { return fmt::format("{}", m.request.core); }},
    {"switches", [](const LogMoment& m) { return fmt::format("{}", m.response.switches()); }},
    {"vars", [](const LogMoment& m) { return fmt::format("{}", m.request.VarCount()); }},
    {"pktsize", [](const LogMoment& m) { return fmt::format("{}", m.request.PacketSize()); }},
    {"modifier1", [](const LogMoment& m) { return fmt::format("{}", m.request.modifier1); }},
    {"modifier2", [](const LogMoment& m) { return fmt::format("{}", m.request.modifier2); }},
    {"vsz",
     [](const LogMoment& m) { return fmt::format("{}", m.spec.memory ? ReadMemory().vsz : 0); }},
    {"rss",
     [](const LogMoment& m) { return fmt::format("{}", m.spec.memory ? ReadMemory().rss : 0); }},
    {"vszM",
     [](const LogMoment& m) {
       return fmt::format("{}", m.spec.memory ? ReadMemory().vsz >> 20 : 0);
     }},
    {"rssM",
     [](const LogMoment& m) {
       return fmt::format("{}", m.spec.memory ? ReadMemory().rss >> 20 : 0);
     }},
    {"werr", [](const LogMoment& m) { return fmt::format("{}", m.write_error() ? 1 : 0); }},
    {"rerr", [](const LogMoment& m) { return fmt::format("{}", m.read_error() ? 1 : 0); }},
    {"ioerr",
     [](const LogMoment& m) {
       return fmt::format("{}", (m.read_error() ? 1 : 0) + (m.write_error() ? 1 : 0));
     }},
};

std::string Metric(std::string_view name, const LogMoment& moment) {
  return moment.spec.metric ? moment.spec.metric(name) : std::string();
}

// What the application has set is cut: compat, reference 12 section 5.
std::string OwnVariable(std::string_view name, const LogMoment& moment) {
  for (const auto& [key, value] : moment.request.log_vars) {
    if (std::string_view(key).substr(0, kLongestLogVar) == name) {
      return value.substr(0, kLongestLogVar);
    }
  }
  return {};
}

// `text` within a JSON string.
void AppendJsonEscaped(std::string& to, std::string_view text) {
  const std::string quoted = JsonString(text);
  to.append(quoted, 1, quoted.size() - 2);
}

}  // namespace

std::string LocalTimeText(int64_t wall_s, const char* format) {
  const auto seconds = static_cast<time_t>(wall_s);
  tm local{};
  ::localtime_r(&seconds, &local);
  char text[256];
  return std::string(text, std::strftime(text, sizeof text, format, &local));
}

MemoryFigures ReadMemory() {
  char text[128];
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd < 0 ? 0 : ::read(fd, text, sizeof text - 1);
  if (fd >= 0) ::close(fd);
  const auto words = SplitWords(ByteView(text, static_cast<size_t>(std::max<ssize_t>(size, 0))));
  if (words.size() < 2) return {};
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return {static_cast<uint64_t>(ParseInt(words[1]).value_or(0)) * page,
          static_cast<uint64_t>(ParseInt(words[0]).value_or(0)) * page};
}

std::string LogVariableValue(std::string_view name, const LogMoment& moment) {
  for (const LogVariable& row : kLogVariables) {
    if (row.name == name) return row.value(moment);
  }
  if (name.starts_with("var.")) {
    const Var* var = moment.request.vars.FindByName(name.substr(4));
    return var != nullptr ? std::string(var->value) : std::string();
  }
  if (name.starts_with("metric.")) return Metric(name.substr(7), moment);
  return OwnVariable(name, moment);
}

LogFormat::LogFormat(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  is_json_ = trimmed.starts_with('{') && trimmed.ends_with('}');
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find("%(", at);
    const size_t close = open == std::string_view::npos ? open : text.find(')', open);
    if (close == std::string_view::npos) {
      pieces_.push_back({false, std::string(text.substr(at))});
      break;
    }
    if (open > at) pieces_.push_back({false, std::string(text.substr(at, open - at))});
    pieces_.push_back({true, std::string(text.substr(open + 2, close - open - 2))});
    at = close + 1;
  }
}

void LogFormat::Append(std::string& to, const LogMoment& moment) const {
  for (const Piece& piece : pieces_) {
    if (!piece.is_variable) {
      to.append(piece.text);
      continue;
    }
    const std::string value = LogVariableValue(piece.text, moment);
    if (value.empty()) {
      to.push_back('-');
    } else if (is_json_) {
      AppendJsonEscaped(to, value);
    } else {
      AppendPrintable(to, value);
    }
  }
}

namespace {

std::string_view LevelOfStatus(int status) {
  if (status >= 500) return "error";
  return status >= 400 ? "warning" : "info";
}

struct JsonText {
  std::string_view name;
  CgiName id;
};
constexpr JsonText kJsonTexts[] = {
    {"method", CgiName::kRequestMethod},     {"uri", CgiName::kRequestUri},
    {"protocol", CgiName::kServerProtocol},  {"host", CgiName::kHttpHost},
    {"user", CgiName::kRemoteUser},          {"referer", CgiName::kHttpReferer},
    {"user_agent", CgiName::kHttpUserAgent},
};

struct JsonNumber {
  std::string_view name;
  int64_t (*value)(const LogMoment&);
};
constexpr JsonNumber kJsonNumbers[] = {
    {"status", [](const LogMoment& m) { return int64_t{m.response.status()}; }},
    {"duration_us", [](const LogMoment& m) { return m.figures.micros; }},
    {"started_us", [](const LogMoment& m) { return m.started_us(); }},
    {"body_bytes",
     [](const LogMoment& m) { return static_cast<int64_t>(m.response.body_bytes()); }},
    {"header_bytes",
     [](const LogMoment& m) { return static_cast<int64_t>(m.response.header_bytes()); }},
    {"request_bytes",
     [](const LogMoment& m) { return static_cast<int64_t>(m.request.body.length().value_or(0)); }},
    {"core", [](const LogMoment& m) { return int64_t{m.request.core}; }},
    {"app", [](const LogMoment& m) { return int64_t{m.request.app}; }},
    {"requests", [](const LogMoment& m) { return static_cast<int64_t>(m.figures.total_requests); }},
};

void AppendMember(std::string& to, std::string_view name, std::string_view text) {
  to.push_back(',');
  AppendJsonString(to, name);
  to.push_back(':');
  AppendJsonString(to, text);
}

// set_logvar() keeps each name once.
void AppendOwnVariables(std::string& to, const LogMoment& moment) {
  const auto& vars = moment.request.log_vars;
  if (vars.empty()) return;
  to.append(R"(,"vars":{)");
  char before = '\0';
  for (const auto& [name, value] : vars) {
    if (before != '\0') to.push_back(before);
    AppendJsonString(to, std::string_view(name).substr(0, kLongestLogVar));
    to.push_back(':');
    AppendJsonString(to, std::string_view(value).substr(0, kLongestLogVar));
    before = ',';
  }
  to.push_back('}');
}

}  // namespace

void AppendRequestJson(std::string& to, const LogMoment& moment, std::string_view message) {
  AppendJsonLogHead(to, {.process = "worker", .worker = moment.worker_id, .pid = moment.pid},
                    moment.ended_us, LevelOfStatus(moment.response.status()));
  AppendMember(to, "type", "request");
  AppendMember(to, "address", moment.address);
  for (const JsonText& row : kJsonTexts) AppendMember(to, row.name, moment.var(row.id));
  for (const JsonNumber& row : kJsonNumbers) {
    fmt::format_to(std::back_inserter(to), ",\"{}\":{}", row.name, row.value(moment));
  }
  AppendOwnVariables(to, moment);
  if (!message.empty()) AppendMember(to, "message", message);
  to.push_back('}');
}

}  // namespace uwsgi
