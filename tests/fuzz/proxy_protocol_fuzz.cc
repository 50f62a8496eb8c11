// SPDX-License-Identifier: Apache-2.0
// A PROXY header that is accepted or refused stays so whatever follows, and no beginning of it says
// otherwise.
#include <cstdlib>

#include "wire/proxy_protocol.h"

using namespace uwsgi;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(reinterpret_cast<const char*>(data), size);
  ProxyHeader whole;
  const ParseOutcome expected = DecodeProxyHeader(input, whole);
  ProxyHeader header;
  ParseOutcome outcome;
  for (size_t end = 0; end <= size && outcome.status == ParseStatus::kNeedMore; ++end) {
    outcome = DecodeProxyHeader(input.substr(0, end), header);
  }
  if (outcome.status != expected.status || outcome.consumed != expected.consumed) std::abort();
  if (outcome.status != ParseStatus::kComplete) return 0;
  if (header.source_address != whole.source_address || header.source_port != whole.source_port)
    std::abort();
  if (header.known != whole.known || outcome.consumed > size) std::abort();
  return 0;
}
