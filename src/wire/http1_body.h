// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "wire/http1_parser.h"

namespace uwsgi {

// What one step of a body decoder found.
struct BodyPiece {
  ByteView data;        // payload, inside the input
  size_t consumed = 0;  // bytes of the input that are used up, framing and `data` included
  bool done = false;   // the body ends behind `data`; what follows in the input is the next request
  bool error = false;  // the framing is broken: answer 400 and close
  const char* reason = "";  // for the log
};

// The decoders below work alike: call Next() with the bytes that were not consumed so far and
// perhaps more behind them. When it returns no data, is not done and failed not, it has consumed
// all of the input and wants more. The end of the connection before `done` means a truncated body,
// which must never pass for a complete one.

// A body of as many bytes as Content-Length says.
class LengthBody {
 public:
  explicit LengthBody(uint64_t length = 0) : remaining_(length) {}
  BodyPiece Next(ByteView in);
  [[nodiscard]] bool done() const { return remaining_ == 0; }
  [[nodiscard]] uint64_t remaining() const { return remaining_; }

 private:
  uint64_t remaining_;
};

// The chunked coding, strictly by RFC 9112 section 7.1. Extensions and trailers are checked,
// bounded and thrown away.
class ChunkedDecoder {
 public:
  static constexpr size_t kMaxExtensions = 16384;  // bytes of chunk extensions in a body
  static constexpr size_t kMaxTrailers = 8192;     // bytes of trailer lines

  BodyPiece Next(ByteView in);
  [[nodiscard]] bool done() const { return stage_ == Stage::kDone; }

 private:
  // What the next byte belongs to.
  enum class Stage : uint8_t {
    kSizeStart,
    kSize,
    kExtensionName,
    kExtensionNameEnd,
    kExtensionValue,
    kExtensionToken,
    kExtensionQuoted,
    kExtensionEscape,
    kExtensionEnd,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kLastLf,
    kDone,
    kFailed,
  };

  const char* ReadFraming(const char* at, const char* end);
  void TakeSizeByte(char byte);
  void TakeExtensionByte(char byte);
  void TakeTrailerByte(char byte);
  void TakeLineEnd(char byte);
  void EndExtension(char byte);
  void Fail(const char* reason);

  Stage stage_ = Stage::kSizeStart;
  uint8_t size_digits_ = 0;
  uint32_t extension_bytes_ = 0;
  uint32_t trailer_bytes_ = 0;
  uint64_t remaining_ = 0;  // of the chunk being read
  const char* reason_ = "";
};

// The body of any request.
class BodyDecoder {
 public:
  using Piece = BodyPiece;

  // No body.
  BodyDecoder() = default;
  BodyDecoder(BodyFraming framing, uint64_t length) : framing_(framing), length_(length) {}
  explicit BodyDecoder(const HttpHead& head) : BodyDecoder(head.framing, head.content_length) {}

  BodyPiece Next(ByteView in);
  [[nodiscard]] bool done() const {
    return framing_ == BodyFraming::kChunked ? chunked_.done() : length_.done();
  }
  [[nodiscard]] BodyFraming framing() const { return framing_; }
  // Bytes still to come; known only with BodyFraming::kLength.
  [[nodiscard]] uint64_t remaining() const { return length_.remaining(); }

 private:
  BodyFraming framing_ = BodyFraming::kNone;
  LengthBody length_;
  ChunkedDecoder chunked_;
};

}  // namespace uwsgi
