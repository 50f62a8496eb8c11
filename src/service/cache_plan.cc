// SPDX-License-Identifier: Apache-2.0
#include "service/cache_plan.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "base/clock.h"
#include "base/strings.h"
#include "config/options.h"

namespace uwsgi {
namespace {

constexpr uint64_t kLongestKey = 65535;
constexpr uint64_t kMostItems = std::numeric_limits<uint32_t>::max() / 4;

using Member = std::variant<uint64_t CacheSpec::*, int64_t CacheSpec::*, bool CacheSpec::*,
                            std::string CacheSpec::*, std::vector<std::string> CacheSpec::*>;

struct KeyRow {
  std::string_view names;  // separated by blanks
  Member member;
};

// The keys of cache2.
const KeyRow kKeys[] = {
    {"name", &CacheSpec::name},
    {"items max_items maxitems", &CacheSpec::items},
    {"blocksize block_size", &CacheSpec::blocksize},
    {"blocks", &CacheSpec::blocks},
    {"bitmap", &CacheSpec::bitmap},
    {"keysize key_size", &CacheSpec::keysize},
    {"hash", &CacheSpec::hash},
    {"hashsize hash_size", &CacheSpec::hashsize},
    {"store", &CacheSpec::store},
    {"store_sync storesync", &CacheSpec::store_sync_s},
    {"store_delete storedelete", &CacheSpec::store_delete},
    {"purge_lru lru", &CacheSpec::purge_lru},
    {"lazy_expire lazy", &CacheSpec::lazy_expire},
    {"sweep_on_full", &CacheSpec::sweep_on_full_s},
    {"clear_on_full", &CacheSpec::clear_on_full},
    {"no_expire", &CacheSpec::no_expire},
    {"ignore_full", &CacheSpec::ignore_full},
    {"lastmod use_last_modified", &CacheSpec::lastmod},
    {"math_initial", &CacheSpec::math_initial},
    {"nodes node", &CacheSpec::nodes},
    {"udp udp_servers udp_server udpservers udpserver", &CacheSpec::udp},
    {"sync", &CacheSpec::sync},
};

const KeyRow* FindKey(std::string_view name) {
  for (const KeyRow& row : kKeys) {
    if (std::ranges::count(SplitWords(row.names), name) > 0) return &row;
  }
  return nullptr;
}

// Puts the text of a value into the member of its key; false when it is none of its kind.
struct Assign {
  CacheSpec& spec;
  std::string_view text;

