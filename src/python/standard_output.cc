// SPDX-License-Identifier: Apache-2.0
#include "python/standard_output.h"

#include "base/log.h"
#include "python/py.h"
#include "python/py_error.h"
#include "python/py_ref.h"

namespace uwsgi {
namespace {

// Python passes on text that is longer than its chunk, newline or not, hence _CHUNK_SIZE. A write
// to a descriptor that does not block returns None when there is no room.
constexpr char kProgram[] = R"(
import errno, io, sys

class LogOutput(io.FileIO):
    _full = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))
    _lost = 0

    def write(self, data):
        if self._lost:
            report = f"*** {self._lost} writes of pid {_pid()} to {self.name} were lost, as the log could not take them ***\n"
            if self._try(report.encode()) != len(report):
                self._lost += 1
                return len(data)
            self._lost = 0
        written = self._try(data)
        if written is None:
            self._lost += 1
            return len(data)
        return written

    def _try(self, data):
        try:
            return super().write(data)
        except OSError as error:
            if error.errno in self._full:
                return None
            raise

def _pid():
    from os import getpid
    return getpid()

def prepare(name):
    old = getattr(sys, name)
    if type(old) is not io.TextIOWrapper:
        return
    old.flush()
    raw = LogOutput(old.fileno(), "w", closefd=False)
    raw.name = old.name
    new = io.TextIOWrapper(io.BufferedWriter(raw), encoding=old.encoding, errors=old.errors, newline="\n",
                           line_buffering=True)
    new.mode = "w"
    new._CHUNK_SIZE = 1 << 20
    setattr(sys, name, new)
    setattr(sys, f"__{name}__", new)

for name in ("stdout", "stderr"):
    prepare(name)
)";

}  // namespace

void PrepareStandardOutput() {
  const PyRef names = PyRef::Steal(Py_BuildValue("{s:s}", "__name__", "uwsgi"));
  const PyRef done =
      names ? PyRef::Steal(PyRun_String(kProgram, Py_file_input, names.get(), names.get()))
            : PyRef();
  // Everything still works without, as it does in any Python program.
  if (!done) Log("standard output of Python is left as it is: {}", ErrorFromPython().text());
}

}  // namespace uwsgi
