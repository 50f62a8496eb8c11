// SPDX-License-Identifier: Apache-2.0
#include "service/mule_link.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "base/log.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

// An empty message cannot be sent as such, so that each begins with a byte that means nothing.
constexpr size_t kMark = 1;

Status SetBuffer(int fd, int option, int64_t bytes) {
  const int value = static_cast<int>(bytes);
  // More than the system's limit takes a privilege.
  const int forced = option == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
  if (::setsockopt(fd, SOL_SOCKET, forced, &value, sizeof value) == 0) return {};
  if (::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) == 0) return {};
  return ErrnoError(fmt::format("mule-msg-size {}", bytes), errno);
}

int BufferOf(int fd) {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  ::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size);
  return bytes;
}

Status MakeRoom(int fd, const MuleLinkSpec& spec) {
  // The kernel counts its own needs too.
  const int64_t least = std::max(spec.queue_bytes, spec.most_bytes * 2);
  if (spec.queue_bytes == 0 && BufferOf(fd) >= least) return {};
  return SetBuffer(fd, SO_SNDBUF, least);
}

Result<FdPair> OpenQueue(const MuleLinkSpec& spec) {
  FdPair pair = TRY(MakeSocketPair(SOCK_SEQPACKET));
  TRY_STATUS(MakeRoom(pair.second.get(), spec));
  return pair;
}

constexpr std::string_view kFarmPrefix = "farm_";

}  // namespace

Result<MuleLink> MuleLink::Create(MuleLinkSpec spec) {
  MuleLink link(std::move(spec));
  link.mule_queues_.resize(static_cast<size_t>(link.spec_.mules) + 1);
  link.farm_queues_.resize(link.spec_.farms.size());
  for (Queue& queue : link.mule_queues_) queue.ends = TRY(OpenQueue(link.spec_));
  for (Queue& queue : link.farm_queues_) queue.ends = TRY(OpenQueue(link.spec_));
  return link;
}

std::vector<LeftQueue> MuleLink::HandOver() const {
  std::vector<LeftQueue> left;
  const auto leave = [&left](std::string name, const Queue& queue) {
    left.push_back({std::move(name), queue.ends.first.get(), queue.ends.second.get()});
  };
  for (size_t i = 0; i < mule_queues_.size(); ++i) leave(std::to_string(i), mule_queues_[i]);
  for (size_t i = 0; i < farm_queues_.size(); ++i)
    leave(fmt::format("{}{}", kFarmPrefix, spec_.farms[i].name), farm_queues_[i]);
  return left;
}

void MuleLink::Adopt(const std::vector<LeftQueue>& left) {
  for (const LeftQueue& each : left) {
    FdPair ends{UniqueFd(each.taking), UniqueFd(each.giving)};
    Queue* const queue = QueueCalled(each.name);
    if (queue == nullptr) continue;
    if (const auto done = MakeRoom(each.giving, spec_); !done) Log("{}", done.error().text());
    queue->ends = std::move(ends);
  }
}

MuleLink::Queue* MuleLink::QueueCalled(std::string_view name) {
  if (name.starts_with(kFarmPrefix)) {
    const int farm = FarmCalled(name.substr(kFarmPrefix.size()));
    return farm == 0 ? nullptr : &farm_queues_[static_cast<size_t>(farm - 1)];
  }
  const auto mule = ParseInt(name);
  if (!mule || *mule < 0 || *mule > mules()) return nullptr;
  return &mule_queues_[static_cast<size_t>(*mule)];
}

int MuleLink::FarmCalled(std::string_view name) const {
  for (size_t i = 0; i < spec_.farms.size(); ++i) {
    if (spec_.farms[i].name == name) return static_cast<int>(i + 1);
  }
  return 0;
}

bool MuleLink::IsInFarm(int mule, int farm) const {
  const auto& members = spec_.farms[static_cast<size_t>(farm - 1)].mules;
  return std::ranges::find(members, mule) != members.end();
}

Result<MuleLink::Sent> MuleLink::SendToMule(int mule, std::string_view message) {
  return Put(mule_queues_[static_cast<size_t>(mule)], message);
}

Result<MuleLink::Sent> MuleLink::SendToFarm(int farm, std::string_view message) {
  return Put(farm_queues_[static_cast<size_t>(farm - 1)], message);
}

Result<MuleLink::Sent> MuleLink::Put(Queue& queue, std::string_view message) {
  if (message.size() > static_cast<size_t>(spec_.most_bytes)) {
    return Fail("a message of {} bytes is too long for a mule: mule-msg-recv-size is {}",
                message.size(), spec_.most_bytes);
  }
  char mark = 0;
  const std::array<iovec, 2> pieces{
      {{&mark, kMark}, {const_cast<char*>(message.data()), message.size()}}};
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(pieces.data());
  header.msg_iovlen = pieces.size();
  const int fd = queue.ends.second.get();
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  const bool is_full = sent < 0 && (errno == EAGAIN || errno == ENOBUFS);
  if (sent < 0 && !is_full) return ErrnoError("send to a mule", errno);
  const bool was_full = std::atomic_ref(queue.full).exchange(is_full);
  if (is_full && !was_full) {
    Log("*** MULE MSG QUEUE IS FULL: buffer size {} bytes (you can tune it with --mule-msg-size) "
        "***",
        BufferOf(fd));
  }
  return is_full ? Sent::kFull : Sent::kYes;
}

std::vector<int> MuleLink::MuleQueues(int mule) const {
  return {mule_queues_[static_cast<size_t>(mule)].ends.first.get(),
          mule_queues_[0].ends.first.get()};
}

std::vector<int> MuleLink::FarmQueues(int mule) const {
  std::vector<int> fds;
  for (size_t i = 0; i < farm_queues_.size(); ++i) {
    if (IsInFarm(mule, static_cast<int>(i + 1))) fds.push_back(farm_queues_[i].ends.first.get());
  }
  return fds;
}

std::optional<std::string> MuleLink::Take(int queue) const {
  std::string message(static_cast<size_t>(spec_.most_bytes) + kMark, '\0');
  ssize_t got = -1;
  do {
    got = ::recv(queue, message.data(), message.size(), MSG_DONTWAIT | MSG_TRUNC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return std::nullopt;
  if (static_cast<size_t>(got) > message.size()) {
    // Of a worker of before a reload that has made the limit smaller.
    Log("a message of {} bytes is too long for a mule: it is lost", got);
    return std::nullopt;
  }
  message.resize(static_cast<size_t>(got));
  message.erase(0, kMark);
  return message;
}

}  // namespace uwsgi