  bool operator()(uint64_t CacheSpec::*member) const {
    const auto number = ParseInt(text);
    if (!number || *number < 0) return false;
    spec.*member = static_cast<uint64_t>(*number);
    return true;
  }
  bool operator()(int64_t CacheSpec::*member) const {
    const bool is_negative = text.starts_with('-');
    const auto number = ParseInt(text.substr(is_negative ? 1 : 0));
    if (!number) return false;
    spec.*member = is_negative ? -*number : *number;
    return true;
  }
  bool operator()(bool CacheSpec::*member) const {
    const std::string word = ToLower(text);
    spec.*member = word != "0" && word != "false" && word != "off" && word != "no";
    return true;
  }
  bool operator()(std::string CacheSpec::*member) const {
    spec.*member = text;
    return !text.empty();
  }
  bool operator()(std::vector<std::string> CacheSpec::*member) const {
    for (const std::string_view part : Split(text, ';')) (spec.*member).emplace_back(Trim(part));
    return !text.empty();
  }
};

Status CheckSpec(const CacheSpec& spec) {
  const auto complain = [&](std::string_view what) {
    return Fail("cache \"{}\": {} ({})", spec.name, what, spec.origin);
  };
  if (spec.items == 0) return complain("items must be given, and be at least 1");
  if (spec.items > kMostItems || spec.block_count() > kMostItems) return complain("too many items");
  if (spec.block_count() < spec.items) return complain("it needs at least as many blocks as items");
  if (spec.blocksize == 0) return complain("blocksize must be at least 1");
  if (spec.keysize == 0 || spec.keysize > kLongestKey)
    return complain(fmt::format("keysize must be between 1 and {}", kLongestKey));
  if (spec.hashsize == 0 || spec.hashsize > kMostItems) return complain("hashsize is out of range");
  if (spec.hash != "djb33x" && spec.hash != "murmur2")
    return complain(fmt::format("unknown hash \"{}\": djb33x and murmur2 are known", spec.hash));
  if (spec.sweep_on_full_s < 0 || spec.store_sync_s < 0) return complain("a time is negative");
  return {};
}

Result<CacheSpec> PlanNamed(const ListValue& given) {
  CacheSpec spec;
  spec.origin = given.origin.text();
  for (const std::string_view part : Split(given.text, ',')) {
    const std::string_view pair = Trim(part);
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals < pair.size() ? Trim(pair.substr(equals + 1)) : "1";
    const KeyRow* const row = FindKey(Trim(pair.substr(0, equals)));
    if (row == nullptr) return Fail("cache2: unknown key in \"{}\" ({})", pair, spec.origin);
    if (!std::visit(Assign{spec, value}, row->member))
      return Fail("cache2: bad value in \"{}\" ({})", pair, spec.origin);
  }
  for (int64_t* const seconds : {&spec.store_sync_s, &spec.sweep_on_full_s})
    *seconds = std::min(*seconds, kLongestSecs);
  if (spec.name.empty())
    return Fail("cache2 = {}: a name is needed (name=NAME) ({})", given.text, spec.origin);
  return spec;
}

void AddTexts(std::vector<std::string>& to, const ListOption& values) {
  for (const ListValue& value : values) to.push_back(value.text);
}

CacheSpec PlanDefault(const Options& options) {
  CacheSpec spec;
  spec.name = "default";
  spec.origin = options.OriginOf("cache").text();
  spec.items = static_cast<uint64_t>(std::max<int64_t>(options.cache, 0));
  spec.blocksize = static_cast<uint64_t>(std::max<int64_t>(options.cache_blocksize, 0));
  spec.store = options.cache_store;
  spec.store_sync_s = options.cache_store_sync;
  spec.lastmod = options.cache_use_last_modified;
  AddTexts(spec.nodes, options.cache_udp_node);
  AddTexts(spec.udp, options.cache_udp_server);
  AddTexts(spec.sync, options.cache_sync);
  return spec;
}

// "[CACHE ]REST": a blank in front of the first `=` (of the whole, without one) ends the name.
CacheItem SplitName(const ListValue& given, size_t before) {
  CacheItem item{.origin = given.origin.text()};
  const size_t blank = given.text.find(' ');
  if (blank < before) {
    item.cache = given.text.substr(0, blank);
    item.key = Trim(std::string_view(given.text).substr(blank));
  } else {
    item.key = given.text;
  }
  return item;
}

Result<CacheItem> PlanItem(const ListValue& given) {
  CacheItem item = SplitName(given, given.text.find('='));
  const size_t equals = item.key.find('=');
  if (equals == std::string::npos)
    return Fail("add-cache-item = {}: [CACHE ]KEY=VALUE is needed ({})", given.text, item.origin);
  item.value = item.key.substr(equals + 1);
  item.key.resize(equals);
  return item;
}

CacheItem PlanFile(const ListValue& given, CacheItem::Source source) {
  CacheItem item = SplitName(given, std::string::npos);
  item.value = item.key;
  item.source = source;
  return item;
}

}  // namespace

Result<CachesSpec> PlanCaches(const Options& options) {
  CachesSpec spec;
  spec.sweep_every_s = std::max<int64_t>(options.cache_expire_freq, 1);
  spec.report_freed = options.cache_report_freed_items;
  if (options.IsSet("cache") && options.cache != 0) spec.caches.push_back(PlanDefault(options));
  for (const ListValue& given : options.cache2) spec.caches.push_back(TRY(PlanNamed(given)));
  std::vector<std::string> names;
  for (CacheSpec& cache : spec.caches) {
    TRY_STATUS(CheckSpec(cache));
    if (std::ranges::count(names, cache.name) > 0)
      return Fail("there are two caches named \"{}\" ({})", cache.name, cache.origin);
    names.push_back(cache.name);
    cache.no_expire |= options.cache_no_expire;
  }
  for (const ListValue& given : options.add_cache_item) spec.items.push_back(TRY(PlanItem(given)));
  for (const ListValue& given : options.load_file_in_cache) {
    spec.items.push_back(PlanFile(given, CacheItem::Source::kFile));
  }
  for (const ListValue& given : options.load_file_in_cache_gzip) {
    spec.items.push_back(PlanFile(given, CacheItem::Source::kGzippedFile));
  }
  return spec;
}

}  // namespace uwsgi
