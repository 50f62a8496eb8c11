// SPDX-License-Identifier: Apache-2.0
#include "wire/http1_writer.h"

#include <charconv>

#include "base/scan.h"

namespace uwsgi {
namespace {

struct StatusRow {
  int status;
  std::string_view phrase;
};

// The registry of status codes, and 418, which people use.
constexpr StatusRow kStatuses[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {418, "I'm a Teapot"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {510, "Not Extended"},
    {511, "Network Authentication Required"},
};

constexpr std::string_view kClasses[] = {"Informational", "Success", "Redirection", "Client Error",
                                         "Server Error"};

}  // namespace

std::string_view ReasonPhrase(int status) {
  for (const StatusRow& row : kStatuses) {
    if (row.status == status) return row.phrase;
  }
  return status >= 100 && status <= 599 ? kClasses[status / 100 - 1] : std::string_view();
}

size_t FormatChunkHeader(char out[kMaxChunkHeader], size_t size) {
  char* const end = std::to_chars(out, out + kMaxChunkHeader, size, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  return static_cast<size_t>(end - out) + 2;
}

size_t FormatDecimal(char* out, uint64_t value) {
  return static_cast<size_t>(std::to_chars(out, out + 20, value).ptr - out);
}

bool IsValidFieldName(ByteView name) {
  const char* const end = name.data() + name.size();
  return !name.empty() && FindTokenEnd(name.data(), end) == end;
}

bool IsValidFieldValue(ByteView value) {
  const char* const end = value.data() + value.size();
  return FindControl(value.data(), end) == end;
}

Result<int> ParseAppStatus(ByteView status) {
  int number = 0;
  for (size_t at = 0; at < 3; ++at) {
    if (at == status.size() || !IsByte(status[at], kDigitByte))
      return Fail("the status must begin with three digits");
    number = number * 10 + (status[at] - '0');
  }
  if (number < 100 || number > 599) return Fail("status {} is not within 100 to 599", number);
  const ByteView rest = status.substr(3);
  if (!rest.empty() && rest.front() != ' ')
    return Fail("a space must follow the number of the status");
  if (!IsValidFieldValue(rest)) return Fail("control byte in the status");
  return number;
}

std::string ErrorResponse(int status, bool close, std::string_view fields) {
  const std::string_view phrase = ReasonPhrase(status);
  std::string response;
  AppendStatusLine(response, fmt::format("{} {}", status, phrase));
  if (close) AppendField(response, "Connection", "close");
  response.append(fields);
  AppendField(response, "Content-Type", "text/plain");
  AppendContentLength(response, phrase.size());
  return response.append("\r\n").append(phrase);
}

}  // namespace uwsgi
