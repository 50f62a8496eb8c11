// SPDX-License-Identifier: Apache-2.0
// A block of variables that is accepted encodes to the same bytes again; so does an array.
#include <cstdlib>

#include "wire/cgi_names.h"
#include "wire/uwsgi_packet.h"

using namespace uwsgi;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(reinterpret_cast<const char*>(data), size);
  std::string again;
  const Status walked = ForEachVar(input, 100, [&again](ByteView key, ByteView value) {
    const CgiName name = LookUpCgi(key);
    if (name != CgiName::kUnknown && CgiText(name) != key) std::abort();
    if (!AppendVar(again, key, value)) std::abort();
  });
  if (walked && again != input) std::abort();
  again.clear();
  UwsgiItems items(input);
  while (const auto item = items.Next()) {
    if (!AppendItem(again, *item)) std::abort();
  }
  if (!items.failed() && again != input) std::abort();
  return 0;
}
