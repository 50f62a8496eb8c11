// SPDX-License-Identifier: Apache-2.0
#include "service/service_plan.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "config/options.h"
#include "service/alarm_plan.h"
#include "service/cache_plan.h"
#include "service/metrics_plan.h"
#include "service/spooler_plan.h"

namespace uwsgi {
namespace {

constexpr int64_t kMostLocks = 65536;
constexpr int64_t kMostSlots = int64_t{1} << 32;
constexpr int64_t kMostAreaBytes = int64_t{1} << 46;

Status RequireWithin(const Options& options, std::string_view name, int64_t value, int64_t least,
                     int64_t most) {
  if (value >= least && value <= most) return {};
  return Fail("{} = {}: it must be between {} and {} ({})", name, value, least, most,
              options.OriginOf(name).text());
}

Result<std::optional<QueueSpec>> PlanQueue(const Options& options) {
  if (options.queue == 0) return std::nullopt;
  TRY_STATUS(RequireWithin(options, "queue", options.queue, 1, kMostSlots));
  TRY_STATUS(RequireWithin(options, "queue-blocksize", options.queue_blocksize,
                           MessageQueue::kSlotHead + 1, kMostSlots));
  return QueueSpec{.slots = static_cast<uint64_t>(options.queue),
                   .blocksize = static_cast<uint64_t>(options.queue_blocksize),
                   .store = options.queue_store,
                   .store_sync_s = options.queue_store_sync,
                   .origin = options.OriginOf("queue").text()};
}

// Each would take the other's for its own, or for a foreign file.
Status RequireOwnStores(const ServiceSpecs& specs) {
  std::set<std::string> taken;
  const auto require = [&taken](const std::string& store, const std::string& origin) -> Status {
    if (store.empty() || taken.insert(store).second) return {};
    return Fail("there are two stores in one file, {} ({})", store, origin);
  };
  for (const CacheSpec& cache : specs.caches.caches) TRY_STATUS(require(cache.store, cache.origin));
  return specs.queue ? require(specs.queue->store, specs.queue->origin) : Status();
}

// --- shared areas

// "pages=N" and "size=N" count alike; a bare number is pages. False: a key or value is none.
bool AssignArea(SharedAreaSpec& spec, std::string_view key, std::string_view value) {
  if (key == "file") {
    spec.file = value;
    return !value.empty();
  }
  const auto number = ParseInt(value);
  if (!number || *number > kMostAreaBytes) return false;
  const auto amount = static_cast<uint64_t>(*number);
  if (key == "pages") spec.size = amount * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  if (key == "size") spec.size = amount;
  if (key == "offset") spec.offset = amount;
  if (key == "fd") spec.fd = static_cast<int>(amount);
  return key == "pages" || key == "size" || key == "offset" || key == "fd";
}

Result<SharedAreaSpec> PlanArea(const ListValue& given) {
  SharedAreaSpec spec{.origin = given.origin.text()};
  for (const std::string_view part : Split(given.text, ',')) {
    const std::string_view pair = Trim(part);
    const size_t equals = pair.find('=');
    const bool is_bare = equals == std::string_view::npos;
    const std::string_view bare_key = given.option == "py-sharedarea" ? "size" : "pages";
    if (!AssignArea(spec, is_bare ? bare_key : Trim(pair.substr(0, equals)),
                    is_bare ? pair : Trim(pair.substr(equals + 1)))) {
      return Fail(
          "{} = {}: \"{}\" is not understood: pages, size, file, fd and offset are known ({})",
          given.option, given.text, pair, spec.origin);
    }
  }
  if (spec.size == 0)
    return Fail("{} = {}: pages or size must be given ({})", given.option, given.text, spec.origin);
  return spec;
}

Result<std::vector<SharedAreaSpec>> PlanAreas(const Options& options) {
  ListOption all = options.sharedarea;
  all.insert(all.end(), options.py_sharedarea.begin(), options.py_sharedarea.end());
  std::ranges::stable_sort(all, {}, &ListValue::order);
  std::vector<SharedAreaSpec> areas;
  for (const ListValue& given : all) areas.push_back(TRY(PlanArea(given)));
  return areas;
}

}  // namespace

Result<ServiceSpecs> PlanServices(const Options& options) {
  ServiceSpecs specs;
  TRY_STATUS(RequireWithin(options, "locks", options.locks, 0, kMostLocks));
  specs.locks.count = static_cast<int>(options.locks);
  specs.caches = TRY(PlanCaches(options));
  specs.metrics = TRY(PlanMetrics(options));
  BackgroundSpec background = TRY(PlanBackground(options));
  if (options.master) specs.background = std::move(background);
  specs.spoolers = TRY(PlanSpoolers(options));
  specs.queue = TRY(PlanQueue(options));
  TRY_STATUS(RequireOwnStores(specs));
  specs.areas = TRY(PlanAreas(options));
  TRY_STATUS(RequireWithin(options, "rpc-max", options.rpc_max, 0, kMostLocks));
  specs.most_rpc_functions = static_cast<size_t>(options.rpc_max);
  specs.alarms = TRY(PlanAlarms(options));
  return specs;
}

}  // namespace uwsgi
