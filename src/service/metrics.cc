// SPDX-License-Identifier: Apache-2.0
#include "service/metrics.h"

#include <limits>

#include "base/regular_file.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

// Arithmetic on the bits, where overflow is defined.
int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

int64_t WrappingMultiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

int64_t WrappingDivide(int64_t a, int64_t b) { return b == -1 ? WrappingMultiply(a, -1) : a / b; }

template <typename F>
void Change(std::atomic<int64_t>& value, F&& next) {
  int64_t old = value.load(std::memory_order_relaxed);
  while (!value.compare_exchange_weak(old, next(old), std::memory_order_relaxed)) {
  }
}

// What was counted since `from` was read stays on top of `to`.
void MoveBack(const Metrics::Row& row, int64_t from, int64_t to) {
  row.value->fetch_add(WrappingAdd(to, WrappingMultiply(from, -1)), std::memory_order_relaxed);
}

int64_t SumOf(const Metrics::Row& row) {
  int64_t sum = 0;
  for (const Metrics::Row* child : row.children) sum = WrappingAdd(sum, child->Get());
  return sum;
}

// A file that cannot be read, or has no such word, counts 0.
int64_t WordOf(const MetricSpec& spec) {
  const auto text = ReadRegularFile(spec.file);
  if (!text) return 0;
  const auto words = SplitWords(*text);
  const auto index = static_cast<size_t>(spec.number);
  if (index >= words.size()) return 0;
  const bool negative = words[index].starts_with('-');
  const int64_t number = ParseInt(words[index].substr(negative ? 1 : 0)).value_or(0);
  return negative ? -number : number;
}

int64_t Collected(const Metrics::Row& row) {
  const MetricSpec& spec = row.spec;
  switch (spec.collector) {
    case MetricCollector::kSource:
      return spec.source();
    case MetricCollector::kFile:
      return WordOf(spec);
    case MetricCollector::kSum:
      return SumOf(row);
    case MetricCollector::kAverage:
      return row.children.empty() ? 0 : SumOf(row) / static_cast<int64_t>(row.children.size());
    case MetricCollector::kAccumulator:
      return WrappingAdd(row.Get() - spec.initial_value, SumOf(row));
    case MetricCollector::kAdder:
      return WrappingAdd(SumOf(row), spec.number);
    case MetricCollector::kMultiplier:
      return WrappingMultiply(SumOf(row), spec.number);
    case MetricCollector::kNone:
      break;
  }
  return 0;
}

}  // namespace

Result<Metrics> Metrics::Create(SharedRegion& region, std::vector<MetricSpec> metrics) {
  const auto values = TRY(region.Carve<std::atomic<int64_t>>(metrics.size()));
  Metrics made;
  made.rows_.reserve(metrics.size());
  for (size_t i = 0; i < metrics.size(); ++i) {
    Row& row = made.rows_.emplace_back();
    row.spec = std::move(metrics[i]);
    row.value = &values[i];
    values[i].store(row.spec.first_value.value_or(row.spec.initial_value),
                    std::memory_order_relaxed);
    if (!made.by_name_.emplace(row.spec.name, &row).second) {
      return Fail("metric {}: there is another metric of this name ({})", row.spec.name,
                  row.spec.origin);
    }
  }
  TRY_STATUS(made.Connect());
  return made;
}

Status Metrics::Connect() {
  for (Row& row : rows_) {
    for (const std::string& name : row.spec.children) {
      const Row* const child = Find(name);
      if (child == nullptr)
        return Fail("metric {}: unable to find metric {} ({})", row.spec.name, name,
                    row.spec.origin);
      row.children.push_back(child);
    }
    if (row.spec.alias.empty()) continue;
    const Row* const target = Find(row.spec.alias);
    if (target == nullptr || !target->spec.alias.empty()) {
      return Fail("metric {}: unable to find metric {} ({})", row.spec.name, row.spec.alias,
                  row.spec.origin);
    }
    row.value = target->value;
  }
  return {};
}

const Metrics::Row* Metrics::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const Metrics::Row* Metrics::FindSettable(std::string_view name) const {
  const Row* row = Find(name);
  if (row != nullptr && !row->spec.alias.empty()) row = Find(row->spec.alias);
  return row != nullptr && row->spec.collector == MetricCollector::kNone ? row : nullptr;
}

int64_t Metrics::Get(std::string_view name) const {
  const Row* const row = Find(name);
  return row != nullptr ? row->Get() : 0;
}

bool Metrics::Set(std::string_view name, int64_t value) {
  const Row* const row = FindSettable(name);
  if (row == nullptr) return false;
  row->value->store(value, std::memory_order_relaxed);
  return true;
}

bool Metrics::Add(std::string_view name, int64_t amount) {
  const Row* const row = FindSettable(name);
  if (row == nullptr) return false;
  row->value->fetch_add(amount, std::memory_order_relaxed);
  return true;
}

bool Metrics::Multiply(std::string_view name, int64_t factor) {
  const Row* const row = FindSettable(name);
  if (row == nullptr) return false;
  Change(*row->value, [factor](int64_t old) { return WrappingMultiply(old, factor); });
  return true;
}

bool Metrics::Divide(std::string_view name, int64_t divisor) {
  const Row* const row = FindSettable(name);
  if (row == nullptr || divisor == 0) return false;
  Change(*row->value, [divisor](int64_t old) { return WrappingDivide(old, divisor); });
  return true;
}

bool Metrics::RaiseTo(std::string_view name, int64_t value) {
  const Row* const row = FindSettable(name);
  if (row == nullptr) return false;
  Change(*row->value, [value](int64_t old) { return std::max(old, value); });
  return true;
}

bool Metrics::LowerTo(std::string_view name, int64_t value) {
  const Row* const row = FindSettable(name);
  if (row == nullptr) return false;
  if (value > row->spec.initial_value)
    Change(*row->value, [value](int64_t old) { return std::min(old, value); });
  return true;
}

void Metrics::Collect(int64_t turn) {
  for (const Row& row : rows_) {
    const MetricSpec& spec = row.spec;
    if (spec.collector == MetricCollector::kNone || turn % spec.every_s != 0) continue;
    row.value->store(WrappingAdd(spec.initial_value, Collected(row)), std::memory_order_relaxed);
  }
}

void Metrics::Pushed(const Row& row, int64_t value) {
  if (row.spec.reset_after_push) MoveBack(row, value, row.spec.initial_value);
}

Result<MetricWatch> MetricWatch::Create(const Metrics& metrics,
                                        std::vector<MetricThreshold> thresholds) {
  MetricWatch watch;
  for (MetricThreshold& threshold : thresholds) {
    const Metrics::Row* const row = metrics.Find(threshold.metric);
    if (row == nullptr)
      return Fail("metric-threshold: unable to find metric {} ({})", threshold.metric,
                  threshold.origin);
    std::string message = threshold.message.empty() ? threshold.metric : threshold.message;
    watch.watched_.push_back({std::move(threshold), row, std::move(message)});
  }
  return watch;
}

bool MetricWatch::IsDue(Watched& watched, int64_t now_s) {
  const MetricThreshold& threshold = watched.threshold;
  const int64_t value = watched.row->Get();
  if (value < threshold.value || now_s < watched.silent_until_s) return false;
  watched.silent_until_s = now_s + threshold.pause_s;
  if (threshold.resets) MoveBack(*watched.row, value, threshold.reset_to);
  return true;
}

}  // namespace uwsgi
