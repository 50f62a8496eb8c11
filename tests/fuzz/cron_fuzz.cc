// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "service/cron.h"

namespace {

// Whatever was accepted has a command and can be asked about any minute.
void Check(const uwsgi::Result<uwsgi::CronJob>& job) {
  if (!job) return;
  if (job->command.empty() || job->harakiri_s < 0) std::abort();
  if (!uwsgi::CheckCronFields(job->fields)) std::abort();
  tm when{};
  when.tm_mday = 31;
  when.tm_mon = 11;
  when.tm_min = 59;
  uwsgi::Matches(job->fields, when);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check(uwsgi::ParseCron(text));
  Check(uwsgi::ParseCron2(text));
  return 0;
}
