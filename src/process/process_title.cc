// SPDX-License-Identifier: Apache-2.0
#include "process/process_title.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>

namespace uwsgi {
namespace {

struct TitleArea {
  char* begin = nullptr;
  size_t size = 0;
};
TitleArea the_area;

}  // namespace

std::string ComposeTitle(const TitleSpec& spec, std::string_view name, bool is_master) {
  if (!spec.enabled) return {};
  std::string_view shown = name;
  if (!spec.name.empty()) shown = spec.name;
  if (is_master && !spec.master_name.empty()) shown = spec.master_name;
  std::string title = spec.prefix;
  title.append(shown).append(spec.suffix);
  return title;
}

void PrepareTitles(int argc, char** argv) {
  if (argc < 1 || the_area.begin != nullptr) return;
  // The kernel lays arguments and environment out one after another; the area is what really is in
  // one piece.
  char* end = argv[0];
  for (int i = 0; i < argc; ++i) {
    if (argv[i] == end) end += std::strlen(argv[i]) + 1;
  }
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (*variable != end) break;
    end += std::strlen(*variable) + 1;
    // The copy is the environment from now on, for as long as the process lives.
    *variable = ::strdup(*variable);
  }
  the_area = {argv[0], static_cast<size_t>(end - argv[0])};
}

void SetTitle(std::string_view title) {
  if (the_area.size < 2) return;
  const std::string_view shown = title.substr(0, the_area.size - 1);
  std::memset(the_area.begin, 0, the_area.size);
  std::memcpy(the_area.begin, shown.data(), shown.size());
  // `ps -o comm` and `top` show this one, at most 15 bytes of it.
  ::prctl(PR_SET_NAME, std::string(title.substr(0, 15)).c_str());
}

}  // namespace uwsgi
