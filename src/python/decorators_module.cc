// SPDX-License-Identifier: Apache-2.0
#include "python/decorators_module.h"

#include "python/convert.h"
#include "python/decorators_source.h"  // made of pylib/uwsgidecorators.py
#include "python/py_error.h"

namespace uwsgi {
namespace {

// Before the finder that looks through sys.path. It imports nothing: the two modules are part of
// every interpreter. The file name makes tracebacks ask get_source for lines.
constexpr const char* kFinder = R"py(
import sys
import _frozen_importlib as _bootstrap, _frozen_importlib_external as _external

class Decorators:
    name = "uwsgidecorators"

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        found = _external.PathFinder.find_spec(name)
        if found is not None and not self.is_package_of_others(found.origin or ""):
            return found
        return _bootstrap.ModuleSpec(name, self, origin="built into the server")

    @staticmethod
    def is_package_of_others(path):
        return "/site-packages/" in path or "/dist-packages/" in path

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(SOURCE, "<uwsgi>/uwsgidecorators.py", "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name):
        return SOURCE

    def is_package(self, name):
        return False

at = [getattr(each, "__name__", "") for each in sys.meta_path].index("PathFinder")
sys.meta_path.insert(at, Decorators())
)py";

}  // namespace

Status OfferDecorators() {
  const PyRef source = ToText(kDecoratorsSource);
  const PyRef names =
      source ? PyRef::Steal(Py_BuildValue("{s:O,s:O,s:s}", "SOURCE", source.get(), "__builtins__",
                                          PyEval_GetBuiltins(), "__name__", "uwsgi_finder"))
             : PyRef();
  const PyRef done =
      names ? PyRef::Steal(PyRun_String(kFinder, Py_file_input, names.get(), names.get()))
            : PyRef();
  if (!done) return tl::unexpected(ErrorFromPython());
  return {};
}

}  // namespace uwsgi
