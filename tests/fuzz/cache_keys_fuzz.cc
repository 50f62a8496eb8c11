// SPDX-License-Identifier: Apache-2.0
// A cache agrees with a map about keys of any length and content, and stays sound. Each step of the
// input is an operation, the length of a key in two bytes, and its bytes.
#include <cstdlib>
#include <map>

#include "base/log.h"
#include "service/cache.h"

using namespace uwsgi;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  SetLogSink([](std::string_view) {});
  const auto cache =
      Cache::Create({.name = "fuzz", .items = 64, .blocksize = 256, .keysize = 300, .hashsize = 4});
  if (!cache) std::abort();
  std::map<std::string, std::string, std::less<>> expected;
  ByteView rest(reinterpret_cast<const char*>(data), size);
  while (rest.size() >= 3) {
    const auto step = static_cast<uint8_t>(rest[0]);
    const ByteView key = rest.substr(3, ReadLe16(rest.data() + 1));
    rest.remove_prefix(3 + key.size());
    if (step % 3 == 0) {
      const bool is_good = !key.empty() && key.size() <= 300;
      const std::string value(size_t{step} + 1, 'v');
      const auto stored = (*cache)->Set(key, value, 0, Cache::SetMode::kReplace);
      if (!is_good && stored == CacheStored::kYes) std::abort();
      if (stored == CacheStored::kYes) expected[std::string(key)] = value;
      if (is_good && stored != CacheStored::kYes && expected.size() < 64) std::abort();
    } else if (step % 3 == 1) {
      if ((*cache)->Delete(key) != (expected.erase(std::string(key)) == 1)) std::abort();
    }
    const auto got = (*cache)->Get(key);
    const auto at = expected.find(key);
    if (got.has_value() != (at != expected.end()) || (got && got->bytes != at->second))
      std::abort();
  }
  if ((*cache)->stats().items != expected.size() || !(*cache)->Check()) std::abort();
  return 0;
}
