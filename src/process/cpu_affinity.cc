// SPDX-License-Identifier: Apache-2.0
#include "process/cpu_affinity.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"

namespace uwsgi {

std::vector<int> CpusOf(int id, int per_worker, const std::vector<int>& available) {
  std::vector<int> cpus;
  if (available.empty()) return cpus;
  const auto count = std::min(static_cast<size_t>(std::max(per_worker, 0)), available.size());
  for (size_t i = 0; i < count; ++i) {
    cpus.push_back(available[(static_cast<size_t>(id - 1) * count + i) % available.size()]);
  }
  std::ranges::sort(cpus);
  return cpus;
}

std::vector<int> AvailableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

Status BindToCpus(int id, int per_worker) {
  if (per_worker <= 0) return {};
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string shown;
  for (const int cpu : CpusOf(id, per_worker, AvailableCpus())) {
    CPU_SET(cpu, &set);
    shown += fmt::format(" {}", cpu);
  }
  if (::sched_setaffinity(0, sizeof set, &set) != 0) return ErrnoError("cpu-affinity", errno);
  Log("mapping worker {} to CPUs:{}", id, shown);
  return {};
}

}  // namespace uwsgi
