// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/function.h"

namespace uwsgi {

// What a process with a captured log writes into its pipe. What the application, its libraries and
// its child processes write to descriptors 1 and 2 are bytes as they come. Lines of the server
// stand in frames between them: each frame is written whole, so it may interrupt a long line of the
// application, and that line goes on behind it.
//
//   frame   = token kind zero size payload
//   token   = 12 bytes that only this instance knows: no client can make the application print them
//   kind    = 1 byte: the stream; + 4: continues the frame before; + 8: more follows
//   size    = 2 bytes, little-endian, of the payload: whole lines, or a piece of one

enum class LogStream : uint8_t {
  kOutput,    // what others wrote to 1 and 2
  kServer,    // lines of the server
  kRequests,  // lines about requests
};

constexpr size_t kLogTokenBytes = 12;
constexpr size_t kLogFrameHeader = kLogTokenBytes + 4;
// Written to a pipe as one or not at all.
constexpr size_t kLongestLogFrame = 4096;
constexpr size_t kLongestLogPayload = kLongestLogFrame - kLogFrameHeader;

std::string MakeLogToken();

// A frame around a piece of at most kLongestLogPayload bytes.
struct LogFrameSpec {
  LogStream stream = LogStream::kServer;
  bool continues = false;
  bool has_more = false;
};
std::string EncodeLogFrame(std::string_view token, LogFrameSpec spec, std::string_view payload);

// Takes apart what comes out of one process's pipe, whatever pieces it comes in.
class LogSplitter {
 public:
  // A line without its newline; the view is good during the call.
  using OnLine = UniqueFunction<void(LogStream, std::string_view line)>;

  // Lines of the application that are longer than `line_limit` are broken there.
  LogSplitter(std::string token, size_t line_limit, OnLine on_line)
      : token_(std::move(token)), line_limit_(line_limit), on_line_(std::move(on_line)) {}

  void Feed(std::string_view bytes);
  // The process is gone: what it began is all that will come.
  void Finish();

 private:
  // How many bytes of the front have been used.
  size_t TakeFrame(std::string_view bytes);
  void TakeOutput(std::string_view bytes);
  void TakePayload(uint8_t kind, std::string_view payload);
  void EmitOutput(std::string_view line);

  std::string token_;
  size_t line_limit_;
  OnLine on_line_;
  std::string input_;   // not understood yet
  std::string output_;  // a line of the application without its end
  std::string begun_;   // a line of the server without its end
};

}  // namespace uwsgi
