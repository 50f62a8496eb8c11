// SPDX-License-Identifier: Apache-2.0
#include "service/spool_name.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "base/clock.h"
#include "base/host_name.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

std::string HostPart() {
  std::string host = HostName();
  std::replace(host.begin(), host.end(), '/', '_');
  // The whole name has to fit 255 bytes.
  return host.substr(0, 128);
}

// What a process asks the kernel for once; a fork makes it another process.
struct Producer {
  std::atomic<pid_t> pid{0};
  std::atomic<uint64_t> seed{0};
};
Producer producer;

void ForgetProducer() {
  producer.pid.store(0, std::memory_order_relaxed);
  producer.seed.store(0, std::memory_order_relaxed);
}

const std::string& Host() {
  static const std::string host = HostPart();
  return host;
}

// Several threads may be the first: either seed will do.
uint64_t Seed() {
  uint64_t seed = producer.seed.load(std::memory_order_relaxed);
  if (seed != 0) return seed;
  if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = static_cast<uint64_t>(MonotonicMicros());
  producer.seed.store(seed | 1, std::memory_order_relaxed);
  return seed | 1;
}

// Another number for each counter, and for each process.
uint32_t Mixed(uint64_t counter) {
  uint64_t mixed = Seed() + counter * 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  return static_cast<uint32_t>(mixed >> 33);  // compat: as rand(), never negative
}

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Takes the last "_number" off.
uint64_t TakeNumber(std::string_view& text) {
  const size_t at = text.rfind('_');
  if (at == std::string_view::npos) return 0;
  const auto number = ParseInt(text.substr(at + 1));
  if (!number) return 0;
  text = text.substr(0, at);
  return static_cast<uint64_t>(*number);
}

}  // namespace

std::string NextSpoolName() {
  static std::atomic<uint64_t> counter{0};
  const uint64_t number = counter.fetch_add(1, std::memory_order_relaxed) + 1;
  const int64_t now = WallMicros();
  return fmt::format("{}{}_{}_{}_{}_{}_{}", kSpoolPrefix, Host(), OwnPid(), number, Mixed(number),
                     now / kSecond, now % kSecond);
}

pid_t OwnPid() {
  static const int once = ::pthread_atfork(nullptr, nullptr, ForgetProducer);
  static_cast<void>(once);
  pid_t pid = producer.pid.load(std::memory_order_relaxed);
  if (pid == 0) producer.pid.store(pid = ::getpid(), std::memory_order_relaxed);
  return pid;
}

pid_t ProducerOf(std::string_view name) {
  const auto pid = static_cast<pid_t>(SpoolOrder(name).pid);
  const std::string mine = fmt::format("{}{}_{}_", kSpoolPrefix, Host(), pid);
  return pid > 0 && name.starts_with(mine) ? pid : 0;
}

SpoolOrder::SpoolOrder(std::string_view name) {
  is_named = !IsNumber(name);
  if (!is_named) {
    seconds = static_cast<uint64_t>(ParseInt(name).value_or(INT64_MAX));
    return;
  }
  micros = TakeNumber(name);
  seconds = TakeNumber(name);
  TakeNumber(name);  // the random part
  counter = TakeNumber(name);
  pid = TakeNumber(name);
}

bool IsTaskName(std::string_view name, bool numbers) {
  return name.starts_with(kSpoolPrefix) || (numbers && IsNumber(name));
}

bool PriorityBefore(std::string_view a, std::string_view b) {
  const auto number_a = ParseInt(a), number_b = ParseInt(b);
  if (number_a && number_b && *number_a != *number_b) return *number_a < *number_b;
  if (number_a.has_value() != number_b.has_value()) return number_a.has_value();
  return a < b;
}

}  // namespace uwsgi
