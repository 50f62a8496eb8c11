// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "python/api_module.h"
#include "python/call_args.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "service/shared_area.h"

// Present only when there is a shared area. The functions are not noexcept: see GilRelease.
namespace uwsgi {
namespace {

using Args = PyObject* const*;

// What the predecessor says of everything that is out of range.
PyObject* RaiseBadCall(std::string_view function) {
  return Raise(PyExc_ValueError, fmt::format("error calling uwsgi_{}()", function));
}

// The area that the first argument names; null: an exception has been raised.
SharedArea* AreaOf(const CallArgs& args, std::string_view function) {
  const auto number = args.Number(0);
  if (!number) return nullptr;
  SharedArea* const area = services().areas->Find(*number);
  if (area == nullptr) RaiseBadCall(function);
  return area;
}

PyObject* NoneOrBadCall(bool done, std::string_view function) {
  if (!done) return RaiseBadCall(function);
  Py_RETURN_NONE;
}

// sharedarea_read(area, position[, size]) -> bytes; without a size up to the end
PyObject* AreaRead(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("sharedarea_read", given, count);
  SharedArea* const area = args.HasBetween(2, 3) ? AreaOf(args, "sharedarea_read") : nullptr;
  const auto at = area != nullptr ? args.Number(1) : std::nullopt;
  const auto size = at ? args.NumberOr(2, 0) : std::nullopt;
  if (!size) return nullptr;
  if (*size < 0) return RaiseBadCall("sharedarea_read");
  return WithinMemory([&] {
    std::optional<std::string> bytes;
    {
      GilRelease unlocked;
      bytes = area->Read(*at, static_cast<uint64_t>(*size));
    }
    return bytes ? ToBytes(*bytes).Release() : RaiseBadCall("sharedarea_read");
  });
}

// sharedarea_write(area, position, data) -> None
PyObject* AreaWrite(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("sharedarea_write", given, count);
  SharedArea* const area = args.HasBetween(3, 3) ? AreaOf(args, "sharedarea_write") : nullptr;
  const auto at = area != nullptr ? args.Number(1) : std::nullopt;
  const auto bytes = at ? args.Data(2) : std::nullopt;
  if (!bytes) return nullptr;
  bool done = false;
  {
    GilRelease unlocked;
    done = area->Write(*at, *bytes);
  }
  return NoneOrBadCall(done, "sharedarea_write");
}

template <typename Number>
constexpr std::string_view kReadName = "";
template <>
constexpr std::string_view kReadName<int8_t> = "sharedarea_read8";
template <>
constexpr std::string_view kReadName<int16_t> = "sharedarea_read16";
template <>
constexpr std::string_view kReadName<int32_t> = "sharedarea_read32";
template <>
constexpr std::string_view kReadName<int64_t> = "sharedarea_read64";
template <typename Number>
constexpr std::string_view kWriteName = "";
template <>
constexpr std::string_view kWriteName<int8_t> = "sharedarea_write8";
template <>
constexpr std::string_view kWriteName<int16_t> = "sharedarea_write16";
template <>
constexpr std::string_view kWriteName<int32_t> = "sharedarea_write32";
template <>
constexpr std::string_view kWriteName<int64_t> = "sharedarea_write64";

// sharedarea_readN(area, position) -> int, signed
template <typename Number>
PyObject* AreaReadNumber(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args(kReadName<Number>.data(), given, count);
  SharedArea* const area = args.HasBetween(2, 2) ? AreaOf(args, kReadName<Number>) : nullptr;
  const auto at = area != nullptr ? args.Number(1) : std::nullopt;
  if (!at) return nullptr;
  std::optional<Number> number;
  {
    GilRelease unlocked;
    number = area->ReadNumber<Number>(*at);
  }
  return number ? PyLong_FromLongLong(*number) : RaiseBadCall(kReadName<Number>);
}

// A number with or without sign that this type has room for.
template <typename Number>
std::optional<Number> FittingNumber(PyObject* object) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (number == -1 && PyErr_Occurred() != nullptr) return std::nullopt;
  if constexpr (sizeof(Number) == sizeof number) {
    if (overflow == 0) return number;
    const unsigned long long bits = PyLong_AsUnsignedLongLong(object);
    if (PyErr_Occurred() != nullptr) return std::nullopt;
    return static_cast<Number>(bits);
  } else {
    constexpr long long kEnd = 1LL << (8 * sizeof(Number));
    if (overflow == 0 && number < kEnd && number >= -kEnd / 2) return static_cast<Number>(number);
    PyErr_Format(PyExc_OverflowError, "the number does not fit into %zu bytes", sizeof(Number));
    return std::nullopt;
  }
}

// sharedarea_writeN(area, position, number) -> None; numbers without sign are taken too
template <typename Number>
PyObject* AreaWriteNumber(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args(kWriteName<Number>.data(), given, count);
  SharedArea* const area = args.HasBetween(3, 3) ? AreaOf(args, kWriteName<Number>) : nullptr;
  const auto at = area != nullptr ? args.Number(1) : std::nullopt;
  if (!at) return nullptr;
  const auto number = FittingNumber<Number>(args.at(2));
  if (!number) return nullptr;
  bool done = false;
  {
    GilRelease unlocked;
    done = area->WriteNumber<Number>(*at, *number);
  }
  return NoneOrBadCall(done, kWriteName<Number>);
}

// Arguments: area, position[, amount]. `sign` is 1 or -1.
template <typename Number>
PyObject* Add(const CallArgs& args, std::string_view name, int sign) {
  SharedArea* const area = args.HasBetween(2, 3) ? AreaOf(args, name) : nullptr;
  const auto at = area != nullptr ? args.Number(1) : std::nullopt;
  const auto amount = at ? args.NumberOr(2, 1) : std::nullopt;
  if (!amount) return nullptr;
  const auto bits = static_cast<unsigned long long>(*amount);
  const auto signed_amount = static_cast<Number>(sign > 0 ? bits : 0 - bits);
  bool done = false;
  {
    GilRelease unlocked;
    done = area->AddNumber<Number>(*at, signed_amount);
  }
  return NoneOrBadCall(done, name);
}

PyObject* AreaIncrease32(PyObject*, Args given, Py_ssize_t count) {
  return Add<int32_t>({"sharedarea_inc32", given, count}, "sharedarea_inc32", 1);
}
PyObject* AreaIncrease64(PyObject*, Args given, Py_ssize_t count) {
  return Add<int64_t>({"sharedarea_inc64", given, count}, "sharedarea_inc64", 1);
}
PyObject* AreaDecrease32(PyObject*, Args given, Py_ssize_t count) {
  return Add<int32_t>({"sharedarea_dec32", given, count}, "sharedarea_dec32", -1);
}
PyObject* AreaDecrease64(PyObject*, Args given, Py_ssize_t count) {
  return Add<int64_t>({"sharedarea_dec64", given, count}, "sharedarea_dec64", -1);
}

PyObject* Lock(const CallArgs& args, std::string_view name) {
  SharedArea* const area = args.HasBetween(1, 1) ? AreaOf(args, name) : nullptr;
  if (area == nullptr) return nullptr;
  {
    GilRelease unlocked;
    area->Lock();
  }
  Py_RETURN_NONE;
}

// sharedarea_rlock(area), sharedarea_wlock(area) -> None: the same lock; waits
PyObject* AreaReadLock(PyObject*, Args given, Py_ssize_t count) {
  return Lock({"sharedarea_rlock", given, count}, "sharedarea_rlock");
}
PyObject* AreaWriteLock(PyObject*, Args given, Py_ssize_t count) {
  return Lock({"sharedarea_wlock", given, count}, "sharedarea_wlock");
}

// sharedarea_unlock(area) -> None
PyObject* AreaUnlock(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("sharedarea_unlock", given, count);
  SharedArea* const area = args.HasBetween(1, 1) ? AreaOf(args, "sharedarea_unlock") : nullptr;
  if (area == nullptr) return nullptr;
  area->Unlock();
  Py_RETURN_NONE;
}

// sharedarea_memoryview(area) -> memoryview, writable; sharedarea_object(area): the same
PyObject* AreaView(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("sharedarea_memoryview", given, count);
  const auto number = args.HasBetween(1, 1) ? args.Number(0) : std::nullopt;
  if (!number) return nullptr;
  SharedArea* const area = services().areas->Find(*number);
  if (area == nullptr)
    return Raise(PyExc_ValueError,
                 fmt::format("cannot get a memoryview object from sharedarea {}", *number));
  return PyMemoryView_FromMemory(area->view(), static_cast<Py_ssize_t>(area->size()), PyBUF_WRITE);
}

PyMethodDef kMethods[] = {
    {"sharedarea_read", AsCFunction(AreaRead), METH_FASTCALL, nullptr},
    {"sharedarea_write", AsCFunction(AreaWrite), METH_FASTCALL, nullptr},
    {"sharedarea_read8", AsCFunction(AreaReadNumber<int8_t>), METH_FASTCALL, nullptr},
    {"sharedarea_readbyte", AsCFunction(AreaReadNumber<int8_t>), METH_FASTCALL, nullptr},
    {"sharedarea_read16", AsCFunction(AreaReadNumber<int16_t>), METH_FASTCALL, nullptr},
    {"sharedarea_read32", AsCFunction(AreaReadNumber<int32_t>), METH_FASTCALL, nullptr},
    {"sharedarea_read64", AsCFunction(AreaReadNumber<int64_t>), METH_FASTCALL, nullptr},
    {"sharedarea_readlong", AsCFunction(AreaReadNumber<int64_t>), METH_FASTCALL, nullptr},
    {"sharedarea_write8", AsCFunction(AreaWriteNumber<int8_t>), METH_FASTCALL, nullptr},
    {"sharedarea_writebyte", AsCFunction(AreaWriteNumber<int8_t>), METH_FASTCALL, nullptr},
    {"sharedarea_write16", AsCFunction(AreaWriteNumber<int16_t>), METH_FASTCALL, nullptr},
    {"sharedarea_write32", AsCFunction(AreaWriteNumber<int32_t>), METH_FASTCALL, nullptr},
    {"sharedarea_write64", AsCFunction(AreaWriteNumber<int64_t>), METH_FASTCALL, nullptr},
    {"sharedarea_writelong", AsCFunction(AreaWriteNumber<int64_t>), METH_FASTCALL, nullptr},
    {"sharedarea_inc32", AsCFunction(AreaIncrease32), METH_FASTCALL, nullptr},
    {"sharedarea_inc64", AsCFunction(AreaIncrease64), METH_FASTCALL, nullptr},
    {"sharedarea_inclong", AsCFunction(AreaIncrease64), METH_FASTCALL, nullptr},
    {"sharedarea_dec32", AsCFunction(AreaDecrease32), METH_FASTCALL, nullptr},
    {"sharedarea_dec64", AsCFunction(AreaDecrease64), METH_FASTCALL, nullptr},
    {"sharedarea_rlock", AsCFunction(AreaReadLock), METH_FASTCALL, nullptr},
    {"sharedarea_wlock", AsCFunction(AreaWriteLock), METH_FASTCALL, nullptr},
    {"sharedarea_unlock", AsCFunction(AreaUnlock), METH_FASTCALL, nullptr},
    {"sharedarea_memoryview", AsCFunction(AreaView), METH_FASTCALL, nullptr},
    {"sharedarea_object", AsCFunction(AreaView), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool AddSharedAreas(PyObject* module) {
  return services().areas == nullptr || PyModule_AddFunctions(module, kMethods) == 0;
}

}  // namespace uwsgi
