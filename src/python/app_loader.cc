// SPDX-License-Identifier: Apache-2.0
#include "python/app_loader.h"

#include <filesystem>
#include <map>

#include "base/file.h"
#include "base/strings.h"
#include "python/convert.h"
#include "python/py_error.h"
#include "python/sources_read.h"

namespace uwsgi {
namespace {

// What a source asks for: a module, and an expression in it ("app", "namespace.app", "factory()"),
// empty when it named none.
struct Wanted {
  PyRef module;
  std::string expression;
  std::string where;  // for messages: "file F", "module M"
};

Result<PyRef> Execute(const std::string& name, const std::string& code, const std::string& path) {
  if (code.find('\0') != std::string::npos)
    return Fail("{}: source code cannot contain null bytes", path);
  const PyRef file_name = ToText(path);
  if (!file_name) return tl::unexpected(ErrorFromPython());
  const PyRef compiled = PyRef::Steal(
      Py_CompileStringObject(code.c_str(), file_name.get(), Py_file_input, nullptr, -1));
  if (!compiled) return tl::unexpected(ErrorFromPython());
  const PyRef module_name = ToText(name);
  PyRef module = PyRef::Steal(
      PyImport_ExecCodeModuleObject(module_name.get(), compiled.get(), file_name.get(), nullptr));
  if (!module) return tl::unexpected(ErrorFromPython());
  return module;
}

// `.` and `/` are the same in the name of a module, so that several paths may make one.
// compat: the first that is asked for has the name as it is.
std::string OwnModuleNameOf(const std::string& path) {
  static std::map<std::string, std::string> paths;  // by name
  std::string name = ModuleNameOf(path);
  while (paths.try_emplace(name, path).first->second != path) name += '_';
  return name;
}

Result<PyRef> RunFile(const std::string& path) {
  const std::string name = OwnModuleNameOf(path);
  PyRef loaded = PyRef::Borrow(PyDict_GetItemString(PyImport_GetModuleDict(), name.c_str()));
  if (loaded) return loaded;
  const std::string file = std::filesystem::path(AbsolutePath(path)).lexically_normal().string();
  const std::string code = TRY(ReadFile(path));
  NoteSource(file, code);
  return Execute(name, code, file);
}

bool IsPath(const std::string& what) {
  return what.find('/') != std::string::npos || EndsWith(what, ".py");
}

Result<PyRef> ImportByName(const std::string& name) {
  const PyRef text = ToText(name);
  PyRef module = text ? PyRef::Steal(PyImport_Import(text.get())) : PyRef();
  if (!module) return tl::unexpected(ErrorFromPython());
  return module;
}

Result<Wanted> OpenSource(const AppSource& source) {
  switch (source.kind) {
    case AppSource::Kind::kFile:
      return Wanted{TRY(RunFile(source.text)), "", "file " + source.text};
    case AppSource::Kind::kCode:
      return Wanted{TRY(Execute("uwsgi_eval_config", source.text, "<eval>")), "",
                    "the code of eval"};
    case AppSource::Kind::kModule:
      break;
  }
  const size_t colon = source.text.find(':');
  const std::string name = source.text.substr(0, colon);
  const std::string expression = colon == std::string::npos ? "" : source.text.substr(colon + 1);
  return Wanted{TRY(ImportByName(name)), expression, "module " + name};
}

// "ns.app" in a module; "factory()" is called without arguments.
Result<PyRef> Resolve(PyObject* module, std::string_view expression, const std::string& where) {
  const bool is_factory = EndsWith(expression, "()");
  const std::string_view names =
      is_factory ? expression.substr(0, expression.size() - 2) : expression;
  PyRef object = PyRef::Borrow(module);
  for (const std::string_view name : Split(names, '.')) {
    object = PyRef::Steal(PyObject_GetAttr(object.get(), ToText(name).get()));
    if (object) continue;
    // An attribute may be computed, and fail with something worth a traceback.
    if (PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return tl::unexpected(ErrorFromPython());
    PyErr_Clear();
    return Fail("unable to find \"{}\" callable in {}\n", expression, where);
  }
  if (is_factory) {
    object = PyRef::Steal(PyObject_CallNoArgs(object.get()));
    if (!object) return tl::unexpected(ErrorFromPython());
  }
  if (PyCallable_Check(object.get()) == 0) {
    return Fail("\"{}\" must be a callable object in {}\n", expression, where);
  }
  return object;
}

// The dict `applications` of the module, or the one put into the uwsgi module; empty when there is
// none.
PyRef ApplicationsOf(PyObject* module) {
  const PyRef uwsgi = PyRef::Borrow(PyDict_GetItemString(PyImport_GetModuleDict(), "uwsgi"));
  for (PyObject* const holder : {module, uwsgi.get()}) {
    if (holder == nullptr) continue;
    PyRef found = PyRef::Steal(PyObject_GetAttrString(holder, "applications"));
    PyErr_Clear();
    if (found && PyDict_Check(found.get()) && PyDict_Size(found.get()) > 0) return found;
  }
  return {};
}

Result<LoadedApp> LoadEntry(PyObject* module, PyObject* key, PyObject* value,
                            const std::string& where) {
  const auto mountpoint = AsData(key, "applications");
  if (!mountpoint) return tl::unexpected(ErrorFromPython());
  LoadedApp app{std::string(*mountpoint), PyRef::Borrow(value)};
  if (PyUnicode_Check(value)) app.callable = TRY(Resolve(module, ToLogText(value), where));
  if (PyCallable_Check(app.callable.get()) == 0) {
    return Fail("applications[{}] must be a callable object in {}\n", ReprText(key), where);
  }
  return app;
}

Result<std::vector<LoadedApp>> LoadEach(PyObject* module, PyObject* applications,
                                        const std::string& where) {
  std::vector<LoadedApp> apps;
  const PyRef items = PyRef::Steal(PyDict_Items(applications));
  if (!items) return tl::unexpected(ErrorFromPython());
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* const item = PyList_GET_ITEM(items.get(), i);
    apps.push_back(
        TRY(LoadEntry(module, PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1), where)));
  }
  return apps;
}

}  // namespace

