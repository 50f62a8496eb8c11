// SPDX-License-Identifier: Apache-2.0
#include "process/cheaper_plan.h"

#include <algorithm>

#include "base/log.h"

namespace uwsgi {
namespace {

int ToInt(int64_t value, int64_t least = 0) {
  return static_cast<int>(std::clamp<int64_t>(value, least, 1'000'000));
}

BusynessSpec PlanBusyness(const Options& options) {
  BusynessSpec spec;
  spec.max_percent = ToInt(options.cheaper_busyness_max);
  spec.min_percent = ToInt(options.cheaper_busyness_min);
  spec.multiplier = ToInt(options.cheaper_busyness_multiplier, 1);
  spec.penalty = ToInt(options.cheaper_busyness_penalty);
  spec.verbose = options.cheaper_busyness_verbose;
  spec.backlog_alert = ToInt(options.cheaper_busyness_backlog_alert);
  spec.backlog_multiplier = ToInt(options.cheaper_busyness_backlog_multiplier, 1);
  spec.backlog_step = ToInt(options.cheaper_busyness_backlog_step);
  spec.backlog_nonzero_s = ToInt(options.cheaper_busyness_backlog_nonzero);
  return spec;
}

// The predecessor ends at the first of these mistakes; configurations that have it are written all
// the same, and what they mean is plain.
int PlanLeast(const Options& options) {
  const int64_t wanted = options.cheaper;
  if (wanted == 0 || wanted < options.processes) return ToInt(wanted);
  const int64_t lowered = options.processes - 1;
  LogLine(lowered > 0
              ? fmt::format("*** WARNING: cheaper = {} ({}) must be lower than processes ({}): it "
                            "is lowered to {} ***",
                            wanted, options.OriginOf("cheaper").text(), options.processes, lowered)
              : fmt::format("*** WARNING: cheaper = {} ({}) must be lower than processes ({}): it "
                            "is left out ***",
                            wanted, options.OriginOf("cheaper").text(), options.processes));
  return ToInt(lowered);
}

int PlanInitial(const Options& options, int least) {
  const int64_t wanted = options.cheaper_initial;
  if (wanted == 0) return least;
  if (wanted < least) {
    Log("warning: invalid cheaper-initial value ({}), must be equal or higher than cheaper ({}), "
        "using {} as initial number of workers",
        wanted, least, least);
    return least;
  }
  if (wanted > options.processes) {
    Log("warning: invalid cheaper-initial value ({}), must be lower or equal than worker count "
        "({}), using {} as initial number of workers",
        wanted, options.processes, options.processes);
  }
  return ToInt(std::min(wanted, options.processes));
}

ScalingAlgorithm PlanAlgorithm(const Options& options) {
  if (const auto found = FindScalingAlgorithm(options.cheaper_algo)) return *found;
  LogLine("unable to find requested cheaper algorithm, falling back to spare");
  return ScalingAlgorithm::kSpare;
}

}  // namespace

Result<ScalingSpec> PlanScaling(const Options& options) {
  if (options.cheaper_rss_limit_hard > 0 &&
      options.cheaper_rss_limit_hard <= options.cheaper_rss_limit_soft) {
    return Fail("cheaper-rss-limit-hard = {} must be above cheaper-rss-limit-soft ({}) ({})",
                options.cheaper_rss_limit_hard, options.cheaper_rss_limit_soft,
                options.OriginOf("cheaper-rss-limit-hard").text());
  }
  if (options.cheaper_algo_list) {
    LogLine("*** uWSGI loaded cheaper algorithms ***");
    for (const std::string_view name : ScalingAlgorithmNames()) LogLine(name);
    LogLine("--- end of cheaper algorithms list ---");
  }
  ScalingSpec spec;
  spec.most = spec.least = spec.initial = ToInt(options.processes, 1);
  const int least = PlanLeast(options);
  if (least <= 0) return spec;
  spec.enabled = true;
  spec.algorithm = PlanAlgorithm(options);
  spec.least = least;
  spec.initial = PlanInitial(options, least);
  spec.step = ToInt(options.cheaper_step, 1);
  spec.overload = ToInt(options.cheaper_overload);
  spec.idle_s = ToInt(options.cheaper_idle);
  spec.rss_soft_limit = static_cast<uint64_t>(options.cheaper_rss_limit_soft);
  spec.rss_hard_limit = static_cast<uint64_t>(options.cheaper_rss_limit_hard);
  spec.busyness = PlanBusyness(options);
  return spec;
}

}  // namespace uwsgi
