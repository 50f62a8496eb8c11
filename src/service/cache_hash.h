// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace uwsgi {

// A hash of keys that nobody who chooses them can steer without knowing the seed: each step
// multiplies eight bytes and the state to 128 bits and folds the halves together.
inline uint64_t HashBytes(ByteView bytes, uint64_t seed) {
  constexpr uint64_t kFirst = 0x9e3779b97f4a7c15;
  constexpr uint64_t kSecond = 0xc2b2ae3d27d4eb4f;
  const auto fold = [](uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  uint64_t state = seed ^ fold(bytes.size() + kFirst, kSecond);
  while (bytes.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    state = fold(state ^ word ^ kFirst, kSecond);
    bytes.remove_prefix(8);
  }
  uint64_t word = 0;
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());  // no bytes: no place either
  state = fold(state ^ word ^ kSecond, kFirst);
  return fold(state ^ seed, kFirst ^ kSecond);
}

}  // namespace uwsgi
