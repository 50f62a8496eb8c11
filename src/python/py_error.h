// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>
#include <string>
#include <string_view>

#include "base/result.h"
#include "python/py_ref.h"

// Where errors cross between the languages. Everything here needs the GIL.
namespace uwsgi {

// Takes the current Python exception away and returns it; an empty reference when there is none.
// Its traceback is attached.
PyRef TakeException();
// "Traceback (most recent call last): ..." with a newline at the end, as the interpreter would
// print it.
std::string DescribeException(PyObject* exception);
// Takes the current exception and writes it to the log in one piece. SystemExit is an exception
// like the others.
void LogException();
// The same in a function that Python has called, which has to pass on what is no Exception, as the
// end of the process (SystemExit) and of the request (HarakiriError): that stays set.
void LogOrPassOn();
// Takes the current exception as an Error whose message is the traceback. That of a
// KeyboardInterrupt has the exit code kExitInterrupted.
Error ErrorFromPython();
// Somebody has pressed Ctrl-C: a stop, not a failure.
inline constexpr int kExitInterrupted = 0;
// What is said in its place when that came while the application was loading.
tl::unexpected<Error> StoppedWhileLoading();
// Raises a Python exception; always nullptr, so that a C function can return it.
PyObject* Raise(PyObject* type, std::string_view message);
// For functions that copy as much as somebody asks for: what there is no memory for (limit-as)
// costs the call, not the process. `on_loss` is called then.
template <typename Function, typename OnLoss = void (*)()>
PyObject* WithinMemory(
    const Function& function, const OnLoss& on_loss = [] {}) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    on_loss();
    return PyErr_NoMemory();
  }
}

}  // namespace uwsgi
