// SPDX-License-Identifier: Apache-2.0
#include "service/log_encoder.h"

#include <ctime>

#include "base/json.h"
#include "wire/compress.h"

namespace uwsgi {
namespace {

struct EncoderRow {
  std::string_view name;
  LogEncoder::Kind kind;
};
constexpr EncoderRow kEncoders[] = {
    {"prefix", LogEncoder::Kind::kPrefix},     {"suffix", LogEncoder::Kind::kSuffix},
    {"nl", LogEncoder::Kind::kNewline},        {"format", LogEncoder::Kind::kFormat},
    {"json", LogEncoder::Kind::kJson},         {"gzip", LogEncoder::Kind::kGzip},
    {"compress", LogEncoder::Kind::kCompress},
};

std::string TimeText(int64_t wall_us, const std::string& format) {
  const auto seconds = static_cast<time_t>(wall_us / 1'000'000);
  tm local{};
  ::localtime_r(&seconds, &local);
  char text[256];
  return std::string(text, std::strftime(text, sizeof text, format.c_str(), &local));
}

}  // namespace

Result<LogEncoder> LogEncoder::Parse(std::string_view text) {
  const size_t blank = text.find(' ');
  const std::string_view word = text.substr(0, blank);
  const size_t colon = word.find(':');
  const std::string_view name = word.substr(0, colon);
  LogEncoder encoder;
  if (colon != std::string_view::npos) encoder.logger_ = word.substr(colon + 1);
  if (blank != std::string_view::npos) encoder.text_ = text.substr(blank + 1);
  for (const EncoderRow& row : kEncoders) {
    if (row.name != name) continue;
    encoder.kind_ = row.kind;
    if (row.kind == Kind::kFormat || row.kind == Kind::kJson) {
      encoder.template_ = ParseTemplate(encoder.text_);
    }
    return encoder;
  }
  return Fail("log encoder \"{}\" not found", name);
}

std::vector<LogEncoder::Part> LogEncoder::ParseTemplate(std::string_view text) {
  constexpr std::string_view kTime = "strftime:";
  struct Row {
    std::string_view name;
    Part::Kind kind;
  };
  constexpr Row kRows[] = {{"msg", Part::Kind::kMessage},
                           {"msgnl", Part::Kind::kLine},
                           {"unix", Part::Kind::kUnix},
                           {"micros", Part::Kind::kMicros},
                           {"millis", Part::Kind::kMillis}};
  std::vector<Part> parts;
  while (!text.empty()) {
    const size_t open = text.find("${");
    const size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) break;
    if (open > 0) parts.push_back({Part::Kind::kText, std::string(text.substr(0, open))});
    const std::string_view name = text.substr(open + 2, close - open - 2);
    if (name.starts_with(kTime)) {
      parts.push_back({Part::Kind::kTime, std::string(name.substr(kTime.size()))});
    }
    for (const Row& row : kRows) {
      if (row.name == name) parts.push_back({row.kind, {}});
    }
    text.remove_prefix(close + 1);
  }
  if (!text.empty()) parts.push_back({Part::Kind::kText, std::string(text)});
  return parts;
}

std::string LogEncoder::Fill(std::string_view message, int64_t wall_us) const {
  const std::string_view line =
      message.ends_with('\n') ? message.substr(0, message.size() - 1) : message;
  std::string out;
  const auto insert = [&](std::string_view text) {
    if (kind_ != Kind::kJson) {
      out.append(text);
      return;
    }
    const std::string quoted = JsonString(text);
    out.append(quoted, 1, quoted.size() - 2);
  };
  for (const Part& part : template_) {
    switch (part.kind) {
      case Part::Kind::kText:
        out.append(part.text);
        break;
      case Part::Kind::kMessage:
        insert(line);
        break;
      case Part::Kind::kLine:
        insert(message);
        break;
      case Part::Kind::kUnix:
        out.append(std::to_string(wall_us / 1'000'000));
        break;
      case Part::Kind::kMicros:
        out.append(std::to_string(wall_us));
        break;
      case Part::Kind::kMillis:
        out.append(std::to_string(wall_us / 1000));
        break;
      case Part::Kind::kTime:
        insert(TimeText(wall_us, part.text));
        break;
    }
  }
  return out;
}

std::string LogEncoder::Encode(std::string message, int64_t wall_us) const {
  switch (kind_) {
    case Kind::kPrefix:
      return text_ + message;
    case Kind::kSuffix:
      return message + text_;
    case Kind::kNewline:
      return message + "\n";
    case Kind::kFormat:
    case Kind::kJson:
      return Fill(message, wall_us);
    case Kind::kGzip:
      return GzipBytes(message);
    case Kind::kCompress:
      return ZlibBytes(message);
  }
  return message;
}

}  // namespace uwsgi
