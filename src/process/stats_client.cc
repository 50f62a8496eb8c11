// SPDX-License-Identifier: Apache-2.0
#include "process/stats_client.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/clock.h"

namespace uwsgi {
namespace {

// Of a question; what comes behind is thrown away.
constexpr size_t kLongestQuestion = 8192;
constexpr int kReadsInARow = 8;

}  // namespace

StatsClient::StatsClient(EventLoop& loop, UniqueFd socket, const StatsPatience& patience,
                         Callbacks callbacks)
    : loop_(loop),
      socket_(std::move(socket)),
      patience_(patience),
      callbacks_(std::move(callbacks)),
      last_moment_us_(MonotonicMicros() + patience.in_all) {}

StatsClient::~StatsClient() {
  loop_.Unwatch(watch_);
  loop_.Cancel(timer_);
}

bool StatsClient::Begin() {
  auto watch = loop_.Watch(socket_.get(), kReadable, [this](uint32_t events) { OnEvent(events); });
  if (!watch) return false;
  watch_ = *watch;
  WaitAtMost(patience_.silence);
  return true;
}

void StatsClient::OnEvent(uint32_t events) {
  if (is_over_) return;
  if ((events & kPollFailed) != 0) return End();
  if ((events & (kReadable | kPollHangUp)) != 0) Read();
  if (answers_ && !is_over_) Send();
}

void StatsClient::Read() {
  std::array<char, 4096> bytes;
  for (int reads = 0; reads < kReadsInARow; ++reads) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got > 0) {
      const size_t room = kLongestQuestion - std::min(input_.size(), kLongestQuestion);
      input_.append(bytes.data(), std::min(static_cast<size_t>(got), room));
      continue;
    }
    if (got == 0) peer_closed_ = true;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return End();
    break;
  }
  if (!answers_) return Consider(peer_closed_ || input_.size() >= kLongestQuestion);
  // It is being answered and says no more: its end would be reported again and again.
  if (peer_closed_ && loop_.Rewatch(watch_, kWritable).has_value() == false) End();
}

void StatsClient::Hurry(bool keep_silent) {
  if (is_over_) return;
  if (answers_) return Send();
  Read();
  if (is_over_ || answers_ || (keep_silent && input_.empty())) return;
  Consider(/*is_last_word=*/true);
}

// Nothing more will be said, or there was time to say it.
void StatsClient::Consider(bool is_last_word) {
  using Kind = StatsRequest::Kind;
  StatsRequest request = ReadStatsRequest(input_);
  const bool is_clear = request.kind == Kind::kComplete || request.kind == Kind::kRaw;
  if (is_clear) return Answer(request);
  if (!is_last_word) return WaitAtMost(patience_.ask);
  if (input_.empty()) {
    request.kind = Kind::kRaw;
    request.is_silent = true;
  }
  // A request line is enough of a question; less is none.
  if (request.kind == Kind::kPartial && input_.find('\n') == std::string::npos) return End();
  request.kind == Kind::kUnknown ? End() : Answer(request);
}

void StatsClient::Answer(const StatsRequest& request) {
  answer_ = callbacks_.answer(request);
  answers_ = true;
  WaitAtMost(patience_.take);
  Send();
}

void StatsClient::Send() {
  const size_t head = answer_.head.size();
  const size_t all = head + answer_.body->size();
  while (sent_ < all) {
    std::array<iovec, 2> pieces{};
    const size_t in_head = std::min(sent_, head);
    const size_t in_body = sent_ - in_head;
    pieces[0] = {answer_.head.data() + in_head, head - in_head};
    pieces[1] = {const_cast<char*>(answer_.body->data()) + in_body, answer_.body->size() - in_body};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) return End();
    if (sent < 0) {
      const uint32_t events = peer_closed_ ? kWritable : kReadable | kWritable;
      if (!loop_.Rewatch(watch_, events)) End();
      return;
    }
    sent_ += static_cast<size_t>(sent);
    WaitAtMost(patience_.take);
  }
  // What was sent would be lost if the socket were closed with something unread.
  ::shutdown(socket_.get(), SHUT_WR);
  std::array<char, 4096> ignored;
  for (int reads = 0; reads < kReadsInARow; ++reads) {
    if (::recv(socket_.get(), ignored.data(), ignored.size(), MSG_DONTWAIT) <= 0) break;
  }
  End();
}

void StatsClient::WaitAtMost(int64_t micros) {
  loop_.Cancel(timer_);
  const int64_t left = std::max<int64_t>(last_moment_us_ - MonotonicMicros(), 0);
  timer_ = loop_.After(std::min(micros, left), [this] { OnTime(); });
}

void StatsClient::OnTime() {
  timer_ = 0;
  if (is_over_) return;
  answers_ ? End() : Consider(/*is_last_word=*/true);
}

void StatsClient::End() {
  if (is_over_) return;
  is_over_ = true;
  loop_.Unwatch(std::exchange(watch_, 0));
  loop_.Cancel(std::exchange(timer_, 0));
  socket_.Reset();
  callbacks_.done();
}

}  // namespace uwsgi
