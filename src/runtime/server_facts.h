// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace uwsgi {

// One option as the operator wrote it, for uwsgi.opt: name as typed, value after expansion.
// `has_value` false: a bare flag.
struct OptionFact {
  std::string name;
  std::string value;
  bool has_value = true;
};

// What is known about the server once the configuration has been read and the sockets are open, and
// never changes afterwards. Made by cli before the language starts.
struct ServerFacts {
  int processes = 1;
  int threads = 1;
  bool has_master = false;
  bool is_a_reload = false;
  int64_t started_on = 0;  // seconds since 1970
  int64_t buffer_size = 0;
  std::string hostname;
  std::string binary_path;
  std::string mode;
  std::string pidfile;
  std::vector<int> sockets;           // descriptors of the listeners, in order
  std::vector<OptionFact> options;    // in the order of the configuration
  std::map<char, std::string> magic;  // the placeholders of configuration files
};

}  // namespace uwsgi
