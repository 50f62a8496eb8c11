// SPDX-License-Identifier: Apache-2.0
#include "process/push_text.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// compat: counters are sent as their totals, though statsd adds up what it gets.
std::string StatsdText(const PushSpec& spec, const Metrics::Row& row, int64_t value) {
  const bool is_gauge = spec.all_gauges || row.spec.type == MetricType::kGauge;
  return fmt::format("{}.{}:{}|{}", spec.prefix, row.spec.name, value, is_gauge ? 'g' : 'c');
}

// Lines with the same beginning and time.
class CarbonLines {
 public:
  CarbonLines(std::string path, int64_t now_s) : path_(std::move(path)), now_s_(now_s) {}

  void Add(std::string_view key, int64_t value) {
    fmt::format_to(std::back_inserter(text_), "{}.{} {} {}\n", path_, key, value, now_s_);
  }
  [[nodiscard]] std::string Take() && { return std::move(text_); }

 private:
  std::string path_;
  int64_t now_s_;
  std::string text_;
};

void AddWorkers(CarbonLines& lines, const Scoreboard& scoreboard) {
  for (int id = 1; id <= scoreboard.workers(); ++id) {
    const WorkerSlot& slot = scoreboard.worker(id);
    const WorkerTotals& totals = *slot.totals;
    const auto add = [&lines, id](std::string_view key, uint64_t value) {
      lines.Add(fmt::format("worker{}.{}", id, key), static_cast<int64_t>(value));
    };
    add("requests", slot.requests());
    add("rss_size", slot.rss.load(kRelaxed));
    add("vsz_size", slot.vsz.load(kRelaxed));
    add("avg_rt", totals.avg_rt_us.load(kRelaxed));
    add("tx", totals.tx.load(kRelaxed));
  }
}

void AddInstance(CarbonLines& lines, const Scoreboard& scoreboard) {
  uint64_t rss = 0, vsz = 0, tx = 0, mean = 0, count = 0;
  int64_t busy = 0, idle = 0;
  for (int id = 1; id <= scoreboard.workers(); ++id) {
    const WorkerSlot& slot = scoreboard.worker(id);
    if (slot.pid.load(kRelaxed) == 0) continue;
    ++count;
    rss += slot.rss.load(kRelaxed);
    vsz += slot.vsz.load(kRelaxed);
    tx += slot.totals->tx.load(kRelaxed);
    mean += slot.totals->avg_rt_us.load(kRelaxed);
    ++(slot.busy_cores() > 0 ? busy : idle);
  }
  lines.Add("requests", static_cast<int64_t>(scoreboard.total_requests().load(kRelaxed)));
  lines.Add("rss_size", static_cast<int64_t>(rss));
  lines.Add("vsz_size", static_cast<int64_t>(vsz));
  lines.Add("avg_rt", static_cast<int64_t>(count > 0 ? mean / count : 0));
  lines.Add("tx", static_cast<int64_t>(tx));
  lines.Add("busy_workers", busy);
  lines.Add("idle_workers", idle);
}

}  // namespace

std::string PushText(const PushSpec& spec, const Metrics::Row& row, int64_t value) {
  if (spec.kind == PushKind::kStatsd) return StatsdText(spec, row, value);
  return fmt::format("{}.{} {} {}", spec.prefix, row.spec.name, static_cast<int>(row.spec.type),
                     value);
}

std::string CarbonPart(std::string_view name, std::string_view dots) {
  std::string part;
  for (const char c : name) {
    if (c == '.') {
      part += dots.empty() ? "_" : dots;
    } else {
      part += c == '/' || c == ' ' || c == ':' ? '_' : c;
    }
  }
  return part;
}

std::string CarbonText(const CarbonSpec& spec, const CarbonFacts& facts) {
  CarbonLines lines(fmt::format("{}.{}.{}", spec.root, facts.host, facts.id), facts.now_s);
  if (facts.metrics != nullptr) {
    for (const Metrics::Row& row : facts.metrics->rows()) lines.Add(row.spec.name, row.Get());
    return std::move(lines).Take();
  }
  AddInstance(lines, *facts.scoreboard);
  if (spec.with_workers) AddWorkers(lines, *facts.scoreboard);
  return std::move(lines).Take();
}

}  // namespace uwsgi
