// SPDX-License-Identifier: Apache-2.0
#include "request/body_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "request/connection.h"

namespace uwsgi {

void BodySource::Clear() {
  kind_ = Kind::kMemory;
  failed_ = ended_ = false;
  file_ = -1;
  memory_ = {};
  position_ = 0;
  length_ = 0;
  connection_ = nullptr;
}

void BodySource::SetMemory(ByteView body) {
  Clear();
  memory_ = body;
  length_ = body.size();
}

void BodySource::SetFile(int fd, uint64_t length) {
  Clear();
  kind_ = Kind::kFile;
  file_ = fd;
  length_ = length;
}

void BodySource::SetStream(Connection* connection, std::optional<uint64_t> length) {
  Clear();
  kind_ = Kind::kStream;
  connection_ = connection;
  length_ = length;
}

bool BodySource::AtEnd() const { return ended_ || (length_.has_value() && position_ >= *length_); }

Result<size_t> BodySource::Read(char* into, size_t size) {
  if (failed_) return Fail("the request body broke off earlier");
  if (AtEnd()) return size_t{0};
  size_t got = 0;
  switch (kind_) {
    case Kind::kMemory:
      got = std::min(size, memory_.size() - position_);
      memory_.copy(into, got, position_);
      break;
    case Kind::kFile: {
      const ssize_t result = ::pread(file_, into, size, static_cast<off_t>(position_));
      if (result <= 0) {
        failed_ = true;
        return ErrnoError("reading the buffered request body", result < 0 ? errno : EIO);
      }
      got = static_cast<size_t>(result);
      break;
    }
    case Kind::kStream: {
      auto result = connection_->ReadBody(into, size);
      if (!result) {
        failed_ = true;
        return result;
      }
      got = *result;
      if (got == 0) ended_ = true;
      break;
    }
  }
  position_ += got;
  return got;
}

Status BodySource::Seek(uint64_t position) {
  if (!seekable()) return Fail("seeking wsgi.input without post_buffering is IMPOSSIBLE !!!");
  if (position > length_.value_or(0)) return Fail("invalid seek position for wsgi.input");
  position_ = position;
  return {};
}

}  // namespace uwsgi
