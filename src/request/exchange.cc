// SPDX-License-Identifier: Apache-2.0
#include "request/exchange.h"

#include <algorithm>
#include <cstring>

namespace uwsgi {

void InputBuffer::EnsureRoom(size_t total) {
  if (empty()) begin_ = end_ = floor_;
  if (empty() && floor_ == 0) start_ = 0;
  const size_t used = size();
  // A pinned head may have left a single byte, and a body is not read byte by byte.
  const size_t wanted = std::max(total, used + (floor_ == 0 ? 1 : kLeastRoom));
  if (wanted <= capacity_ - begin_) return;
  start_ = 0;
  if (floor_ == 0 && wanted <= capacity_) {
    std::memmove(block_.get(), block_.get() + begin_, used);
  } else {
    const size_t larger = std::max({wanted, floor_ == 0 ? 2 * capacity_ : kUsualCapacity});
    auto fresh = std::make_unique_for_overwrite<char[]>(larger);
    std::memcpy(fresh.get(), block_.get() + begin_, used);
    if (floor_ != 0) pinned_ = std::move(block_);
    block_ = std::move(fresh);
    capacity_ = larger;
    floor_ = 0;
  }
  begin_ = 0;
  end_ = used;
}

void InputBuffer::Unpin() {
  pinned_.reset();
  floor_ = 0;
  if (empty()) begin_ = end_ = 0;
  start_ = begin_;
  pinned_view_ = {};
}

void InputBuffer::Fill(ByteView bytes) {
  EnsureRoom(bytes.size());
  std::memcpy(tail(), bytes.data(), bytes.size());
  Filled(bytes.size());
}

void InputBuffer::Reset() {
  begin_ = end_ = floor_ = start_ = 0;
  pinned_view_ = {};
  pinned_.reset();
  if (capacity_ > 4 * kUsualCapacity) {
    block_ = std::make_unique_for_overwrite<char[]>(kUsualCapacity);
    capacity_ = kUsualCapacity;
  }
}

void Exchange::NextRequest() {
  input.Unpin();
  parser.Reset();
  request.Clear();
  if (body.capacity() > 65536) {
    std::string().swap(body);
  } else {
    body.clear();
  }
  body_file.Reset();
  body_size = 0;
  body_taken = 0;
  framing = BodyFraming::kNone;
  content_length = 0;
  body_complete = true;
  expects_continue.store(false, std::memory_order_relaxed);
  rules = {};
}

std::unique_ptr<Exchange> ExchangePool::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto exchange = std::move(free_.back());
      free_.pop_back();
      return exchange;
    }
  }
  auto fresh = std::make_unique<Exchange>();
  fresh->NextRequest();
  return fresh;
}

void ExchangePool::Give(std::unique_ptr<Exchange> exchange) {
  exchange->output.Clear();
  exchange->input.Reset();
  exchange->NextRequest();
  const std::lock_guard lock(mutex_);
  if (free_.size() < kKept) free_.push_back(std::move(exchange));
}

}  // namespace uwsgi
