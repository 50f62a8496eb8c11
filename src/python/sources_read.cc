// SPDX-License-Identifier: Apache-2.0
#include "python/sources_read.h"

#include <cstring>
#include <map>
#include <string_view>

#include "base/file.h"
#include "base/strings.h"
#include "python/convert.h"
#include "python/py_error.h"
#include "python/py_ref.h"

namespace uwsgi {
namespace {

struct Sources {
  bool are_remembered = false;
  std::map<std::string, SourcePrint, std::less<>> prints;
};
Sources& sources() {
  static Sources the_sources;
  return the_sources;
}

SourcePrint PrintOfContent(std::string_view content) {
  return std::hash<std::string_view>()(content);
}

std::string SourceName(PyObject* text) {
  std::string name = TextOrEmpty(text);
  return EndsWith(name, ".py") ? name : std::string();
}

// An import compiles the bytes that it has read.
void OnCompile(PyObject* source, PyObject* file) {
  const std::string name = SourceName(file);
  if (name.empty() || !PyBytes_Check(source)) return;
  NoteSource(name, {PyBytes_AS_STRING(source), static_cast<size_t>(PyBytes_GET_SIZE(source))});
}

// What was compiled before is only executed, a moment after Python has found that the source is
// the same.
void OnExec(PyObject* code) {
  const std::string name =
      SourceName(PyRef::Steal(PyObject_GetAttrString(code, "co_filename")).get());
  if (name.empty() || sources().prints.contains(name)) return;
  if (const auto print = PrintOf(name)) sources().prints[name] = *print;
}

// Python calls it for everything that it wants to be audited.
int OnAudit(const char* event, PyObject* args, void*) noexcept {
  if (!sources().are_remembered) return 0;
  if (std::strcmp(event, "compile") == 0 && PyTuple_GET_SIZE(args) > 1)
    OnCompile(PyTuple_GET_ITEM(args, 0), PyTuple_GET_ITEM(args, 1));
  else if (std::strcmp(event, "exec") == 0 && PyTuple_GET_SIZE(args) > 0)
    OnExec(PyTuple_GET_ITEM(args, 0));
  return 0;
}

}  // namespace

Status RememberSources() {
  if (std::exchange(sources().are_remembered, true)) return {};
  if (PySys_AddAuditHook(OnAudit, nullptr) != 0) return tl::unexpected(ErrorFromPython());
  return {};
}

void NoteSource(const std::string& file, std::string_view content) {
  if (sources().are_remembered) sources().prints[file] = PrintOfContent(content);
}

std::optional<SourcePrint> SourceAsRead(const std::string& file) {
  const auto found = sources().prints.find(file);
  if (found == sources().prints.end()) return std::nullopt;
  return found->second;
}

std::optional<SourcePrint> PrintOf(const std::string& file) {
  const auto content = ReadFile(file);
  if (!content) return std::nullopt;
  return PrintOfContent(*content);
}

}  // namespace uwsgi
