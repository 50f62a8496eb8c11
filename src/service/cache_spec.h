// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace uwsgi {

// What one cache is to be like (reference 34 section 2.1).
struct CacheSpec {
  std::string name;
  uint64_t items = 0;  // most entries
  uint64_t blocksize = 65536;
  uint64_t blocks = 0;          // 0: as many as items
  uint64_t keysize = 2048;      // longest key
  uint64_t hashsize = 65536;    // buckets; rounded up to a power of two
  std::string hash = "djb33x";  // shown in statistics, see docs/compatibility.md
  bool bitmap = false;          // a value may take several consecutive blocks
  bool purge_lru = false;       // when full the least recently used item goes
  bool clear_on_full = false;   // when full everything goes
  bool lazy_expire = false;     // nobody looks for expired items but who meets them
  bool no_expire = false;
  bool ignore_full = false;  // say nothing when full
  bool lastmod = false;      // keep the time of the last change
  int64_t sweep_on_full_s = 0;
  int64_t math_initial = 0;

  std::string store;  // the file that keeps it, empty: none
  int64_t store_sync_s = 0;
  bool store_delete = false;  // a file that does not fit is replaced

  std::vector<std::string> nodes;  // who is told of changes
  std::vector<std::string> udp;    // where changes of others are heard
  std::vector<std::string> sync;   // whose content is taken over at start

  std::string origin;  // where it was configured, for messages

  [[nodiscard]] uint64_t block_count() const { return blocks != 0 ? blocks : items; }
  [[nodiscard]] uint64_t longest_value() const {
    return bitmap ? block_count() * blocksize : blocksize;
  }
};

// What statistics show of a cache.
struct CacheStats {
  std::string name;
  std::string hash;
  uint64_t hashsize = 0;
  uint64_t keysize = 0;
  uint64_t max_items = 0;
  uint64_t blocks = 0;
  uint64_t blocksize = 0;
  uint64_t items = 0;
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t full = 0;             // values that were not stored for lack of room
  int64_t last_modified_at = 0;  // seconds since 1970, 0 unless `lastmod`
};

}  // namespace uwsgi
