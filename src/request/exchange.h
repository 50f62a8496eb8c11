// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "request/output.h"
#include "request/request.h"
#include "request/response.h"
#include "wire/http1_body.h"
#include "wire/http1_parser.h"

namespace uwsgi {

// Received bytes that nobody has used yet. Once pinned, what has been consumed stays where it is,
// because a request's views point at it.
class InputBuffer {
 public:
  static constexpr size_t kUsualCapacity = 16384;
  static constexpr size_t kLeastRoom = 4096;  // behind a pinned head, for what comes of the body

  InputBuffer()
      : block_(std::make_unique_for_overwrite<char[]>(kUsualCapacity)), capacity_(kUsualCapacity) {}

  [[nodiscard]] ByteView view() const { return {block_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] char* tail() { return block_.get() + end_; }
  [[nodiscard]] size_t room() const { return capacity_ - end_; }
  void Filled(size_t size) { end_ += size; }
  void Consume(size_t size) { begin_ += size; }

  // Makes room for at least one more byte, and for `total` unconsumed bytes in one piece when that
  // is known.
  void EnsureRoom(size_t total = 0);
  // Views point at what has been consumed so far.
  void Pin() {
    floor_ = begin_;
    pinned_view_ = {block_.get() + start_, begin_ - start_};
  }
  // What had been consumed since the last Unpin() or Reset() when Pin() was called.
  [[nodiscard]] ByteView pinned() const { return pinned_view_; }
  // No views are left.
  void Unpin();
  // As if `bytes` had been received; by somebody who has not received anything yet.
  void Fill(ByteView bytes);
  // As after construction.
  void Reset();

 private:
  std::unique_ptr<char[]> block_;
  std::unique_ptr<char[]> pinned_;  // an earlier block that views still point into
  size_t capacity_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t floor_ = 0;  // bytes below are pinned
  size_t start_ = 0;  // of what has come since the last Unpin(), until Pin()
  ByteView pinned_view_;
};

// How the response to a request has to be written, set by the protocol.
struct ResponseRules {
  ByteView version;             // "HTTP/1.1", in front of the status
  bool is_http = true;          // persistence and chunks are ours to decide
  bool may_chunk = false;       // HTTP/1.1
  bool keep_alive = false;      // the client would like another exchange
  bool say_keep_alive = false;  // an HTTP/1.0 client that asked for it wants to hear it
};

// Everything one request and its response need while they last, borrowed by a connection from its
// pool, so that a connection that waits for its next request costs little.
struct Exchange {
  InputBuffer input;
  Http1Parser parser;
  HttpHead head;
  BodyDecoder decoder;
  Request request;
  Response response;
  ResponseRules rules;
  Output output;
  std::string body;        // of a request, when it does not lie in the input
  UniqueFd body_file;      // or in an unlinked file
  uint64_t body_size = 0;  // decoded so far
  BodyFraming framing = BodyFraming::kNone;
  uint64_t content_length = 0;
  bool body_complete = true;  // everything has been decoded
  std::atomic<bool> expects_continue{false};
  size_t body_taken = 0;  // of `body`, by a streaming reader

  // Forgets the request, keeps the input that follows it.
  void NextRequest();
};

// Exchanges of one process. Thread-safe.
class ExchangePool {
 public:
  std::unique_ptr<Exchange> Take();
  void Give(std::unique_ptr<Exchange> exchange);

 private:
  static constexpr size_t kKept = 64;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Exchange>> free_;
};

}  // namespace uwsgi
