// SPDX-License-Identifier: Apache-2.0
// Whatever a stats server says is refused or becomes figures that can be drawn and reported as
// JSON.
#include <cstdlib>

#include "base/json.h"
#include "top/report.h"
#include "top/stats_fetch.h"
#include "top/view.h"

using namespace uwsgi;
using namespace uwsgi::top;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto document = DocumentOf({reinterpret_cast<const char*>(data), size});
  if (!document) return 0;
  const auto snapshot = ParseSnapshot(*document);
  if (!snapshot) return 0;
  History history;
  history.Add(*snapshot, 1'000'000);
  history.Add(*snapshot, 2'000'000);
  for (const CoreMode mode : {CoreMode::kWorkers, CoreMode::kBelowWorkers, CoreMode::kMerged}) {
    Controls controls{.cores = mode};
    Picture picture(80, 24, Charset::kAscii);
    Draw({.snapshot = &*snapshot, .history = &history, .wall_time = 1795328489}, controls, picture);
    for (const char c : picture.text()) {
      if (c != '\n' && (c < ' ' || c > '~')) std::abort();
    }
  }
  if (!ParseJson(OnceJson(*snapshot, history, "fuzz", 1795328489))) std::abort();
  return 0;
}
