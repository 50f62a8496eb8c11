// SPDX-License-Identifier: Apache-2.0
// What is accepted of a peer encodes to something that is accepted again and means the same.
#include <cstdlib>

#include "wire/cache_packet.h"
#include "wire/uwsgi_packet.h"

using namespace uwsgi;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(reinterpret_cast<const char*>(data), size);
  if (const auto command = ReadCacheCommand(input)) {
    const auto packet = MakeCachePacket(*command);
    if (packet) {
      const auto again = ReadCacheCommand(ByteView(*packet).substr(kUwsgiHeaderSize));
      if (!again || again->key != command->key || again->size != command->size ||
          again->expires != command->expires)
        std::abort();
    }
  }
  if (const auto notice = ReadCacheNotice(input)) {
    const auto packet = MakeCacheNotice(*notice);
    if (packet && ReadCacheNotice(*packet)->key != notice->key) std::abort();
  }
  static_cast<void>(ReadItems(input));
  ByteView rest = input;
  std::string again;
  while (const auto record = TakeCacheRecord(rest)) AppendCacheRecord(again, *record);
  if (again != input.substr(0, input.size() - rest.size())) std::abort();
  return 0;
}
