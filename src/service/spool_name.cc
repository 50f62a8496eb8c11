// SPDX-License-Identifier: Apache-2.0
#include "service/spool_name.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "base/clock.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

std::string HostPart() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  std::string host = name;
  std::replace(host.begin(), host.end(), '/', '_');
  // The whole name has to fit 255 bytes.
  return host.substr(0, 128);
}

uint32_t Random() {
  uint32_t value = 0;
  if (::getrandom(&value, sizeof value, GRND_NONBLOCK) != sizeof value)
    value = static_cast<uint32_t>(MonotonicMicros());
  return value >> 1;  // compat: as rand(), never negative
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
  return fmt::format("{}{}_{}_{}_{}_{}_{}", kSpoolPrefix, HostPart(), ::getpid(), number, Random(),
                     now / kSecond, now % kSecond);
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
