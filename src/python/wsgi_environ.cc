// SPDX-License-Identifier: Apache-2.0
#include "python/wsgi_environ.h"

#include <fmt/format.h>

#include "base/version.h"
#include "python/convert.h"
#include "python/file_wrapper.h"
#include "python/py_error.h"

namespace uwsgi {
namespace {

// A copy of a dict takes over its room, so a template with room for the variables of a usual
// request spares each environ the growing. Entries that come and go leave that room behind; CPython
// keeps it in copies as long as two thirds of the entries are still there.
void MakeRoom(PyObject* dict) {
  constexpr Py_ssize_t kGrowsBeyond = 22;
  std::vector<PyRef> fillers;
  for (Py_ssize_t size = PyDict_Size(dict); size < kGrowsBeyond; ++size) {
    fillers.push_back(PyRef::Steal(PyLong_FromSsize_t(size)));
    if (!fillers.back() || PyDict_SetItem(dict, fillers.back().get(), Py_None) != 0) break;
  }
  for (const PyRef& filler : fillers) {
    if (filler) PyDict_DelItem(dict, filler.get());
  }
  PyErr_Clear();
}

PyRef OpenErrorsStream() {
  const PyRef io = PyRef::Steal(PyImport_ImportModule("io"));
  if (!io) return {};
  const PyRef open = PyRef::Steal(PyObject_GetAttrString(io.get(), "open"));
  if (!open) return {};
  const PyRef args = PyRef::Steal(Py_BuildValue("(is)", 2, "w"));
  const PyRef keywords = PyRef::Steal(
      Py_BuildValue("{s:i,s:s,s:s,s:s,s:O}", "buffering", 1, "encoding", "utf-8", "errors",
                    "backslashreplace", "newline", "\n", "closefd", Py_False));
  if (!args || !keywords) return {};
  return PyRef::Steal(PyObject_Call(open.get(), args.get(), keywords.get()));
}

bool SetItem(PyObject* dict, const char* key, PyRef value) {
  const PyRef name = ToName(key);
  return name && value && PyDict_SetItem(dict, name.get(), value.get()) == 0;
}

}  // namespace

Result<EnvironMaker> EnvironMaker::Create(const EnvironSpec& spec) {
  EnvironMaker maker;
  maker.multithread_ = spec.multithread;
  for (size_t id = 1; id < maker.keys_.size(); ++id) {
    const std::string name(CgiText(static_cast<CgiName>(id)));
    maker.keys_[id] = ToName(name.c_str());
    if (!maker.keys_[id]) return tl::unexpected(ErrorFromPython());
  }
  maker.input_key_ = ToName("wsgi.input");
  maker.scheme_key_ = ToName("wsgi.url_scheme");
  maker.core_key_ = ToName("uwsgi.core");
  maker.http_ = ToName("http");
  maker.https_ = ToName("https");
  maker.errors_ = OpenErrorsStream();
  if (!maker.errors_) return tl::unexpected(ErrorFromPython());
  TRY_STATUS(maker.AddServerItems(spec));
  return maker;
}

Status EnvironMaker::AddServerItems(const EnvironSpec& spec) {
  server_items_ = PyRef::Steal(PyDict_New());
  PyObject* const dict = server_items_.get();
  const auto flag = [](bool value) { return PyRef::Borrow(value ? Py_True : Py_False); };
  // What PEP 3333 wants in every environ; the request's own values replace these.
  bool ok = dict != nullptr && SetItem(dict, "REQUEST_METHOD", ToNativeStr("GET")) &&
            SetItem(dict, "SCRIPT_NAME", ToNativeStr("")) &&
            SetItem(dict, "PATH_INFO", ToNativeStr("")) &&
            SetItem(dict, "QUERY_STRING", ToNativeStr("")) &&
            SetItem(dict, "SERVER_NAME", ToNativeStr(spec.hostname)) &&
            SetItem(dict, "SERVER_PORT", ToNativeStr("80")) &&
            SetItem(dict, "SERVER_PROTOCOL", ToNativeStr("HTTP/1.1"));
  ok = ok && SetItem(dict, "wsgi.version", PyRef::Steal(Py_BuildValue("(ii)", 1, 0))) &&
       SetItem(dict, "wsgi.url_scheme", PyRef::Borrow(http_.get())) &&
       SetItem(dict, "wsgi.input", PyRef::Borrow(Py_None)) &&
       SetItem(dict, "wsgi.errors", PyRef::Borrow(errors_.get())) &&
       SetItem(dict, "wsgi.multithread", flag(spec.multithread)) &&
       SetItem(dict, "wsgi.multiprocess", flag(spec.multiprocess)) &&
       SetItem(dict, "wsgi.run_once", flag(false)) &&
       SetItem(dict, "wsgi.input_terminated", flag(true)) &&
       SetItem(dict, "uwsgi.version", ToBytes(kVersion)) &&
       SetItem(dict, "uwsgi.node", ToBytes(spec.hostname));
  if (ok && spec.offer_file_wrapper)
    ok = SetItem(dict, "wsgi.file_wrapper", PyRef::Borrow(FileWrapperType()));
  if (!ok) return tl::unexpected(ErrorFromPython());
  return {};
}

PyRef EnvironMaker::MakeTemplate(const Request& request) const {
  PyRef dict = PyRef::Steal(PyDict_Copy(server_items_.get()));
  if (!dict) return {};
  ValueCache no_cache;
  for (const Var& constant : request.vars.constants()) {
    if (!AddVar(dict.get(), constant, no_cache)) return {};
  }
  MakeRoom(dict.get());
  return dict;
}

PyObject* EnvironMaker::TemplateFor(const Request& request) {
  const Var* const constants = request.vars.constants().data();
  for (const Template& known : templates_) {
    if (known.constants == constants) return known.dict.get();
  }
  PyRef dict = MakeTemplate(request);
  if (!dict) return nullptr;
  return templates_.emplace_back(Template{constants, std::move(dict)}).dict.get();
}

bool EnvironMaker::AddVar(PyObject* environ, const Var& var, ValueCache& cache) const {
  if (var.id != CgiName::kUnknown) {
    PyObject* const value = cache.Value(var.id, var.value);
    return value != nullptr &&
           PyDict_SetItem(environ, keys_[static_cast<size_t>(var.id)].get(), value) == 0;
  }
  const auto [name, value] = cache.Unknown(var.name, var.value);
  return name != nullptr && value != nullptr && PyDict_SetItem(environ, name, value) == 0;
}

PyRef EnvironMaker::Make(const Request& request, int core, PyObject* input, ValueCache& cache) {
  PyObject* const pattern = TemplateFor(request);
  if (pattern == nullptr) return {};
  PyRef environ = PyRef::Steal(PyDict_Copy(pattern));
  if (!environ) return {};
  for (const Var& var : request.vars.vars()) {
    if (!AddVar(environ.get(), var, cache)) return {};
  }
  if (PyDict_SetItem(environ.get(), input_key_.get(), input) != 0) return {};
  if (request.scheme != "http" && !request.scheme.empty()) {
    const PyRef scheme =
        request.scheme == "https" ? PyRef::Borrow(https_.get()) : ToNativeStr(request.scheme);
    if (!scheme || PyDict_SetItem(environ.get(), scheme_key_.get(), scheme.get()) != 0) return {};
  }
  if (multithread_) {
    const PyRef number = PyRef::Steal(PyLong_FromLong(core));
    if (!number || PyDict_SetItem(environ.get(), core_key_.get(), number.get()) != 0) return {};
  }
  return environ;
}

}  // namespace uwsgi
