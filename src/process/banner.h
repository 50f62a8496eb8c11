// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace uwsgi {

// The facts at the top of the log (reference 12 section 2, lines 1 to 9 without the pidfile).
void LogBanner(const std::string& binary_path);

// Lines 12 to 17: limits of the machine and of this process.
void LogSystemFacts(bool has_master);

// Lines 25 to 29: what the server is going to run with.
struct EngineFacts {
  bool has_sockets = true;
  int64_t listen_backlog = 0;
  int64_t worker_mercy_s = 0;
  int64_t mapped_bytes = 0;
  int processes = 1;
  int threads = 1;
};
void LogEngineFacts(const EngineFacts& facts);

// "single process", "preforking", "threaded", "preforking+threaded".
std::string OperationalMode(int processes, int threads);

// The program that runs, as an absolute path.
std::string BinaryPath();

}  // namespace uwsgi
