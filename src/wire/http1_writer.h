// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

// What HTTP/1.1 responses are made of. The Append... helpers write onto any buffer with
// append(const char*, size_t).
namespace uwsgi {

// "Not Found" for 404; the name of the class, e.g. "Client Error", for a number nobody has
// registered; empty outside 100-599.
std::string_view ReasonPhrase(int status);

// The chunk size line, "1f\r\n"; the data and another CR LF follow it. Size 0 gives "0\r\n", behind
// which only CR LF follows.
inline constexpr size_t kMaxChunkHeader = 20;
size_t FormatChunkHeader(char out[kMaxChunkHeader], size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kContinueResponse = "HTTP/1.1 100 Continue\r\n\r\n";

// A decimal number: writes at most 20 digits and returns how many.
size_t FormatDecimal(char* out, uint64_t value);

// May these bytes stand in a response as they are? A name is a token; a value has no control bytes
// but HTAB, so that nothing an application says can end the line.
bool IsValidFieldName(ByteView name);
bool IsValidFieldValue(ByteView value);

// The number of a status as applications give it, e.g. "200 OK": three digits, 100 to 599, then
// nothing or a space and text without control bytes.
Result<int> ParseAppStatus(ByteView status);

// A complete short text reply. `fields`, if any, are whole lines with their CR LF, e.g. "Allow:
// GET\r\n".
std::string ErrorResponse(int status, bool close, std::string_view fields = {});

template <typename Buffer>
void AppendText(Buffer& to, std::string_view text) {
  to.append(text.data(), text.size());
}

// `status` is number and reason, e.g. "200 OK", already checked.
template <typename Buffer>
void AppendStatusLine(Buffer& to, std::string_view status) {
  AppendText(to, "HTTP/1.1 ");
  AppendText(to, status);
  AppendText(to, "\r\n");
}

template <typename Buffer>
void AppendField(Buffer& to, std::string_view name, std::string_view value) {
  AppendText(to, name);
  AppendText(to, ": ");
  AppendText(to, value);
  AppendText(to, "\r\n");
}

template <typename Buffer>
void AppendContentLength(Buffer& to, uint64_t length) {
  char digits[20];
  AppendField(to, "Content-Length", {digits, FormatDecimal(digits, length)});
}

}  // namespace uwsgi
