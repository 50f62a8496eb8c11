// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>

#include "base/version.h"
#include "top/monitor.h"

namespace uwsgi::top {

namespace {

Status Run(const TopOptions& options) {
  switch (options.mode) {
    case TopOptions::Mode::kHelp:
      fmt::print("{}", TopHelp());
      return {};
    case TopOptions::Mode::kVersion:
      fmt::print("{}\n", kVersion);
      return {};
    case TopOptions::Mode::kScreen:
      return RunScreen(options);
    default:
      return RunOnce(options);
  }
}

}  // namespace

}  // namespace uwsgi::top

int main(int argc, char** argv) {
  using namespace uwsgi::top;
  const auto options = ParseTopOptions({argv + 1, static_cast<size_t>(argc > 0 ? argc - 1 : 0)});
  if (!options) {
    fmt::print(stderr, "uwsgitop: {}\n{}", options.error().text(), TopHelp());
    return 2;
  }
  const uwsgi::Status done = Run(*options);
  if (!done) fmt::print(stderr, "uwsgitop: {}\n", done.error().text());
  return done ? 0 : 1;
}
