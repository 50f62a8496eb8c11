// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"

namespace uwsgi::top {

// Where a stats server is. Over http:// it gets a request; otherwise it is expected to speak first.
struct StatsAddress {
  std::string text;  // as the operator wrote it
  SocketAddress socket;
  bool is_http = false;
  std::string host;  // of http://, with its port
  std::string path = "/";
};

// host:port, :port (this machine), [v6]:port, a path, @abstract, http://host[:port][/path]. May
// wait for the system's resolver.
Result<StatsAddress> ParseStatsAddress(std::string_view text);

// One question to a stats server, carried on whenever its descriptor is ready; it never waits.
// Bounded in time and in size, whatever the server does.
class StatsFetch {
 public:
  static constexpr size_t kLargest = 32 << 20;

  // Begins to connect. `deadline` is of MonotonicMicros().
  static Result<StatsFetch> Start(const StatsAddress& address, int64_t deadline);

  // What to wait for, as poll() wants it, and until when at most.
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] short events() const;
  [[nodiscard]] int64_t deadline() const { return deadline_; }

  // Does what can be done now. Nothing while the answer is not whole; then the JSON text, or what
  // went wrong. Not to be called again after that.
  std::optional<Result<std::string>> Advance(int64_t now);

 private:
  enum class Phase : uint8_t { kConnecting, kSending, kReading };
  StatsFetch(UniqueFd fd, std::string request, int64_t deadline)
      : fd_(std::move(fd)), request_(std::move(request)), deadline_(deadline) {}

  std::optional<Error> Connect();
  std::optional<Error> Send();
  std::optional<Result<std::string>> Read();

  UniqueFd fd_;
  std::string request_;  // what is left to send
  std::string answer_;
  int64_t deadline_;
  Phase phase_ = Phase::kConnecting;
};

// The document in what a server sent until it closed: all of it, or what stands behind the head of
// an HTTP response.
Result<std::string> DocumentOf(std::string answer);

}  // namespace uwsgi::top
