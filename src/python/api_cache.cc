// SPDX-License-Identifier: Apache-2.0
#include "python/api_module.h"
#include "python/call_args.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "service/cache_client.h"

// The functions are not noexcept: see GilRelease.
namespace uwsgi {
namespace {

using Args = PyObject* const*;

CacheClient Client() { return CacheClient(services().caches); }

// cache_get(key[, cache]) -> bytes or None
PyObject* CacheGet(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("cache_get", given, count);
  if (!args.HasBetween(1, 2)) return nullptr;
  const auto key = args.Data(0);
  const auto cache = key ? args.DataOr(1, {}) : std::nullopt;
  if (!cache) return nullptr;
  return WithinMemory([&]() -> PyObject* {
    std::optional<CacheValue> value;
    {
      GilRelease unlocked;
      value = Client().Get(*cache, *key);
    }
    if (!value) Py_RETURN_NONE;
    return ToBytes(value->bytes).Release();
  });
}

PyObject* SetOrUpdate(const CallArgs& args, Cache::SetMode mode) {
  if (!args.HasBetween(2, 4)) return nullptr;
  const auto key = args.Data(0);
  const auto value = key ? args.Data(1) : std::nullopt;
  const auto seconds = value ? args.NumberOr(2, 0) : std::nullopt;
  const auto cache = seconds ? args.DataOr(3, {}) : std::nullopt;
  if (!cache) return nullptr;
  bool stored = false;
  {
    GilRelease unlocked;
    stored = Client().Set(*cache, *key, *value, *seconds, mode);
  }
  return TrueOrNone(stored);
}

// cache_set(key, value[, expires[, cache]]) -> True, or None: it is there already, or was refused
PyObject* CacheSet(PyObject*, Args given, Py_ssize_t count) {
  return SetOrUpdate({"cache_set", given, count}, Cache::SetMode::kAdd);
}

// cache_update(key, value[, expires[, cache]]) -> True or None
PyObject* CacheUpdate(PyObject*, Args given, Py_ssize_t count) {
  return SetOrUpdate({"cache_update", given, count}, Cache::SetMode::kReplace);
}

PyObject* AskOfKey(const CallArgs& args, bool (*ask)(ByteView cache, ByteView key)) {
  if (!args.HasBetween(1, 2)) return nullptr;
  const auto key = args.Data(0);
  const auto cache = key ? args.DataOr(1, {}) : std::nullopt;
  if (!cache) return nullptr;
  bool answer = false;
  {
    GilRelease unlocked;
    answer = ask(*cache, *key);
  }
  return TrueOrNone(answer);
}

// cache_exists(key[, cache]) -> True or None
PyObject* CacheExists(PyObject*, Args given, Py_ssize_t count) {
  return AskOfKey({"cache_exists", given, count},
                  [](ByteView cache, ByteView key) { return Client().Exists(cache, key); });
}

// cache_del(key[, cache]) -> True or None
PyObject* CacheDelete(PyObject*, Args given, Py_ssize_t count) {
  return AskOfKey({"cache_del", given, count},
                  [](ByteView cache, ByteView key) { return Client().Delete(cache, key); });
}

// cache_clear([cache]) -> True or None
PyObject* CacheClear(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("cache_clear", given, count);
  if (!args.HasBetween(0, 1)) return nullptr;
  const auto cache = args.DataOr(0, {});
  if (!cache) return nullptr;
  bool cleared = false;
  {
    GilRelease unlocked;
    cleared = Client().Clear(*cache);
  }
  return TrueOrNone(cleared);
}

PyRef ToList(const std::vector<std::string>& texts) {
  PyRef list = PyRef::Steal(PyList_New(static_cast<Py_ssize_t>(texts.size())));
  for (size_t i = 0; list && i < texts.size(); ++i) {
    PyRef text = ToBytes(texts[i]);
    if (!text) return {};
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), text.Release());
  }
  return list;
}

