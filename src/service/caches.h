// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "service/cache.h"
#include "service/cache_spec.h"
#include "service/store_file.h"

namespace uwsgi {

// Something that is put into a cache at start.
struct CacheItem {
  std::string cache;  // empty: all
  std::string key;
  std::string value;  // the text, or the path of the file
  enum class Source { kText, kFile, kGzippedFile } source = Source::kText;
  std::string origin;  // for messages
};

struct CachesSpec {
  std::vector<CacheSpec> caches;
  std::vector<CacheItem> items;  // add-cache-item, load-file-in-cache
  int64_t sweep_every_s = 3;
  bool report_freed = false;  // log what a sweep has removed
};

// All caches of the server, the first one being the one that is meant when no name is given.
class Caches {
 public:
  // Makes the caches and says so in the log, then puts the items in.
  static Result<Caches> Create(const CachesSpec& spec, StoreUse use);

  // Empty name: the first. Null: there is none of that name.
  [[nodiscard]] Cache* Find(ByteView name) const;
  [[nodiscard]] const std::vector<std::unique_ptr<Cache>>& all() const { return caches_; }
  // Removes what has expired from all caches that want that, and logs it when asked for.
  void Sweep() const;

  [[nodiscard]] int64_t sweep_every_s() const { return sweep_every_s_; }

 private:
  Status Put(const CacheItem& item) const;

  std::vector<std::unique_ptr<Cache>> caches_;
  int64_t sweep_every_s_ = 3;
  bool report_freed_ = false;
};

}  // namespace uwsgi
