// SPDX-License-Identifier: Apache-2.0
#include "python/read_times.h"

#include <cstring>
#include <map>
#include <string_view>

#include "base/clock.h"
#include "base/strings.h"
#include "python/py_error.h"
#include "python/py_ref.h"

namespace uwsgi {
namespace {

struct Reads {
  bool are_remembered = false;
  std::map<std::string, int64_t, std::less<>> times;
};
Reads& reads() {
  static Reads the_reads;
  return the_reads;
}

std::string SourceName(PyObject* text) {
  Py_ssize_t size = 0;
  const char* const bytes =
      text != nullptr && PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &size) : nullptr;
  PyErr_Clear();
  const std::string_view name(bytes != nullptr ? bytes : "", static_cast<size_t>(size));
  return EndsWith(name, ".py") ? std::string(name) : std::string();
}

// Python calls it for everything that it wants to be audited. A source is compiled when it has
// been read; one that was compiled before is only executed.
int OnAudit(const char* event, PyObject* args, void*) noexcept {
  if (!reads().are_remembered) return 0;
  if (std::strcmp(event, "compile") == 0 && PyTuple_GET_SIZE(args) > 1) {
    const std::string name = SourceName(PyTuple_GET_ITEM(args, 1));
    if (!name.empty()) reads().times[name] = WallMicros();
  } else if (std::strcmp(event, "exec") == 0 && PyTuple_GET_SIZE(args) > 0) {
    const PyRef file =
        PyRef::Steal(PyObject_GetAttrString(PyTuple_GET_ITEM(args, 0), "co_filename"));
    PyErr_Clear();
    const std::string name = SourceName(file.get());
    if (!name.empty()) reads().times.emplace(name, WallMicros());
  }
  return 0;
}

}  // namespace

Status RememberReads() {
  if (std::exchange(reads().are_remembered, true)) return {};
  if (PySys_AddAuditHook(OnAudit, nullptr) != 0) return tl::unexpected(ErrorFromPython());
  return {};
}

void NoteRead(const std::string& file) {
  if (reads().are_remembered) reads().times[file] = WallMicros();
}

int64_t ReadMicros(const std::string& file) {
  const auto found = reads().times.find(file);
  return found == reads().times.end() ? 0 : found->second;
}

}  // namespace uwsgi
