// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

class Connection;
class PushGate;

// Who owns the bytes of a body chunk. When the kernel does not take all of a large chunk, the
// response keeps a reference
// (`retain`) instead of a copy and gives it back (`release`) later, from any thread and without a
// language's lock.
struct ChunkOwner {
  void* object = nullptr;
  void (*retain)(void* object) = nullptr;
  void (*release)(void* object) = nullptr;
};

// Whether a chunk has to leave now, or may wait for what follows.
enum class Flush : uint8_t { kNow, kLater };

enum class SendOutcome : uint8_t { kOk, kClientGone };

// The answer to a request: status and headers are collected, checked and serialised as they are
// added, and leave together with the first bytes of the body. Framing (length, chunks, close),
// HEAD, 204 and 304 are taken care of here, so an application can't break the connection for the
// next request. Used by the one thread that runs the request.
//
// Nothing here blocks but WaitForRoom().
class Response {
 public:
  // "200 OK"; "200" alone gets its phrase. Forgets a head that has not been sent yet. An error
  // (text for a ValueError) when it is not three digits and a text free of control bytes.
  Status Start(ByteView status);
  // The answer has no head: bytes as they are, up to the end of the connection. Instead of Start().
  void StartRaw();
  // Checks and appends one header line. Errors: bad name, CR/LF/NUL or another control byte in the
  // value, more than response-headers-limit bytes. Content-Length, Transfer-Encoding and Connection
  // of the application are honoured where they are sane and replaced where they are not.
  Status AddHeader(ByteView name, ByteView value);
  [[nodiscard]] bool started() const { return started_; }      // Start() has been called
  [[nodiscard]] bool head_sent() const { return head_sent_; }  // it is too late to change the head

  // The application's whole body has this many bytes; lets a response without Content-Length get
  // one. Before the first Write.
  void SetBodyLength(uint64_t length);

  // Sends a piece of the body, the head before it when it has not left yet (an empty chunk sends
  // nothing). What the kernel does not take is kept. kClientGone: the connection is broken, stop
  // producing.
  SendOutcome Write(ByteView chunk, ChunkOwner owner, Flush flush = Flush::kNow);
  // More than the high-water mark (256 KiB) waits for a slow client: the producer should call
  // WaitForRoom.
  [[nodiscard]] bool needs_room() const;
  // Waits until the client has taken enough; at most the socket timeout for each step. Callers give
  // back a language's lock.
  SendOutcome WaitForRoom();
  // Sends a file, by sendfile from the loop: no thread waits for it. `size` nullopt: up to the end
  // of the file. Adds Content-Length when there is none.
  SendOutcome SendFile(UniqueFd file, uint64_t offset, std::optional<uint64_t> size);

  // The application failed: a plain error page when no byte has left yet (true), else the
  // connection is closed after what was sent.
  bool Fail(int status);
  // A complete plain answer, e.g. 404 "Not Found", instead of whatever was prepared.
  void Plain(int status, ByteView text);
  // No byte shall be added and nothing repaired: the connection is closed without an answer.
  void Abandon();

  // The last bytes may rest behind this gate. Null: they leave at once.
  void set_push_gate(PushGate* gate) { push_gate_ = gate; }

  [[nodiscard]] bool client_gone() const { return client_gone_; }
  // Nothing but the end of the connection tells the client that the body is complete.
  [[nodiscard]] bool ends_with_connection() const { return framing_ == Framing::kUntilClose; }
  // errno of the failed write, 0 for a timeout; and which kind of write it was.
  [[nodiscard]] int write_error() const { return write_error_; }

  // For the access log.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] int header_count() const { return header_count_; }
  [[nodiscard]] uint64_t header_bytes() const { return header_bytes_; }
  [[nodiscard]] uint64_t body_bytes() const { return body_bytes_; }
  enum class Via : uint8_t { kWrite, kSendfile };
  [[nodiscard]] Via via() const { return via_; }
  [[nodiscard]] int switches() const { return switches_; }

 private:
  friend class Connection;
  enum class Framing : uint8_t { kUnknown, kLength, kChunked, kUntilClose, kNoBody };

  void Reset(Connection* connection);
  void ForgetHead();
  // Framing and persistence headers and the blank line: from here on the head is fixed.
  void FinishHead(bool body_follows);
  [[nodiscard]] bool HasNoBody() const;
  // Sends what is staged and `payload`, keeps what the kernel does not take.
  SendOutcome Emit(ByteView payload, ChunkOwner owner, bool is_last);
  SendOutcome Broken(int error);
  // The application has returned: whatever is missing leaves.
  void Finish();

  Connection* connection_ = nullptr;
  PushGate* push_gate_ = nullptr;
  std::string staged_;  // not sent yet: status line, headers, small chunks; keeps its memory from
                        // request to request
  bool started_ = false;
  bool head_sent_ = false;
  bool client_gone_ = false;
  bool failed_ = false;
  bool abandoned_ = false;
  bool app_wants_close_ = false;
  bool length_given_ = false;  // by a header of the application
  Framing framing_ = Framing::kUnknown;
  Via via_ = Via::kWrite;
  int status_ = 0;
  int write_error_ = 0;
  int header_count_ = 0;
  int switches_ = 0;
  uint64_t header_bytes_ = 0;
  uint64_t body_bytes_ = 0;         // without framing
  std::optional<uint64_t> length_;  // Content-Length, given or known
};

}  // namespace uwsgi
