// SPDX-License-Identifier: Apache-2.0
#include "request/output.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace uwsgi {
namespace {

constexpr size_t kWorthAReference = 4096;
constexpr size_t kFilePiece = size_t{1} << 20;

}  // namespace

void Output::AppendCopy(ByteView bytes) {
  if (bytes.empty()) return;
  pending_ += bytes.size();
  if (!segments_.empty()) {
    Segment& last = segments_.back();
    const bool whole =
        !last.file.valid() && last.owner.object == nullptr && last.bytes.size() == last.copy.size();
    if (whole && last.copy.size() + bytes.size() <= 16384) {
      last.copy.append(bytes);
      last.bytes = last.copy;
      return;
    }
  }
  Segment& segment = segments_.emplace_back();
  segment.copy.assign(bytes);
  segment.bytes = segment.copy;
}

void Output::Append(ByteView bytes, ChunkOwner owner) {
  if (owner.object == nullptr || bytes.size() < kWorthAReference) return AppendCopy(bytes);
  pending_ += bytes.size();
  owner.retain(owner.object);
  Segment& segment = segments_.emplace_back();
  segment.bytes = bytes;
  segment.owner = owner;
}

void Output::AppendFile(UniqueFd file, uint64_t offset, uint64_t size) {
  if (size == 0) return;
  Segment& segment = segments_.emplace_back();
  segment.file = std::move(file);
  segment.offset = offset;
  segment.size = size;
}

void Output::DropFront() {
  Segment& front = segments_.front();
  if (front.owner.object != nullptr) front.owner.release(front.owner.object);
  segments_.pop_front();
}

void Output::Clear() {
  while (!segments_.empty()) DropFront();
  pending_ = 0;
}

FlushResult Output::FlushFile(int socket, Segment& segment, uint64_t& sent_of_files, int& error) {
  while (segment.size > 0) {
    if (sent_of_files >= kFileBytesInARow) return FlushResult::kEnough;
    auto offset = static_cast<off_t>(segment.offset);
    const ssize_t sent = ::sendfile(socket, segment.file.get(), &offset,
                                    std::min<uint64_t>(segment.size, kFilePiece));
    if (sent > 0) {
      segment.offset += static_cast<uint64_t>(sent);
      segment.size -= static_cast<uint64_t>(sent);
      sent_of_files += static_cast<uint64_t>(sent);
      sent_ += static_cast<uint64_t>(sent);
    } else if (sent == 0) {  // the file became shorter: the promised length cannot be kept
      error = EIO;
      return FlushResult::kError;
    } else if (errno == EAGAIN) {
      return FlushResult::kWouldBlock;
    } else if (errno != EINTR) {
      error = errno;
      return FlushResult::kError;
    }
  }
  return FlushResult::kDone;
}

FlushResult Output::FlushBytes(int socket, int& error) {
  std::array<iovec, 16> pieces{};
  size_t count = 0;
  for (const Segment& segment : segments_) {
    if (segment.file.valid() || count == pieces.size()) break;
    pieces[count++] = {const_cast<char*>(segment.bytes.data()), segment.bytes.size()};
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EAGAIN) return FlushResult::kWouldBlock;
    if (errno == EINTR) return FlushResult::kDone;
    error = errno;
    return FlushResult::kError;
  }
  pending_ -= static_cast<size_t>(sent);
  sent_ += static_cast<uint64_t>(sent);
  auto left = static_cast<size_t>(sent);
  while (left > 0) {
    Segment& front = segments_.front();
    if (left < front.bytes.size()) {
      front.bytes.remove_prefix(left);
      break;
    }
    left -= front.bytes.size();
    DropFront();
  }
  return FlushResult::kDone;
}

FlushResult Output::Flush(int socket, int& error) {
  uint64_t sent_of_files = 0;
  while (!segments_.empty()) {
    Segment& front = segments_.front();
    const bool is_file = front.file.valid();
    const FlushResult result =
        is_file ? FlushFile(socket, front, sent_of_files, error) : FlushBytes(socket, error);
    if (result != FlushResult::kDone) return result;
    if (is_file) DropFront();
  }
  return FlushResult::kDone;
}

}  // namespace uwsgi