// cache_keys([cache]) -> list of bytes
PyObject* CacheKeys(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("cache_keys", given, count);
  if (!args.HasBetween(0, 1)) return nullptr;
  const auto name = args.DataOr(0, {});
  if (!name) return nullptr;
  Cache* const cache = Client().Local(*name);
  if (cache == nullptr) return Raise(PyExc_ValueError, "no local uWSGI cache available");
  return WithinMemory([&] {
    std::vector<std::string> keys;
    {
      GilRelease unlocked;
      keys = cache->Keys();
    }
    return ToList(keys).Release();
  });
}

// Arguments: key[, operand[, expires[, cache]]].
PyObject* Calculate(const CallArgs& args, CacheMath operation, long long operand) {
  if (!args.HasBetween(1, 4)) return nullptr;
  const auto key = args.Data(0);
  const auto number = key ? args.NumberOr(1, operand) : std::nullopt;
  const auto seconds = number ? args.NumberOr(2, 0) : std::nullopt;
  const auto cache = seconds ? args.DataOr(3, {}) : std::nullopt;
  if (!cache) return nullptr;
  if (CacheClient::IsRemote(*cache))
    return Raise(PyExc_ValueError, "a remote cache does not calculate");
  bool done = false;
  {
    GilRelease unlocked;
    done = Client().Calculate(*cache, *key, operation, *number, *seconds);
  }
  return TrueOrNone(done);
}

// cache_inc(key[, n[, expires[, cache]]]) -> True or None
PyObject* CacheIncrease(PyObject*, Args given, Py_ssize_t count) {
  return Calculate({"cache_inc", given, count}, CacheMath::kAdd, 1);
}

// cache_dec(key[, n[, expires[, cache]]]) -> True or None
PyObject* CacheDecrease(PyObject*, Args given, Py_ssize_t count) {
  return Calculate({"cache_dec", given, count}, CacheMath::kSubtract, 1);
}

// cache_mul(key[, n[, expires[, cache]]]) -> True or None
PyObject* CacheMultiply(PyObject*, Args given, Py_ssize_t count) {
  return Calculate({"cache_mul", given, count}, CacheMath::kMultiply, 2);
}

// cache_div(key[, n[, expires[, cache]]]) -> True or None
PyObject* CacheDivide(PyObject*, Args given, Py_ssize_t count) {
  return Calculate({"cache_div", given, count}, CacheMath::kDivide, 2);
}

// cache_num(key[, cache]) -> int: 0 when there is no number
PyObject* CacheNumber(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("cache_num", given, count);
  if (!args.HasBetween(1, 2)) return nullptr;
  const auto key = args.Data(0);
  const auto cache = key ? args.DataOr(1, {}) : std::nullopt;
  if (!cache) return nullptr;
  int64_t number = 0;
  {
    GilRelease unlocked;
    number = Client().Number(*cache, *key);
  }
  return PyLong_FromLongLong(number);
}

PyMethodDef kMethods[] = {
    {"cache_get", AsCFunction(CacheGet), METH_FASTCALL, nullptr},
    {"cache_set", AsCFunction(CacheSet), METH_FASTCALL, nullptr},
    {"cache_update", AsCFunction(CacheUpdate), METH_FASTCALL, nullptr},
    {"cache_exists", AsCFunction(CacheExists), METH_FASTCALL, nullptr},
    {"cache_del", AsCFunction(CacheDelete), METH_FASTCALL, nullptr},
    {"cache_clear", AsCFunction(CacheClear), METH_FASTCALL, nullptr},
    {"cache_keys", AsCFunction(CacheKeys), METH_FASTCALL, nullptr},
    {"cache_inc", AsCFunction(CacheIncrease), METH_FASTCALL, nullptr},
    {"cache_dec", AsCFunction(CacheDecrease), METH_FASTCALL, nullptr},
    {"cache_mul", AsCFunction(CacheMultiply), METH_FASTCALL, nullptr},
    {"cache_div", AsCFunction(CacheDivide), METH_FASTCALL, nullptr},
    {"cache_num", AsCFunction(CacheNumber), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* CacheMethods() { return kMethods; }

}  // namespace uwsgi
