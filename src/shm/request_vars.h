// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace uwsgi {

// The variables of a core's running request, for the stats: "NAME=value" texts, each with a NUL
// behind it. The core's thread writes them when a request begins; anybody may read them at any
// time, and gets either one request's text or nothing. In shared memory; whoever dies while writing
// leaves a text that nobody reads before it has been written anew.
class RequestVars {
 public:
  static constexpr size_t kCapacity = 4096;

  // `text` has at most kCapacity bytes.
  void Set(std::string_view text) {
    const uint32_t turn = turn_.load(std::memory_order_relaxed) | 1U;
    turn_.store(turn, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= text.size(); at += sizeof(uint64_t)) Store(at, text, 8);
    if (at < text.size()) Store(at, text, text.size() - at);
    size_.store(static_cast<uint32_t>(text.size()), std::memory_order_relaxed);
    turn_.store(turn + 1, std::memory_order_release);
  }

  // Nothing when the text is being written just now.
  [[nodiscard]] std::optional<std::string> Get() const {
    const uint32_t turn = turn_.load(std::memory_order_acquire);
    const size_t size = size_.load(std::memory_order_relaxed);
    if ((turn & 1U) != 0 || size > kCapacity) return std::nullopt;
    std::string text((size + 7) / 8 * 8, '\0');
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
      const uint64_t word = words_[at / sizeof word].load(std::memory_order_relaxed);
      std::memcpy(text.data() + at, &word, sizeof word);
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (turn_.load(std::memory_order_relaxed) != turn) return std::nullopt;
    text.resize(size);
    return text;
  }

 private:
  void Store(size_t at, std::string_view text, size_t size) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, size);
    words_[at / sizeof word].store(word, std::memory_order_relaxed);
  }

  std::atomic<uint32_t> turn_{0};  // odd while the text is written
  std::atomic<uint32_t> size_{0};
  std::array<std::atomic<uint64_t>, kCapacity / sizeof(uint64_t)> words_{};
};

}  // namespace uwsgi
