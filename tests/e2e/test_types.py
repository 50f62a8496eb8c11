# SPDX-License-Identifier: Apache-2.0
"""The type stubs say what the modules are: a program that uses everything type-checks, and names and arguments agree with
those of a running server."""
import ast
import os
import re
import subprocess

import pytest

from support.server import ROOT

STUBS = {name: ROOT / f"pylib/{name}.pyi" for name in ("uwsgi", "uwsgidecorators")}
PROGRAM = ROOT / "tests/apps/typed_program.py"
PYTHON = "/usr/bin/python3"
# Everything that makes names appear.
EVERYTHING = ["--master", "--mule", "--queue", "10", "--sharedarea", "1", "--mode", "test"]
# Compares the stubs with the modules of this very process, and calls each function with too many and too few arguments.
COMPARE = '''
import ast, contextlib, io, os, sys
import uwsgi, uwsgidecorators
said = io.StringIO()
uwsgi.atexit = uwsgi.after_req_hook = lambda: None

def refuses(function, count):
    try:
        function(*[object()] * count)
    except (TypeError, RuntimeError, OSError, ValueError, SystemError):
        return True
    return False

for node in ast.parse(open(os.environ["MYPYPATH"] + "/uwsgi.pyi").read()).body:
    if not isinstance(node, ast.FunctionDef) or node.decorator_list:
        continue
    arguments = node.args.posonlyargs + node.args.args
    least = len(arguments) - len(node.args.defaults)
    function = getattr(uwsgi, node.name)
    if least and not refuses(function, least - 1):
        print(node.name, "takes fewer arguments", file=said)
    if node.name not in ("spool", "send_to_spooler") and not node.args.vararg and not refuses(function, len(arguments) + 1):
        print(node.name, "takes more arguments", file=said)

sys.path.append("/usr/lib/python3/dist-packages")
from mypy import stubtest
with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
    stubtest.test_stubs(stubtest.parse_options(["uwsgi", "uwsgidecorators", "--concise"]))

def application(environ, start_response):
    start_response("200 OK", [])
    return [said.getvalue().encode()]
'''

has_mypy = subprocess.run([PYTHON, "-c", "import mypy.stubtest"], capture_output=True).returncode == 0
needs_mypy = pytest.mark.skipif(not has_mypy, reason="mypy is not installed")


@needs_mypy
def test_a_program_that_uses_everything_type_checks(tmp_path):
    done = subprocess.run([PYTHON, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(PROGRAM)], text=True,
                          capture_output=True, env={**os.environ, "MYPYPATH": str(ROOT / "pylib")})
    assert done.returncode == 0, done.stdout + done.stderr


def names_of(stub):
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.AnnAssign):
            yield node.target.id


@pytest.mark.parametrize("module, prefix", [("uwsgi", "uwsgi"), ("uwsgidecorators", "deco")])
def test_that_program_leaves_nothing_out(module, prefix):
    used = set(re.findall(rf"\b{prefix}\.(\w+)", PROGRAM.read_text()))
    assert {name for name in names_of(STUBS[module]) if not name.startswith("_")} - used == set()


@needs_mypy
@pytest.mark.slow_build
def test_the_stubs_agree_with_a_running_server(server, tmp_path):
    (tmp_path / "spool").mkdir()
    running = server(app=COMPARE, args=[*EVERYTHING, "--spooler", str(tmp_path / "spool"), "--pidfile", str(tmp_path / "pid")],
                     env={"MYPYPATH": str(ROOT / "pylib")})
    # Of the module of a server that has just loaded its application there is no request's `env`.
    differences = [line for line in running.get("/").text.splitlines() if not line.startswith("uwsgi.env ")]
    assert differences == []
