// SPDX-License-Identifier: Apache-2.0
#include "service/log_frame.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/clock.h"

namespace uwsgi {
namespace {

constexpr uint8_t kStreamBits = 3;
constexpr uint8_t kContinues = 4;
constexpr uint8_t kHasMore = 8;

// How many bytes at the end of `bytes` may be the beginning of a token.
size_t TokenBeginsAtEnd(std::string_view bytes, std::string_view token) {
  for (size_t size = std::min(bytes.size(), token.size() - 1); size > 0; --size) {
    if (bytes.ends_with(token.substr(0, size))) return size;
  }
  return 0;
}

// The largest cut that does not go through a UTF-8 character.
size_t CutBefore(std::string_view text, size_t limit) {
  size_t cut = limit;
  while (cut + 4 > limit && cut > 1 && (static_cast<uint8_t>(text[cut]) & 0xc0) == 0x80) --cut;
  return (static_cast<uint8_t>(text[cut]) & 0xc0) == 0x80 ? limit : cut;
}

}  // namespace

std::string MakeLogToken() {
  std::string token(kLogTokenBytes, '\0');
  token.replace(1, 3, "LOG");
  if (::getrandom(token.data() + 4, token.size() - 4, GRND_NONBLOCK) < 0) {
    // Early at boot: hard to guess is good enough.
    const auto guess = static_cast<uint64_t>(MonotonicMicros() * 1'000'003 + ::getpid());
    std::memcpy(token.data() + 4, &guess, sizeof guess);
  }
  std::ranges::replace(token, '\n', ' ');  // what is left of a broken frame is one line
  return token;
}

std::string EncodeLogFrame(std::string_view token, LogFrameSpec spec, std::string_view payload) {
  assert(payload.size() <= kLongestLogPayload);
  std::string frame;
  frame.reserve(kLogFrameHeader + payload.size());
  frame.append(token);
  const int kind = static_cast<int>(spec.stream) + (spec.continues ? kContinues : 0) +
                   (spec.has_more ? kHasMore : 0);
  frame.push_back(static_cast<char>(kind));
  frame.push_back('\0');
  frame.push_back(static_cast<char>(payload.size() & 0xff));
  frame.push_back(static_cast<char>(payload.size() >> 8));
  frame.append(payload);
  return frame;
}

void LogSplitter::Feed(std::string_view bytes) {
  if (!input_.empty()) {
    input_.append(bytes);
    bytes = input_;
  }
  while (!bytes.empty()) {
    const size_t at = bytes.find(token_);
    if (at == std::string_view::npos) {
      const size_t kept = TokenBeginsAtEnd(bytes, token_);
      TakeOutput(bytes.substr(0, bytes.size() - kept));
      bytes.remove_prefix(bytes.size() - kept);
      break;
    }
    TakeOutput(bytes.substr(0, at));
    bytes.remove_prefix(at);
    const size_t used = TakeFrame(bytes);
    if (used == 0) break;
    bytes.remove_prefix(used);
  }
  input_ = std::string(bytes);
}

size_t LogSplitter::TakeFrame(std::string_view bytes) {
  if (bytes.size() < kLogFrameHeader) return 0;
  const auto kind = static_cast<uint8_t>(bytes[kLogTokenBytes]);
  const size_t size = static_cast<uint8_t>(bytes[kLogTokenBytes + 2]) +
                      static_cast<size_t>(static_cast<uint8_t>(bytes[kLogTokenBytes + 3])) * 256;
  if (size > kLongestLogPayload) {  // somebody plays with us
    TakeOutput(bytes.substr(0, kLogTokenBytes));
    return kLogTokenBytes;
  }
  if (bytes.size() < kLogFrameHeader + size) return 0;
  TakePayload(kind, bytes.substr(kLogFrameHeader, size));
  return kLogFrameHeader + size;
}

void LogSplitter::TakePayload(uint8_t kind, std::string_view payload) {
  const auto stream = (kind & kStreamBits) == static_cast<uint8_t>(LogStream::kRequests)
                          ? LogStream::kRequests
                          : LogStream::kServer;
  // What the frame before began has an end, or its end was lost.
  if ((kind & kContinues) == 0) begun_.clear();
  begun_.append(payload);
  if ((kind & kHasMore) != 0) return;
  std::string_view lines = begun_;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    on_line_(stream, lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  begun_.clear();
}

void LogSplitter::TakeOutput(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      output_.append(bytes);
      bytes = {};
    } else if (output_.empty()) {
      EmitOutput(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
    } else {
      output_.append(bytes.substr(0, end));
      EmitOutput(output_);
      output_.clear();
      bytes.remove_prefix(end + 1);
    }
    while (output_.size() > line_limit_) {
      const size_t cut = CutBefore(output_, line_limit_);
      on_line_(LogStream::kOutput, std::string_view(output_).substr(0, cut));
      output_.erase(0, cut);
    }
  }
}

void LogSplitter::EmitOutput(std::string_view line) {
  while (line.size() > line_limit_) {
    const size_t cut = CutBefore(line, line_limit_);
    on_line_(LogStream::kOutput, line.substr(0, cut));
    line.remove_prefix(cut);
  }
  on_line_(LogStream::kOutput, line);
}

void LogSplitter::Finish() {
  TakeOutput(input_);
  input_.clear();
  if (!output_.empty()) EmitOutput(output_);
  output_.clear();
  begun_.clear();
}

}  // namespace uwsgi
