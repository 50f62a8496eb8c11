// SPDX-License-Identifier: Apache-2.0
#include "python/exception_page.h"

#include <fmt/format.h>

#include <iterator>
#include <string>

#include "python/convert.h"
#include "python/py_error.h"

namespace uwsgi {
namespace {

std::string ClassName(PyObject* exception) {
  auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(exception));
  const PyRef module = PyRef::Steal(PyObject_GetAttrString(type, "__module__"));
  const PyRef name = PyRef::Steal(PyObject_GetAttrString(type, "__qualname__"));
  PyErr_Clear();
  if (!module || !name || !PyUnicode_Check(module.get()) || !PyUnicode_Check(name.get()))
    return Py_TYPE(exception)->tp_name;
  return ToLogText(module.get()) + "." + ToLogText(name.get());
}

std::string Message(PyObject* exception) {
  const PyRef text = PyRef::Steal(PyObject_Str(exception));
  if (text) return ToLogText(text.get());
  PyErr_Clear();
  return "?";
}

}  // namespace

void SendExceptionPage(CallState& call, PyObject* exception) {
  const Request& request = call.request;
  std::string page = fmt::format(
      "uWSGI exceptions catcher for \"{} {}\" (request plugin: \"python\", modifier1: {})\n\n",
      request.vars.Get(CgiName::kRequestMethod), request.vars.Get(CgiName::kRequestUri),
      request.modifier1);
  auto out = std::back_inserter(page);
  fmt::format_to(
      out, "Exception: {}\n\nException class: {}\n\nException message: {}\n\nBacktrace:\n{}\n",
      ReprText(exception), ClassName(exception), Message(exception), DescribeException(exception));
  for (const auto& vars : {request.vars.constants(), request.vars.vars()}) {
    for (const Var& var : vars) fmt::format_to(out, "{} = {}\n", var.name, var.value);
  }
  Response& response = call.response;
  if (!response.Start("500 Internal Server Error") ||
      !response.AddHeader("Content-Type", "text/plain")) {
    response.Fail(500);
    return;
  }
  response.SetBodyLength(page.size());
  response.Write(page, {});
}

}  // namespace uwsgi
