// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "service/cache.h"
#include "service/caches.h"

namespace uwsgi {

// Makes a cache, or opens what its store holds. A store is checked entry by entry: what is damaged
// goes, the rest stays. It is an error when another server has the file, and when the file was made
// for other sizes, unless `store_delete` says to begin anew.
Result<std::unique_ptr<Cache>> OpenCache(const CacheSpec& spec, StoreUse use);

}  // namespace uwsgi
