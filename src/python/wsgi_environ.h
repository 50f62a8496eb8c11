// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/result.h"
#include "python/py_ref.h"
#include "python/value_cache.h"
#include "request/request.h"

namespace uwsgi {

// What is the same in every environ of this server.
struct EnvironSpec {
  bool multithread = false;
  bool multiprocess = false;
  bool offer_file_wrapper = true;
  std::string hostname;
};

// Makes the environ of requests: a fresh dict each time, copied from a template of the listener and
// completed by the request's variables. Used with the GIL held.
class EnvironMaker {
 public:
  static Result<EnvironMaker> Create(const EnvironSpec& spec);

  // Empty with the Python exception set when memory ran out. `input` becomes wsgi.input.
  PyRef Make(const Request& request, int core, PyObject* input, ValueCache& cache);

 private:
  // One listener's part of the environ. The variables it shares tell listeners apart.
  struct Template {
    const Var* constants;
    PyRef dict;
  };

  EnvironMaker() = default;
  Status AddServerItems(const EnvironSpec& spec);
  PyObject* TemplateFor(const Request& request);
  PyRef MakeTemplate(const Request& request) const;
  bool AddVar(PyObject* environ, const Var& var, ValueCache& cache) const;

  PyRef server_items_;  // dict: wsgi.*, uwsgi.* and the variables every environ must have
  PyRef errors_;
  bool multithread_ = false;
  std::array<PyRef, static_cast<size_t>(CgiName::kCount)> keys_;
  PyRef input_key_, scheme_key_, core_key_, http_, https_;
  std::vector<Template> templates_;
};

}  // namespace uwsgi
