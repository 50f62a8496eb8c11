// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

// Requests to the cache of another server, their answers, and the notices that servers send each
// other about changes: uwsgi packets with first modifier 111 (reference 34 section 2.3).
namespace uwsgi {

inline constexpr uint8_t kCacheModifier = 111;

// Second modifiers.
enum class CacheRequest : uint8_t {
  kGet = 0,          // block: the key
  kSet = 1,          // block: array of key and value
  kDelete = 2,       // block: the key
  kGetByVar = 3,     // block: variables, `key`, or `get` when a miss shall be told by HTTP
  kGetByVarToo = 4,  // the same
  kGetStreamed = 5,  // block: the key
  kDump = 6,         // block: the name of the cache
  kDumpReply = 7,
  kNoticeSet = 10,     // UDP; block: array of key, value, expiry
  kNoticeDelete = 11,  // UDP; block: array of the key
  kCommand = 17,       // block: variables, see CacheCommand
};

// The variables of a command or of its answer.
struct CacheCommand {
  ByteView cmd;     // get, set, update, del, exists, clear
  ByteView status;  // of an answer: ok
  ByteView key;
  ByteView get;         // the key of a bare request by variable
  ByteView cache;       // its name, empty: the first
  int64_t expires = 0;  // of a command: seconds from now; of an answer: seconds since 1970
  uint64_t size = 0;    // of the value that follows the block
};
// Views into the block. An error when the block is malformed or a number is none.
Result<CacheCommand> ReadCacheCommand(ByteView block);
// A whole packet without the value; members that are empty or 0 are left out. An error when it does
// not fit.
Result<std::string> MakeCachePacket(const CacheCommand& command);

// A change that another server tells of: `value` has none when the key was deleted.
struct CacheNotice {
  ByteView key;
  std::optional<ByteView> value;
  int64_t expires = 0;  // seconds since 1970, 0 never
};
// A whole datagram.
Result<CacheNotice> ReadCacheNotice(ByteView packet);
// An error when it does not fit into a packet.
Result<std::string> MakeCacheNotice(const CacheNotice& notice);

// An array of length-prefixed items as it is; nullopt when it is malformed.
std::optional<std::vector<ByteView>> ReadItems(ByteView block);

// One entry of a dump: sizes (32 and 64 bits) and expiry (64 bits), little-endian, then key and
// value. A dump ends with an entry without a key.
struct CacheRecord {
  ByteView key;
  ByteView value;
  int64_t expires = 0;
};
inline constexpr size_t kCacheRecordHead = 20;
void AppendCacheRecord(std::string& to, const CacheRecord& record);
// Takes a record off the front; nullopt when it is not all there.
std::optional<CacheRecord> TakeCacheRecord(ByteView& bytes);

}  // namespace uwsgi
