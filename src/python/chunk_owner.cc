// SPDX-License-Identifier: Apache-2.0
#include "python/chunk_owner.h"

#include <atomic>

namespace uwsgi {
namespace {

struct Released {
  PyObject* object;
  Released* next;
};

std::atomic<Released*> the_released = nullptr;

void Retain(void* object) { Py_INCREF(static_cast<PyObject*>(object)); }

void Release(void* object) {
  auto* const node =
      new Released{static_cast<PyObject*>(object), the_released.load(std::memory_order_relaxed)};
  while (!the_released.compare_exchange_weak(node->next, node, std::memory_order_release,
                                             std::memory_order_relaxed)) {
  }
}

}  // namespace

ChunkOwner OwnerOf(PyObject* bytes) { return {bytes, Retain, Release}; }

bool HasReleasedChunks() { return the_released.load(std::memory_order_relaxed) != nullptr; }

void DropReleasedChunks() {
  if (!HasReleasedChunks()) return;
  Released* node = the_released.exchange(nullptr, std::memory_order_acquire);
  while (node != nullptr) {
    Released* const next = node->next;
    Py_DECREF(node->object);
    delete node;
    node = next;
  }
}

}  // namespace uwsgi
