// SPDX-License-Identifier: Apache-2.0
// A spool file that is accepted holds nothing that another run over it would see differently; what
// it says of where and when stays inside its directory.
#include <cstdlib>

#include "service/spool_name.h"
#include "service/spool_task.h"

using namespace uwsgi;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(reinterpret_cast<const char*>(data), size);
  const auto task = DecodeSpoolTask(input);
  if (task && MissingSpoolBytes(input) != 0) std::abort();
  if (task) {
    const auto bytes = EncodeSpoolTask(*task);
    if (!bytes || bytes->size() > input.size() || bytes->size() != SizeOfSpoolFile(*task))
      std::abort();
    const auto again = DecodeSpoolTask(*bytes);
    if (!again || again->fields != task->fields || again->body != task->body) std::abort();
    const auto placement = PlacementOf(*task);
    if (placement && placement->priority.find('/') != std::string::npos) std::abort();
    if (placement && placement->priority.starts_with('.')) std::abort();
  }
  // Names come from whoever can write into the directory.
  const SpoolOrder order(input);
  if (SpoolOrder(input) != order) std::abort();
  const ByteView other = input.substr(size / 2);
  if (PriorityBefore(input, other) && PriorityBefore(other, input)) std::abort();
  return 0;
}
