// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "python/api_module.h"
#include "python/call_args.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "service/message_queue.h"

// Present only when there is a queue. The functions are not noexcept: see GilRelease.
namespace uwsgi {
namespace {

using Args = PyObject* const*;

MessageQueue& Queue() { return *services().queue; }

PyObject* BytesOrNone(const std::optional<std::string>& bytes) {
  if (!bytes) Py_RETURN_NONE;
  return ToBytes(*bytes).Release();
}

// queue_push(item) -> True or None
PyObject* QueuePush(PyObject*, PyObject* given) {
  const auto item = AsData(given, "queue_push");
  if (!item) return nullptr;
  bool pushed = false;
  {
    GilRelease unlocked;
    pushed = Queue().Push(*item);
  }
  return TrueOrNone(pushed);
}

// queue_pop() -> bytes or None: the last one pushed
PyObject* QueuePop(PyObject*, PyObject*) {
  std::optional<std::string> item;
  {
    GilRelease unlocked;
    item = Queue().Pop();
  }
  return BytesOrNone(item);
}

// queue_pull() -> bytes or None: the first one pushed
PyObject* QueuePull(PyObject*, PyObject*) {
  std::optional<std::string> item;
  {
    GilRelease unlocked;
    item = Queue().Pull();
  }
  return BytesOrNone(item);
}

// queue_get(slot) -> bytes or None
PyObject* QueueGet(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("queue_get", given, count);
  const auto slot = args.HasBetween(1, 1) ? args.Number(0) : std::nullopt;
  if (!slot) return nullptr;
  std::optional<std::string> item;
  {
    GilRelease unlocked;
    item = Queue().Get(*slot);
  }
  return BytesOrNone(item);
}

// queue_set(slot, item) -> True or None
PyObject* QueueSet(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("queue_set", given, count);
  const auto slot = args.HasBetween(2, 2) ? args.Number(0) : std::nullopt;
  const auto item = slot ? args.Data(1) : std::nullopt;
  if (!item) return nullptr;
  bool stored = false;
  {
    GilRelease unlocked;
    stored = Queue().Set(*slot, *item);
  }
  return TrueOrNone(stored);
}

PyRef ToList(const std::vector<std::optional<std::string>>& items) {
  PyRef list = PyRef::Steal(PyList_New(static_cast<Py_ssize_t>(items.size())));
  for (size_t i = 0; list && i < items.size(); ++i) {
    PyObject* const item = BytesOrNone(items[i]);
    if (item == nullptr) return {};
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), item);
  }
  return list;
}

// queue_last([count]) -> bytes or None; with a count a list, newest first
PyObject* QueueLast(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("queue_last", given, count);
  const auto wanted = args.HasBetween(0, 1) ? args.NumberOr(0, 1) : std::nullopt;
  if (!wanted) return nullptr;
  std::vector<std::optional<std::string>> items;
  {
    GilRelease unlocked;
    items = Queue().Last(*wanted < 0 ? 0 : std::max<uint64_t>(static_cast<uint64_t>(*wanted), 1));
  }
  // compat: without a number, and with 0, the last item itself.
  if (args.count() == 0 || *wanted == 0)
    return BytesOrNone(items.empty() ? std::nullopt : items.front());
  return ToList(items).Release();
}

// queue_slot() -> int: where the next push goes
PyObject* QueueSlot(PyObject*, PyObject*) {
  return PyLong_FromUnsignedLongLong(Queue().push_position());
}

// queue_pull_slot() -> int
PyObject* QueuePullSlot(PyObject*, PyObject*) {
  return PyLong_FromUnsignedLongLong(Queue().pull_position());
}

PyMethodDef kMethods[] = {
    {"queue_push", QueuePush, METH_O, nullptr},
    {"queue_pop", QueuePop, METH_NOARGS, nullptr},
    {"queue_pull", QueuePull, METH_NOARGS, nullptr},
    {"queue_get", AsCFunction(QueueGet), METH_FASTCALL, nullptr},
    {"queue_set", AsCFunction(QueueSet), METH_FASTCALL, nullptr},
    {"queue_last", AsCFunction(QueueLast), METH_FASTCALL, nullptr},
    {"queue_slot", QueueSlot, METH_NOARGS, nullptr},
    {"queue_pull_slot", QueuePullSlot, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool AddQueue(PyObject* module) {
  if (services().queue == nullptr) return true;
  return PyModule_AddFunctions(module, kMethods) == 0 &&
         PyModule_AddIntConstant(module, "queue_size", static_cast<long>(Queue().size())) == 0;
}

}  // namespace uwsgi
