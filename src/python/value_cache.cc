// SPDX-License-Identifier: Apache-2.0
#include "python/value_cache.h"

#include "python/convert.h"

namespace uwsgi {
namespace {

// The length and some bytes are enough to keep the few names of one site apart.
size_t SlotOf(ByteView name) {
  size_t hash = name.size();
  for (const size_t at : {name.size() / 4, name.size() / 2, name.size() * 3 / 4, name.size() - 1}) {
    hash = hash * 31 + static_cast<unsigned char>(name[at]);
  }
  return hash;
}

}  // namespace

PyObject* ValueCache::Remember(PyRef& slot, ByteView bytes) {
  PyRef text = ToNativeStr(bytes);
  if (!text) return nullptr;
  PyRef& keeper = bytes.size() <= kLongest ? slot : long_value_;
  keeper = std::move(text);
  return keeper.get();
}

ValueCache::Pair ValueCache::Unknown(ByteView name, ByteView value) {
  if (name.empty() || name.size() > kLongest) {
    long_name_ = ToNativeStr(name);
    return {long_name_.get(), Remember(long_value_, value)};
  }
  UnknownSlot& slot = unknown_[SlotOf(name) % kUnknownSlots];
  if (!slot.name || !Same(slot.name.get(), name)) {
    slot.name = ToNativeStr(name);
    slot.value.Reset();
  }
  if (slot.value && Same(slot.value.get(), value)) return {slot.name.get(), slot.value.get()};
  return {slot.name.get(), Remember(slot.value, value)};
}

}  // namespace uwsgi
