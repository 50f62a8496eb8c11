// SPDX-License-Identifier: Apache-2.0
#include "runtime/modifier_table.h"

#include "runtime/native_handlers.h"
#include "wire/cache_packet.h"
#include "wire/rpc_packet.h"

namespace uwsgi {
namespace {

constexpr uint8_t kSpoolModifier = 17;
constexpr uint8_t kSignalModifier = 110;

constexpr ModifierRow kModifiers[] = {
    {kSpoolModifier, HandleSpoolPacket},
    {kSignalModifier, HandleSignalPacket},
    {kCacheModifier, HandleCachePacket},
    {kRpcModifier, HandleRpcPacket},
};

}  // namespace

const ModifierRow* FindModifier(uint8_t modifier1) {
  for (const ModifierRow& row : kModifiers) {
    if (row.modifier1 == modifier1) return &row;
  }
  return nullptr;
}

}  // namespace uwsgi
