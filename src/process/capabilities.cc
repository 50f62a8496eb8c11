// SPDX-License-Identifier: Apache-2.0
#include "process/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/strings.h"

namespace uwsgi {
namespace {

// By number, as linux/capability.h has them.
constexpr std::string_view kCapabilityNames[] = {"chown",
                                                 "dac_override",
                                                 "dac_read_search",
                                                 "fowner",
                                                 "fsetid",
                                                 "kill",
                                                 "setgid",
                                                 "setuid",
                                                 "setpcap",
                                                 "linux_immutable",
                                                 "net_bind_service",
                                                 "net_broadcast",
                                                 "net_admin",
                                                 "net_raw",
                                                 "ipc_lock",
                                                 "ipc_owner",
                                                 "sys_module",
                                                 "sys_rawio",
                                                 "sys_chroot",
                                                 "sys_ptrace",
                                                 "sys_pacct",
                                                 "sys_admin",
                                                 "sys_boot",
                                                 "sys_nice",
                                                 "sys_resource",
                                                 "sys_time",
                                                 "sys_tty_config",
                                                 "mknod",
                                                 "lease",
                                                 "audit_write",
                                                 "audit_control",
                                                 "setfcap",
                                                 "mac_override",
                                                 "mac_admin",
                                                 "syslog",
                                                 "wake_alarm",
                                                 "block_suspend",
                                                 "audit_read",
                                                 "perfmon",
                                                 "bpf",
                                                 "checkpoint_restore"};
static_assert(std::size(kCapabilityNames) == 41);

}  // namespace

Capabilities GetCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return {};
  const auto join = [](uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; };
  return {join(data[0].permitted, data[1].permitted),
          join(data[0].inheritable, data[1].inheritable)};
}

Status SetCapabilities(const Capabilities& wanted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (int half = 0; half < 2; ++half) {
    data[half].effective = data[half].permitted =
        static_cast<uint32_t>(wanted.permitted >> (32 * half));
    data[half].inheritable = static_cast<uint32_t>(wanted.inheritable >> (32 * half));
  }
  if (::syscall(SYS_capset, &header, data) != 0) return ErrnoError("capset()", errno);
  return {};
}

Status GiveUpCapabilities(uint64_t set) {
  Capabilities has = GetCapabilities();
  if ((has.permitted & set) == 0) return {};
  has.permitted &= ~set;
  has.inheritable &= ~set;
  return SetCapabilities(has);
}

void MakeAmbient(uint64_t set) {
  for (unsigned long each = 0; each < std::size(kCapabilityNames); ++each) {
    if ((set >> each & 1) != 0) ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, each, 0, 0);
  }
}

Result<uint64_t> ParseCapabilities(std::string_view names) {
  uint64_t set = 0;
  for (const std::string_view part : Split(names, ',')) {
    const std::string_view name = Trim(part);
    if (name.empty()) continue;
    const auto* const found = std::ranges::find(kCapabilityNames, name);
    if (found == std::end(kCapabilityNames)) return Fail("cap: unknown capability: {}", name);
    set |= uint64_t{1} << (found - std::begin(kCapabilityNames));
  }
  return set;
}

}  // namespace uwsgi
