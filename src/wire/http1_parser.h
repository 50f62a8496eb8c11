// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "wire/cgi_names.h"

namespace uwsgi {

enum class HttpVersion : uint8_t { k10, k11 };
enum class BodyFraming : uint8_t { kNone, kLength, kChunked };
// Of the request target: a path, a whole URL, or `*` (OPTIONS only). CONNECT and its authority-form
// are refused.
enum class TargetForm : uint8_t { kOrigin, kAbsolute, kAsterisk };

// A header field; the value has no SP or HTAB at its ends. `known` spares the caller a second
// look-up.
struct HeaderField {
  ByteView name;
  ByteView value;
  CgiName known = CgiName::kUnknown;
};

// The fields of a head in order of arrival, without heap. Its memory is not touched before it is
// needed.
class HeaderFields {
 public:
  static constexpr size_t kCapacity = 256;

  HeaderFields() {}  // NOLINT: the items stay uninitialised
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const HeaderField* data() const { return items_; }
  [[nodiscard]] const HeaderField* begin() const { return items_; }
  [[nodiscard]] const HeaderField* end() const { return items_ + size_; }
  const HeaderField& operator[](size_t at) const { return items_[at]; }
  operator std::span<const HeaderField>() const { return {items_, size_}; }  // NOLINT: wanted

 private:
  friend class Http1Parser;

  size_t size_ = 0;
  union {
    HeaderField items_[kCapacity];
  };
};

// A request head; every view looks into the bytes given to the parser. Complete only after
// ParseStatus::kComplete.
struct HttpHead {
  ByteView method;
  ByteView target;  // as sent
  HttpVersion version = HttpVersion::k11;
  TargetForm form = TargetForm::kOrigin;
  ByteView path;  // undecoded, up to the first '?'; "/" for an absolute target without one, "*" for
                  // asterisk-form
  ByteView query;  // undecoded, behind the first '?'
  ByteView
      host;  // the authority of an absolute target, else the Host field; empty only in HTTP/1.0
  // Fields named Proxy or with an underscore in the name are left out: both could pass for another
  // variable.
  HeaderFields fields;
  BodyFraming framing = BodyFraming::kNone;
  uint64_t content_length = 0;
  bool has_content_length = false;
  bool keep_alive = false;              // what version and Connection ask for
  bool has_connection_upgrade = false;  // Connection lists "upgrade"
  bool expects_continue = false;        // Expect: 100-continue in HTTP/1.1
};

struct HttpLimits {
  size_t max_head = 65536;                      // bytes up to the empty line; beyond: 431
  size_t max_target = 16384;                    // bytes of the target; beyond: 414
  size_t max_fields = HeaderFields::kCapacity;  // fields, those left out included; beyond: 431
};

enum class ParseStatus : uint8_t { kComplete, kNeedMore, kError };

struct ParseOutcome {
  ParseStatus status = ParseStatus::kNeedMore;
  size_t consumed = 0;   // bytes of the head, when complete
  int error_status = 0;  // 400, 414, 417, 431, 501 or 505; the connection must be closed after it
  const char* reason = "";  // for the log
};

// Parses one request head strictly by RFC 9112: what has two readings is an error, never a guess.
//
// Incremental: after kNeedMore call again with the same bytes and more behind them, and with the
// same head. The bytes may have moved. Nothing is looked at twice, and an error is found at the
// same byte however the input is cut. After kComplete or kError, Reset() makes the parser ready for
// the next head; the views stay good as long as the bytes do.
class Http1Parser {
 public:
  ParseOutcome Parse(ByteView input, const HttpLimits& limits, HttpHead& head);
  void Reset() { *this = Http1Parser(); }
  // True once bytes of a request (beyond the empty line that may stand in front) have been seen.
  [[nodiscard]] bool started() const { return stage_ > Stage::kLeadingLf; }

 private:
  // What the next byte belongs to.
  enum class Stage : uint8_t {
    kLeading,
    kLeadingLf,
    kMethod,
    kTarget,
    kVersion,
    kRequestLineLf,
    kFieldStart,
    kFieldName,
    kFieldValue,
    kFieldLf,
    kHeadLf,
    kDone,
    kFailed,
  };
  enum class Step : uint8_t { kNext, kStarved };

  void Begin(const char* base, HttpHead& head);
  void Move(const char* to, HttpHead& head);
  Step ReadStart(const char* end, HttpHead& head);
  Step ReadTarget(const char* end, const HttpLimits& limits, HttpHead& head);
  Step ReadVersion(const char* end, HttpHead& head);
  Step ReadFields(const char* end, const HttpLimits& limits, HttpHead& head);
  bool AddField(const HttpLimits& limits, HttpHead& head, ByteView value);
  bool TakeKnownField(HttpHead& head, CgiName known, ByteView value);
  bool TakeHost(HttpHead& head, ByteView value);
  bool TakeContentLength(HttpHead& head, ByteView value);
  bool TakeTransferEncoding(HttpHead& head, ByteView value);
  void TakeConnection(HttpHead& head, ByteView value);
  bool Finish(HttpHead& head);
  bool TakeOtherTarget(HttpHead& head);
  bool Fail(int status, const char* reason);
  Step Failed(int status, const char* reason);
  ParseOutcome Starved(size_t seen, const HttpLimits& limits);

  Stage stage_ = Stage::kLeading;
  bool has_host_ = false;
  bool has_transfer_encoding_ = false;
  bool asks_close_ = false;
  bool asks_keep_alive_ = false;
  int error_status_ = 0;
  uint32_t field_lines_ = 0;
  uint32_t host_at_ = 0;        // index of the Host field
  uint32_t name_size_ = 0;      // of the field being read
  const char* base_ = nullptr;  // where the input of the last call began
  const char* at_ = nullptr;    // first byte not looked at
  const char* mark_ = nullptr;  // start of the token being read
  const char* name_ = nullptr;  // of the field being read
  const char* reason_ = "";
};

}  // namespace uwsgi
