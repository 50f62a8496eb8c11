// SPDX-License-Identifier: Apache-2.0
#include "wire/http1_parser.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/scan.h"
#include "base/strings.h"
#include "wire/host.h"

// The head is read by stages, each of which runs to the end of its token in one go. A stage that
// runs out of input leaves `stage_`, `at_` and `mark_` where it stopped and is entered again there.
// What a finished token means is decided at once, in the order of the bytes, so that the answer
// can't depend on how the input was cut.
namespace uwsgi {
namespace {

bool IsBlank(char byte) { return byte == ' ' || byte == '\t'; }

ByteView TrimBlanks(ByteView text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next element of a comma-separated list off its front.
ByteView TakeElement(ByteView& list) {
  const size_t comma = list.find(',');
  const ByteView element = TrimBlanks(list.substr(0, comma));
  list = comma == ByteView::npos ? ByteView() : list.substr(comma + 1);
  return element;
}

bool IsToken(ByteView text) {
  return !text.empty() &&
         FindTokenEnd(text.data(), text.data() + text.size()) == text.data() + text.size();
}

bool StartsWithIgnoringCase(ByteView text, ByteView prefix) {
  return text.size() >= prefix.size() && EqualsIgnoringCase(text.substr(0, prefix.size()), prefix);
}

void MoveView(ByteView& view, const char* from, const char* to) {
  if (view.data() == nullptr) return;
  const auto offset = reinterpret_cast<uintptr_t>(view.data()) - reinterpret_cast<uintptr_t>(from);
  view = ByteView(to + offset, view.size());
}

void MovePointer(const char*& pointer, const char* from, const char* to) {
  if (pointer == nullptr) return;
  pointer = to + (reinterpret_cast<uintptr_t>(pointer) - reinterpret_cast<uintptr_t>(from));
}

void SplitPath(HttpHead& head, ByteView text) {
  const size_t mark = text.find('?');
  head.path = text.substr(0, mark);
  if (mark != ByteView::npos) head.query = text.substr(mark + 1);
}

const char* BadNameReason(char byte, bool first) {
  if (byte == ' ' || byte == '\t') return first ? "folded field line" : "space in a field name";
  if (byte == '\r' || byte == '\n')
    return first ? "bare LF behind the fields" : "field line without a colon";
  return first && byte == ':' ? "empty field name" : "bad byte in a field name";
}

}  // namespace

bool Http1Parser::Fail(int status, const char* reason) {
  stage_ = Stage::kFailed;
  error_status_ = status;
  reason_ = reason;
  return false;
}

Http1Parser::Step Http1Parser::Failed(int status, const char* reason) {
  Fail(status, reason);
  return Step::kNext;
}

ParseOutcome Http1Parser::Parse(ByteView input, const HttpLimits& limits, HttpHead& head) {
  if (base_ == nullptr) Begin(input.data(), head);
  if (base_ != input.data()) Move(input.data(), head);
  const char* const end = base_ + std::min(input.size(), limits.max_head);
  Step step = Step::kNext;
  while (step == Step::kNext) {
    switch (stage_) {
      case Stage::kLeading:
      case Stage::kLeadingLf:
      case Stage::kMethod:
        step = ReadStart(end, head);
        break;
      case Stage::kTarget:
        step = ReadTarget(end, limits, head);
        break;
      case Stage::kVersion:
      case Stage::kRequestLineLf:
        step = ReadVersion(end, head);
        break;
      case Stage::kFieldStart:
      case Stage::kFieldName:
      case Stage::kFieldValue:
      case Stage::kFieldLf:
      case Stage::kHeadLf:
        step = ReadFields(end, limits, head);
        break;
      case Stage::kDone:
        return {ParseStatus::kComplete, static_cast<size_t>(at_ - base_), 0, ""};
      case Stage::kFailed:
        return {ParseStatus::kError, 0, error_status_, reason_};
    }
  }
  return Starved(static_cast<size_t>(end - base_), limits);
}

ParseOutcome Http1Parser::Starved(size_t seen, const HttpLimits& limits) {
  if (seen < limits.max_head) return {};
  Fail(431, "request head larger than the limit");
  return {ParseStatus::kError, 0, error_status_, reason_};
}

// Follows the input to its new place.
void Http1Parser::Move(const char* to, HttpHead& head) {
  MovePointer(at_, base_, to);
  MovePointer(mark_, base_, to);
  MovePointer(name_, base_, to);
  MoveView(head.method, base_, to);
  MoveView(head.target, base_, to);
  for (size_t i = 0; i < head.fields.size_; ++i) {
    MoveView(head.fields.items_[i].name, base_, to);
    MoveView(head.fields.items_[i].value, base_, to);
  }
  base_ = to;
}

void Http1Parser::Begin(const char* base, HttpHead& head) {
  base_ = at_ = mark_ = base;
  head.method = head.target = head.path = head.query = head.host = ByteView();
  head.fields.size_ = 0;
  head.framing = BodyFraming::kNone;
  head.content_length = 0;
  head.has_content_length = head.has_connection_upgrade = head.expects_continue = false;
}

Http1Parser::Step Http1Parser::ReadStart(const char* end, HttpHead& head) {
  if (at_ == end) return Step::kStarved;
  if (stage_ == Stage::kLeading && *at_ == '\r') {
    stage_ = Stage::kLeadingLf;
    ++at_;
    return Step::kNext;
  }
  if (stage_ == Stage::kLeadingLf && *at_++ != '\n')
    return Failed(400, "CR without LF in front of the request");
  if (stage_ != Stage::kMethod) mark_ = at_;
  stage_ = Stage::kMethod;
  at_ = FindTokenEnd(at_, end);
  if (at_ == end) return Step::kStarved;
  if (*at_ != ' ' || at_ == mark_) return Failed(400, "bad byte in the method");
  head.method = ByteView(mark_, static_cast<size_t>(at_ - mark_));
  mark_ = ++at_;
  stage_ = Stage::kTarget;
  return Step::kNext;
}

Http1Parser::Step Http1Parser::ReadTarget(const char* end, const HttpLimits& limits,
                                          HttpHead& head) {
  const bool may_overflow = static_cast<size_t>(end - mark_) > limits.max_target;
  const char* const stop = may_overflow ? mark_ + limits.max_target + 1 : end;
  at_ = FindTargetEnd(at_, stop);
  if (at_ == stop)
    return may_overflow ? Failed(414, "request target larger than the limit") : Step::kStarved;
  if (at_ == mark_) return Failed(400, "no request target");
  if (*at_ != ' ')
    return Failed(
        400, *at_ == '\r' ? "no version in the request line" : "bad byte in the request target");
  head.target = ByteView(mark_, static_cast<size_t>(at_ - mark_));
  mark_ = ++at_;
  stage_ = Stage::kVersion;
  return Step::kNext;
}

Http1Parser::Step Http1Parser::ReadVersion(const char* end, HttpHead& head) {
  constexpr ByteView kVersion = "HTTP/1.";
  constexpr auto kVersionSize = static_cast<ptrdiff_t>(kVersion.size()) + 1;
  if (at_ == mark_ && end - at_ >= kVersionSize + 2 && std::memcmp(at_, "HTTP/1.1\r\n", 10) == 0) {
    head.version = HttpVersion::k11;
    at_ += kVersionSize + 2;
    stage_ = Stage::kFieldStart;
    return Step::kNext;
  }
  for (; at_ != end && at_ - mark_ < kVersionSize; ++at_) {
    const auto place = static_cast<size_t>(at_ - mark_);
    if (place < kVersion.size() ? *at_ == kVersion[place] : *at_ == '0' || *at_ == '1') continue;
    // Another number where the major or minor version stands is a version; anything else is no HTTP
    // at all.
    const bool other_version = (place == 5 || place == 7) && IsByte(*at_, kDigitByte);
    return other_version ? Failed(505, "HTTP version not supported")
                         : Failed(400, "bad HTTP version");
  }
  if (at_ != end && stage_ == Stage::kVersion) {
    head.version = at_[-1] == '1' ? HttpVersion::k11 : HttpVersion::k10;
    if (*at_++ != '\r') return Failed(400, "the request line does not end with CR LF");
    stage_ = Stage::kRequestLineLf;
  }
  if (at_ == end) return Step::kStarved;
  if (*at_++ != '\n') return Failed(400, "CR without LF in the request line");
  stage_ = Stage::kFieldStart;
  return Step::kNext;
}

// The loop that most of a head is read in; it keeps its place in registers until it has to stop.
Http1Parser::Step Http1Parser::ReadFields(const char* end, const HttpLimits& limits,
                                          HttpHead& head) {
  const char* at = at_;
  const char* mark = mark_;
  Stage stage = stage_;
  while (at != end) {
    if (stage == Stage::kFieldStart) {
      mark = at;
      stage = Stage::kFieldName;
      if (*at == '\r') {
        ++at;
        stage = Stage::kHeadLf;
        continue;
      }
    }
    if (stage == Stage::kFieldName) {
      at = FindTokenEnd(at, end);
      if (at == end) break;
      if (*at != ':' || at == mark) return Failed(400, BadNameReason(*at, at == mark));
      name_ = mark;
      name_size_ = static_cast<uint32_t>(at - mark);
      mark = ++at;
      stage = Stage::kFieldValue;
    }
    if (stage == Stage::kFieldValue) {
      at = FindControl(at, end);
      if (at == end) break;
      if (*at != '\r')
        return Failed(400, *at == '\n' ? "bare LF in a field" : "control byte in a field");
      ++at;
      stage = Stage::kFieldLf;
      if (at == end) break;
    }
    if (*at++ != '\n')
      return Failed(
          400, stage == Stage::kHeadLf ? "CR without LF behind the fields" : "bare CR in a field");
    if (stage == Stage::kHeadLf) {
      at_ = at;
      if (Finish(head)) stage_ = Stage::kDone;
      return Step::kNext;
    }
    if (!AddField(limits, head, TrimBlanks(ByteView(mark, static_cast<size_t>(at - mark) - 2))))
      return Step::kNext;
    stage = Stage::kFieldStart;
  }
  at_ = at;
  mark_ = mark;
  stage_ = stage;
  return Step::kStarved;
}

bool Http1Parser::AddField(const HttpLimits& limits, HttpHead& head, ByteView value) {
  if (++field_lines_ > std::min(limits.max_fields, HeaderFields::kCapacity))
    return Fail(431, "more header fields than the limit");
  const ByteView name(name_, name_size_);
  const CgiName known = LookUpHeader(name);
  if (known == CgiName::kUnknown) {
    // `X_A` would become the same variable as `X-A`, and `Proxy` one that HTTP clients trust:
    // neither is passed on.
    if (std::memchr(name.data(), '_', name.size()) != nullptr || EqualsIgnoringCase(name, "proxy"))
      return true;
  } else if (!TakeKnownField(head, known, value)) {
    return false;
  }
  head.fields.items_[head.fields.size_++] = HeaderField{name, value, known};
  return true;
}

// What a field means for framing and the connection.
bool Http1Parser::TakeKnownField(HttpHead& head, CgiName known, ByteView value) {
  switch (known) {
    case CgiName::kHttpHost:
      return TakeHost(head, value);
    case CgiName::kContentLength:
      return TakeContentLength(head, value);
    case CgiName::kHttpTransferEncoding:
      return TakeTransferEncoding(head, value);
    case CgiName::kHttpConnection:
      TakeConnection(head, value);
      return true;
    case CgiName::kHttpExpect:
      if (head.version == HttpVersion::k10) return true;
      if (!EqualsIgnoringCase(value, "100-continue")) return Fail(417, "unknown expectation");
      head.expects_continue = true;
      return true;
    default:
      return true;
  }
}

bool Http1Parser::TakeHost(HttpHead& head, ByteView value) {
  if (has_host_) return Fail(400, "more than one Host");
  if (!IsValidHost(value)) return Fail(400, "bad Host");
  has_host_ = true;
  host_at_ = static_cast<uint32_t>(head.fields.size_);
  return true;
}

bool Http1Parser::TakeContentLength(HttpHead& head, ByteView value) {
  if (head.has_content_length) return Fail(400, "more than one Content-Length");
  const std::optional<int64_t> length = ParseInt(value);
  if (!length) return Fail(400, "bad Content-Length");
  head.has_content_length = true;
  head.content_length = static_cast<uint64_t>(*length);
  return true;
}

// Only `chunked` alone is understood. A list that names another coding is 501 if it is well formed.
bool Http1Parser::TakeTransferEncoding(HttpHead& head, ByteView value) {
  if (has_transfer_encoding_) return Fail(400, "more than one Transfer-Encoding");
  if (head.version == HttpVersion::k10) return Fail(400, "Transfer-Encoding in HTTP/1.0");
  has_transfer_encoding_ = true;
  if (EqualsIgnoringCase(value, "chunked")) return true;
  bool chunked = false;
  do {
    const bool more = value.find(',') != ByteView::npos;
    const ByteView coding = TakeElement(value);
    if (chunked || !IsToken(coding) || EqualsIgnoringCase(coding, "identity"))
      return Fail(400, "bad Transfer-Encoding");
    chunked = EqualsIgnoringCase(coding, "chunked");
    if (!more) return Fail(501, "transfer coding not implemented");
  } while (true);
}

void Http1Parser::TakeConnection(HttpHead& head, ByteView value) {
  while (!value.empty()) {
    const ByteView option = TakeElement(value);
    if (EqualsIgnoringCase(option, "close")) asks_close_ = true;
    if (EqualsIgnoringCase(option, "keep-alive")) asks_keep_alive_ = true;
    if (EqualsIgnoringCase(option, "upgrade")) head.has_connection_upgrade = true;
  }
}

// What can be said only when the whole head is known.
bool Http1Parser::Finish(HttpHead& head) {
  if (has_transfer_encoding_ && head.has_content_length)
    return Fail(400, "both Content-Length and Transfer-Encoding");
  if (!has_host_ && head.version == HttpVersion::k11) return Fail(400, "no Host");
  if (has_host_) head.host = head.fields.items_[host_at_].value;
  if (has_transfer_encoding_) head.framing = BodyFraming::kChunked;
  if (head.has_content_length) head.framing = BodyFraming::kLength;
  head.keep_alive = !asks_close_ && (head.version == HttpVersion::k11 || asks_keep_alive_);
  if (head.method == "CONNECT") return Fail(501, "CONNECT is not implemented");
  if (head.target.front() == '/') {
    head.form = TargetForm::kOrigin;
    SplitPath(head, head.target);
    return true;
  }
  return TakeOtherTarget(head);
}

// The target is not a path: it must be `*` with OPTIONS, or a URL, whose authority then takes the
// place of Host.
bool Http1Parser::TakeOtherTarget(HttpHead& head) {
  if (head.target == "*" && head.method == "OPTIONS") {
    head.form = TargetForm::kAsterisk;
    head.path = head.target;
    return true;
  }
  ByteView rest = head.target;
  if (StartsWithIgnoringCase(rest, "http://")) {
    rest.remove_prefix(7);
  } else if (StartsWithIgnoringCase(rest, "https://")) {
    rest.remove_prefix(8);
  } else {
    return Fail(400, "the request target is neither a path nor a URL");
  }
  head.form = TargetForm::kAbsolute;
  const size_t authority_size = std::min(rest.find_first_of("/?"), rest.size());
  head.host = rest.substr(0, authority_size);
  if (!IsValidHost(head.host)) return Fail(400, "bad authority in the request target");
  if (has_host_) head.fields.items_[host_at_].value = head.host;
  SplitPath(head, rest.substr(authority_size));
  if (head.path.empty()) head.path = "/";
  return true;
}

}  // namespace uwsgi
