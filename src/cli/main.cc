// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "base/log.h"
#include "cli/assemble.h"

int main(int argc, char** argv) {
  const auto status = uwsgi::RunProgram(argc, argv);
  if (!status) uwsgi::LogLine(status.error().text());
  std::exit(status ? *status : status.error().exit_code);
}
