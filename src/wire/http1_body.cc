// SPDX-License-Identifier: Apache-2.0
#include "wire/http1_body.h"

#include <algorithm>

#include "base/scan.h"

namespace uwsgi {

BodyPiece LengthBody::Next(ByteView in) {
  const size_t take = in.size() < remaining_ ? in.size() : static_cast<size_t>(remaining_);
  remaining_ -= take;
  return {in.substr(0, take), take, done()};
}

BodyPiece BodyDecoder::Next(ByteView in) {
  return framing_ == BodyFraming::kChunked ? chunked_.Next(in) : length_.Next(in);
}

BodyPiece ChunkedDecoder::Next(ByteView in) {
  const char* const begin = in.data();
  const char* const end = begin + in.size();
  const char* at = ReadFraming(begin, end);
  BodyPiece piece;
  if (stage_ == Stage::kData) {
    const auto here = static_cast<uint64_t>(end - at);
    piece.data = ByteView(at, static_cast<size_t>(std::min(here, remaining_)));
    at += piece.data.size();
    remaining_ -= piece.data.size();
    // What frames the chunk goes with it, so that the last piece of a body that is all there says
    // `done`.
    if (remaining_ == 0) stage_ = Stage::kDataCr;
    if (stage_ == Stage::kDataCr) at = ReadFraming(at, end);
  }
  piece.consumed = static_cast<size_t>(at - begin);
  piece.done = stage_ == Stage::kDone;
  piece.error = stage_ == Stage::kFailed;
  piece.reason = reason_;
  return piece;
}

// Reads what is not payload: up to the data of the next chunk, the end of the body or the end of
// the input.
const char* ChunkedDecoder::ReadFraming(const char* at, const char* end) {
  for (; at != end; ++at) {
    switch (stage_) {
      case Stage::kSizeStart:
      case Stage::kSize:
        TakeSizeByte(*at);
        break;
      case Stage::kExtensionName:
      case Stage::kExtensionNameEnd:
      case Stage::kExtensionValue:
      case Stage::kExtensionToken:
      case Stage::kExtensionQuoted:
      case Stage::kExtensionEscape:
      case Stage::kExtensionEnd:
        TakeExtensionByte(*at);
        break;
      case Stage::kSizeLf:
      case Stage::kDataCr:
      case Stage::kDataLf:
      case Stage::kLastLf:
        TakeLineEnd(*at);
        break;
      case Stage::kTrailerStart:
      case Stage::kTrailerName:
      case Stage::kTrailerValue:
      case Stage::kTrailerLf:
        TakeTrailerByte(*at);
        break;
      case Stage::kData:
      case Stage::kDone:
      case Stage::kFailed:
        return at;
    }
  }
  return at;
}

void ChunkedDecoder::Fail(const char* reason) {
  stage_ = Stage::kFailed;
  reason_ = reason;
}

void ChunkedDecoder::TakeSizeByte(char byte) {
  if (IsByte(byte, kHexByte)) {
    // Sixteen digits fill 64 bits, of which the highest must stay clear.
    if (size_digits_ == 16 || remaining_ >> 59 != 0) return Fail("chunk size too large");
    ++size_digits_;
    remaining_ = remaining_ << 4 | static_cast<uint64_t>(HexValue(byte));
    stage_ = Stage::kSize;
  } else if (stage_ == Stage::kSize && byte == '\r') {
    stage_ = Stage::kSizeLf;
  } else if (stage_ == Stage::kSize && byte == ';') {
    stage_ = Stage::kExtensionName;
  } else {
    Fail("bad chunk size");
  }
}

// After a whole extension only another one or the end of the line may follow.
void ChunkedDecoder::EndExtension(char byte) {
  if (byte == ';') {
    stage_ = Stage::kExtensionName;
  } else if (byte == '\r') {
    stage_ = Stage::kSizeLf;
  } else {
    Fail("bad chunk extension");
  }
}

void ChunkedDecoder::TakeExtensionByte(char byte) {
  if (++extension_bytes_ > kMaxExtensions) return Fail("chunk extensions larger than the limit");
  const bool token = IsByte(byte, kTokenByte);
  switch (stage_) {
    case Stage::kExtensionName:
      return token ? void(stage_ = Stage::kExtensionNameEnd)
                   : Fail("chunk extension without a name");
    case Stage::kExtensionNameEnd:
      if (token) return;
      return byte == '=' ? void(stage_ = Stage::kExtensionValue) : EndExtension(byte);
    case Stage::kExtensionValue:
      if (byte == '"') return void(stage_ = Stage::kExtensionQuoted);
      return token ? void(stage_ = Stage::kExtensionToken)
                   : Fail("chunk extension without a value");
    case Stage::kExtensionToken:
      return token ? void() : EndExtension(byte);
    case Stage::kExtensionQuoted:
      if (byte == '"') return void(stage_ = Stage::kExtensionEnd);
      if (byte == '\\') return void(stage_ = Stage::kExtensionEscape);
      return IsByte(byte, kValueByte) ? void() : Fail("control byte in a chunk extension");
    case Stage::kExtensionEscape:
      return IsByte(byte, kValueByte) ? void(stage_ = Stage::kExtensionQuoted)
                                      : Fail("control byte in a chunk extension");
    default:  // kExtensionEnd
      return EndExtension(byte);
  }
}

void ChunkedDecoder::TakeLineEnd(char byte) {
  if (byte != (stage_ == Stage::kDataCr ? '\r' : '\n')) {
    return Fail(stage_ == Stage::kSizeLf ? "chunk size line without CR LF"
                                         : "chunk without CR LF behind it");
  }
  switch (stage_) {
    case Stage::kSizeLf:
      stage_ = remaining_ == 0 ? Stage::kTrailerStart : Stage::kData;
      size_digits_ = 0;
      break;
    case Stage::kDataCr:
      stage_ = Stage::kDataLf;
      break;
    case Stage::kDataLf:
      stage_ = Stage::kSizeStart;
      break;
    default:  // kLastLf
      stage_ = Stage::kDone;
      break;
  }
}

void ChunkedDecoder::TakeTrailerByte(char byte) {
  if (++trailer_bytes_ > kMaxTrailers) return Fail("trailers larger than the limit");
  switch (stage_) {
    case Stage::kTrailerStart:
      if (byte == '\r') return void(stage_ = Stage::kLastLf);
      return IsByte(byte, kTokenByte) ? void(stage_ = Stage::kTrailerName)
                                      : Fail("bad byte behind the last chunk");
    case Stage::kTrailerName:
      if (byte == ':') return void(stage_ = Stage::kTrailerValue);
      return IsByte(byte, kTokenByte) ? void() : Fail("bad byte in the name of a trailer");
    case Stage::kTrailerValue:
      if (byte == '\r') return void(stage_ = Stage::kTrailerLf);
      return IsByte(byte, kValueByte) ? void() : Fail("control byte in a trailer");
    default:  // kTrailerLf
      return byte == '\n' ? void(stage_ = Stage::kTrailerStart) : Fail("bare CR in a trailer");
  }
}

}  // namespace uwsgi