std::string ModuleNameOf(std::string_view path) {
  for (const std::string_view extension : {".py", ".wsgi"}) {
    if (EndsWith(path, extension)) {
      path.remove_suffix(extension.size());
      break;
    }
  }
  std::string name = "uwsgi_file_" + std::string(path);
  for (char& letter : name) {
    if (letter == '.' || letter == '/') letter = '_';
  }
  return name;
}

Result<PyRef> ImportUnderItsName(const std::string& what) {
  if (!IsPath(what)) return ImportByName(what);
  const std::filesystem::path path(what);
  const std::string name = path.stem().string();
  const PyRef known = PyRef::Borrow(PyDict_GetItemString(PyImport_GetModuleDict(), name.c_str()));
  std::error_code error;
  const std::string absolute = std::filesystem::weakly_canonical(path, error).string();
  if (!known) return Execute(name, TRY(ReadFile(what)), error ? what : absolute);
  const PyRef file = PyRef::Steal(PyModule_GetFilenameObject(known.get()));
  PyErr_Clear();
  const bool is_same = file && std::filesystem::equivalent(ToLogText(file.get()), what, error);
  // Another module has the name, and is in use.
  return is_same ? PyRef::Borrow(known.get()) : RunFile(what);
}

Result<PyRef> ImportModule(const std::string& what) {
  return IsPath(what) ? RunFile(what) : ImportByName(what);
}

Result<std::vector<LoadedApp>> LoadApp(const AppSource& source,
                                       const std::string& default_callable) {
  Wanted wanted = TRY(OpenSource(source));
  if (wanted.expression.empty() && !source.is_mount) {
    const PyRef applications = ApplicationsOf(wanted.module.get());
    if (applications) return LoadEach(wanted.module.get(), applications.get(), wanted.where);
  }
  const std::string& expression = wanted.expression.empty() ? default_callable : wanted.expression;
  std::vector<LoadedApp> apps;
  apps.push_back({source.mountpoint, TRY(Resolve(wanted.module.get(), expression, wanted.where))});
  return apps;
}

}  // namespace uwsgi
