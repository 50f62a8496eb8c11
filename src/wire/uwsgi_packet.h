// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

// The uwsgi protocol: a header of four bytes, then a block of variables or an array, all lengths
// little-endian 16 bit.
namespace uwsgi {

struct UwsgiHeader {
  uint8_t modifier1 = 0;
  uint16_t size = 0;  // of the block that follows
  uint8_t modifier2 = 0;
};

inline constexpr size_t kUwsgiHeaderSize = 4;
inline constexpr size_t kMaxUwsgiBlock = 65535;

// nullopt when the header is not all there yet.
std::optional<UwsgiHeader> ReadUwsgiHeader(ByteView in);
void AppendUwsgiHeader(std::string& to, const UwsgiHeader& header);

struct UwsgiVar {
  ByteView key;
  ByteView value;
};

// Walks over the variables of a block in order:
//   UwsgiVars vars(block);
//   while (auto var = vars.Next()) ...
//   if (vars.failed()) ...  // the block is malformed: refuse all of it
class UwsgiVars {
 public:
  explicit UwsgiVars(ByteView block) : rest_(block) {}
  std::optional<UwsgiVar> Next();
  [[nodiscard]] bool failed() const { return reason_ != nullptr; }
  // What is wrong, for the log; null when nothing is.
  [[nodiscard]] const char* reason() const { return reason_; }

 private:
  std::optional<UwsgiVar> Fail(const char* reason);

  ByteView rest_;
  const char* reason_ = nullptr;
};

// Walks over the items of an array, empty ones included. Used like UwsgiVars.
class UwsgiItems {
 public:
  explicit UwsgiItems(ByteView block) : rest_(block) {}
  std::optional<ByteView> Next();
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  ByteView rest_;
  bool failed_ = false;
};

// Calls visit(key, value) for each variable; an error when the block is malformed or has more than
// `max_vars`. What was visited before the error must not be used.
template <typename Visit>
Status ForEachVar(ByteView block, size_t max_vars, Visit&& visit) {
  UwsgiVars vars(block);
  size_t count = 0;
  while (const auto var = vars.Next()) {
    if (++count > max_vars) return Fail("more than {} variables", max_vars);
    visit(var->key, var->value);
  }
  if (vars.failed()) return Fail("{}", vars.reason());
  return {};
}

// Appends to a block. An error, and nothing appended, when the key is empty or a part does not fit
// 16 bits.
Status AppendVar(std::string& block, ByteView key, ByteView value);
Status AppendItem(std::string& block, ByteView item);

// Header and block in one; an error when the block does not fit the header.
Result<std::string> MakeUwsgiPacket(uint8_t modifier1, uint8_t modifier2, ByteView block);

// Replies without a block.
inline constexpr ByteView kUwsgiPong{"\x64\x00\x00\x01", 4};      // to modifier 100
inline constexpr ByteView kUwsgiStatusOk{"\xff\x00\x00\x01", 4};  // to spool requests and signals
inline constexpr ByteView kUwsgiStatusFail{"\xff\x00\x00\x00", 4};

}  // namespace uwsgi
