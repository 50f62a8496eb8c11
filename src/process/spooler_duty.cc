// SPDX-License-Identifier: Apache-2.0
#include "process/spooler_duty.h"

namespace uwsgi {
namespace {

constexpr int64_t kLookPeriodUs = 1'000'000;

}  // namespace

Status CheapSpoolerDuty::Begin(MasterDesk& desk) {
  const auto look = [&desk] { desk.FillPlaces(ChildKind::kSpooler); };
  files_ = FileWatch::Create(desk.loop());
  for (const SpoolDirSpec& directory : spoolers_.spec().directories) {
    if (!directory.is_external) files_->Add(directory.path, [look](FileChange) { look(); });
  }
  desk.loop().Every(kLookPeriodUs, look);
  return {};
}

}  // namespace uwsgi
