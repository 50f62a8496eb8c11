// SPDX-License-Identifier: Apache-2.0
#include "service/metrics_plan.h"

#include <algorithm>

#include "base/strings.h"
#include "config/options.h"

namespace uwsgi {
namespace {

struct TypeName {
  std::string_view name;
  MetricType type;
};
constexpr TypeName kTypes[] = {{"counter", MetricType::kCounter},
                               {"gauge", MetricType::kGauge},
                               {"absolute", MetricType::kAbsolute},
                               {"alias", MetricType::kAlias}};

struct CollectorName {
  std::string_view name;
  MetricCollector collector;
  std::string_view needs;  // the key without which it has nothing to collect
};
constexpr CollectorName kCollectors[] = {
    {"file", MetricCollector::kFile, "arg1"},
    {"sum", MetricCollector::kSum, "children"},
    {"avg", MetricCollector::kAverage, "children"},
    {"accumulator", MetricCollector::kAccumulator, "children"},
    {"adder", MetricCollector::kAdder, "children"},
    {"multiplier", MetricCollector::kMultiplier, "children"},
};

bool IsName(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::optional<int64_t> ParseSigned(std::string_view text) {
  if (!text.starts_with('-')) return ParseInt(text);
  const auto number = ParseInt(text.substr(1));
  return number ? std::optional(-*number) : std::nullopt;
}

// The pairs of one value, key=value between commas, and what is wrong with them.
class Pairs {
 public:
  static Result<Pairs> Parse(const ListValue& value, std::span<const std::string_view> known) {
    Pairs pairs(value);
    for (const std::string_view part : Split(value.text, ',')) {
      const size_t equals = part.find('=');
      const std::string_view key = Trim(part.substr(0, equals));
      if (equals == std::string_view::npos || std::ranges::find(known, key) == known.end())
        return pairs.Wrong("it has no key \"{}\"", key);
      pairs.pairs_.emplace_back(key, part.substr(equals + 1));
    }
    return pairs;
  }

  [[nodiscard]] std::string_view Get(std::string_view key) const {
    for (const auto& [name, text] : pairs_) {
      if (name == key) return text;
    }
    return {};
  }
  [[nodiscard]] bool Has(std::string_view key) const {
    return std::ranges::any_of(pairs_, [key](const auto& pair) { return pair.first == key; });
  }

  [[nodiscard]] Result<int64_t> Number(std::string_view key, int64_t otherwise) const {
    if (!Has(key)) return otherwise;
    const auto number = ParseSigned(Get(key));
    if (!number) return Wrong("{} is not a number: {}", key, Get(key));
    return *number;
  }

  template <typename... Args>
  [[nodiscard]] tl::unexpected<Error> Wrong(fmt::format_string<Args...> format,
                                            Args&&... args) const {
    return Fail("{} = {}: {} ({})", value_->option, value_->text,
                fmt::format(format, std::forward<Args>(args)...), value_->origin.text());
  }

 private:
  explicit Pairs(const ListValue& value) : value_(&value) {}
  const ListValue* value_;
  std::vector<std::pair<std::string_view, std::string_view>> pairs_;
};

constexpr std::string_view kMetricKeys[] = {
    "name",  "type",     "initial_value", "collector", "freq",
    "arg1",  "arg2",     "arg3",          "arg1n",     "arg2n",
    "arg3n", "children", "alias",         "oid",       "reset_after_push"};
constexpr std::string_view kThresholdKeys[] = {"key", "value", "alarm", "rate", "msg", "reset"};

Status ReadCollector(const Pairs& pairs, MetricSpec& spec) {
  if (!pairs.Has("collector")) return {};
  for (const CollectorName& row : kCollectors) {
    if (row.name != pairs.Get("collector")) continue;
    if (!pairs.Has(row.needs)) return pairs.Wrong("collector {} needs {}", row.name, row.needs);
    spec.collector = row.collector;
    return {};
  }
  return pairs.Wrong("unable to find collector {}", pairs.Get("collector"));
}

Status ReadType(const Pairs& pairs, MetricSpec& spec) {
  if (!spec.alias.empty()) spec.type = MetricType::kAlias;
  if (!pairs.Has("type")) return {};
  for (const TypeName& row : kTypes) {
    if (row.name != pairs.Get("type")) continue;
    spec.type = row.type;
    if (row.type == MetricType::kAlias && spec.alias.empty())
      return pairs.Wrong("an alias needs the key alias");
    return {};
  }
  return pairs.Wrong("unable to find type {}", pairs.Get("type"));
}

Result<MetricSpec> PlanMetric(const ListValue& value) {
  MetricSpec spec;
  spec.origin = value.origin.text();
  if (value.text.find('=') == std::string::npos) {
    spec.name = value.text;
  } else {
    const Pairs pairs = TRY(Pairs::Parse(value, kMetricKeys));
    spec.name = pairs.Get("name");
    if (spec.name.empty()) return pairs.Wrong("you need to specify a metric name");
    spec.alias = pairs.Get("alias");
    spec.oid = pairs.Get("oid");
    spec.file = pairs.Get("arg1");
    spec.initial_value = TRY(pairs.Number("initial_value", 0));
    spec.every_s = std::max<int64_t>(TRY(pairs.Number("freq", 1)), 1);
    spec.number = TRY(pairs.Number("arg1n", 0));
    spec.reset_after_push = TRY(pairs.Number("reset_after_push", 0)) != 0;
    for (const std::string_view child : Split(pairs.Get("children"), ';')) {
      if (!Trim(child).empty()) spec.children.emplace_back(Trim(child));
    }
    TRY_STATUS(ReadCollector(pairs, spec));
    TRY_STATUS(ReadType(pairs, spec));
  }
  if (!IsName(spec.name))
    return Fail("{} = {}: invalid metric name: {} ({})", value.option, value.text, spec.name,
                spec.origin);
  return spec;
}

Result<MetricThreshold> PlanThreshold(const ListValue& value) {
  const Pairs pairs = TRY(Pairs::Parse(value, kThresholdKeys));
  MetricThreshold threshold;
  threshold.origin = value.origin.text();
  threshold.metric = pairs.Get("key");
  if (threshold.metric.empty()) return pairs.Wrong("the key \"key\" names no metric");
  threshold.value = TRY(pairs.Number("value", 0));
  threshold.alarm = pairs.Get("alarm");
  threshold.message = pairs.Get("msg");
  threshold.pause_s = std::clamp<int64_t>(TRY(pairs.Number("rate", 0)), 0, INT32_MAX);
  threshold.resets = pairs.Has("reset");
  threshold.reset_to = TRY(pairs.Number("reset", 0));
  return threshold;
}

}  // namespace

Result<MetricsSpec> PlanMetrics(const Options& options) {
  MetricsSpec spec;
  for (const ListValue& value : options.metric) spec.metrics.push_back(TRY(PlanMetric(value)));
  for (const ListOption* list : {&options.metric_threshold, &options.metric_alarm}) {
    for (const ListValue& value : *list) spec.thresholds.push_back(TRY(PlanThreshold(value)));
  }
  spec.directory = options.metrics_dir;
  spec.restores = options.metrics_dir_restore;
  spec.with_cores = !options.metrics_no_cores;
  // compat: whoever asks for something about metrics has them.
  spec.is_enabled = options.enable_metrics || !spec.metrics.empty() || !spec.thresholds.empty() ||
                    !spec.directory.empty() || !options.stats_push.empty() ||
                    options.carbon_use_metrics;
  return spec;
}

}  // namespace uwsgi
