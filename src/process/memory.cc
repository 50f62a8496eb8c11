// SPDX-License-Identifier: Apache-2.0
#include "process/memory.h"

#include <unistd.h>

#include "base/file.h"
#include "base/strings.h"

namespace uwsgi {

Result<MemoryUse> MemoryOf(pid_t pid) {
  const std::string text = TRY(ReadFile(fmt::format("/proc/{}/statm", pid)));
  const auto words = SplitWords(text);
  const auto pages = words.size() > 1 ? ParseInt(words[0]) : std::nullopt;
  const auto resident = words.size() > 1 ? ParseInt(words[1]) : std::nullopt;
  if (!pages || !resident) return Fail("the memory of process {} cannot be read", pid);
  static const auto kPage = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return MemoryUse{.resident = static_cast<uint64_t>(*resident) * kPage,
                   .address_space = static_cast<uint64_t>(*pages) * kPage};
}

}  // namespace uwsgi
