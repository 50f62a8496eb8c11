# SPDX-License-Identifier: Apache-2.0
"""The decorators that ship with the server: their forms, what they leave behind, and where they can be imported."""
import os
import subprocess
import sys

import pytest

from support.ask import app, value
from support.asking import ASKED, ask
from support.processes import wait_until
from support.server import ROOT

SYSTEM_PYTHON = "/usr/bin/python3"


def run_python(code, **env):
    """A plain Python with the module on its path: (exit status, output)."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("UWSGI_")}
    done = subprocess.run([SYSTEM_PYTHON, "-c", code], capture_output=True, text=True, timeout=60,
                          env={**environment, "PYTHONPATH": str(ROOT / "pylib"), "PYTHONDONTWRITEBYTECODE": "1", **env})
    return done.returncode, done.stdout + done.stderr


def test_outside_the_server_the_import_fails():
    status, output = run_python("try:\n import uwsgidecorators\nexcept ImportError as e: print('missing', e)")
    assert (status, output) == (0, "missing No module named 'uwsgi'\n")


def test_in_place_tasks_run_at_once():
    status, output = run_python("""
from uwsgidecorators import *
@spool(pass_arguments=True)
def task(name, age=1):
    "what it does"
    print(repr(name), age)
@spool
def plain(d): print(d['a'], d['b'])
@spoolraw
def raw(d): return -2
@mulefunc('farm')
def mule_task(a, *, b): print(a, b)
@timer(3, target='mule')
def tick(n): pass
@cron(0, 3, -1, -1, -1)
def daily(n): pass
@postfork
def forked(): pass
@rpc('x')
def answer(): pass
@lock
def locked(a): return a + 1
@harakiri(5)
def quick(a, b=2): return a * b
@thread
def background(): pass
task('é', age=20, at=5, priority=2, spooler='x')
plain({'a': 'A'}, b=b'\\xff')
raw(x='y')
mule_task(1, b=2)
print(locked(1), quick(3), background() is background.__wrapped__)
print(task.__name__, task.__doc__, task.f.__name__, task.spool.__name__, tick.__name__, forked.__name__)
import inspect
print(inspect.signature(task), inspect.signature(mule_task))
""", UWSGI_TASKS_IN_PLACE="1")
    assert output.splitlines() == ["'é' 20", "A b'\\xff'", "1 2", "2 6 True", "task what it does task spool tick forked",
                                   "(name, age=1) (a, *, b)"]
    assert status == 0


def test_in_place_shows_what_would_fail_later():
    status, output = run_python("""
from uwsgidecorators import *
@spool(pass_arguments=True)
def task(f): pass
@spoolraw
def raw(d): pass
for call in (lambda: task(lambda: 0), lambda: raw(), lambda: raw(n=5), lambda: raw('x')):
    try: call()
    except Exception as e: print(type(e).__name__, e)
""", UWSGI_TASKS_IN_PLACE="1")
    lines = output.splitlines()
    assert lines[0].startswith("PicklingError the arguments of task() cannot be stored for later")
    assert lines[1].startswith("TypeError the task function 'raw' returned None")
    assert lines[2] == "ValueError spooler callable dictionary must contains only bytes"
    assert lines[3].startswith("TypeError raw() takes a dict")


FAKE = """
import sys, types
uwsgi = types.ModuleType('uwsgi')
uwsgi.opt, uwsgi.masterpid, uwsgi.calls = {'spooler': b'x'}, lambda: 1, []
uwsgi.spool = lambda d: uwsgi.calls.append(d) or b'/path'
sys.modules['uwsgi'] = uwsgi
"""


def test_a_fake_server_module_is_enough():
    status, output = run_python(FAKE + """
import uwsgidecorators as d
@d.spool
def task(args): return args
@d.spoolforever(pass_arguments=True)
def again(a): pass
print(task({'a': '1'}, b=b'2'), uwsgi.calls.pop(), task.spool({}) == task.f.spool({}))
print(again(1, at=12.9, priority=3), list(uwsgi.calls[-1]), uwsgi.calls[-1][b'at'], uwsgi.calls[-1][b'ud_spool_ret'])
print(uwsgi.spooler({b'ud_spool_func': b'task', b'ud_spool_ret': b'-2', b'k': b'v'}))
print(uwsgi.spooler is d.manage_spool_request, uwsgi.post_fork_hook is d.postfork_chain_hook, d.spooler_functions['task'] is task.f)
""")
    assert status == 0, output
    assert output.splitlines() == [
        "b'/path' {b'ud_spool_func': b'task', b'ud_spool_ret': b'-2', b'a': b'1', b'b': b'2'} True",
        "b'/path' [b'ud_spool_func', b'ud_spool_ret', b'priority', b'at', b'args', b'kwargs'] b'12' b'-1'",
        "-2", "True True True"]


@pytest.mark.parametrize("name", ["spool", "spoolraw", "spoolforever"])
def test_without_a_spooler_the_decorator_says_so(server, name):
    srv = server(app=app("import uwsgidecorators"), args=["--master"])
    assert value(srv, f"uwsgidecorators.{name}(len)") == \
        f"'Exception: you have to enable the uWSGI spooler to use @_{name} decorator'"


def test_without_a_master_the_import_says_so(server):
    srv = server(app=app())
    assert value(srv, "__import__('uwsgidecorators')") == \
        "'Exception: you have to enable the uWSGI master process to use this module'"


def test_the_module_comes_with_the_server(server, tmp_path):
    srv = server(app=app("import uwsgidecorators"), args=["--master"])
    assert value(srv, "uwsgidecorators.__spec__.origin") == "'built into the server'"
    assert "def spool(" in value(srv, "uwsgidecorators.__loader__.get_source('uwsgidecorators')")


def test_one_in_a_directory_of_the_application_goes_first(server, tmp_path):
    (tmp_path / "uwsgidecorators.py").write_text("mine = True")
    srv = server(app=app("import uwsgidecorators"), args=["--master", "--pythonpath", tmp_path])
    assert value(srv, "uwsgidecorators.mine") == "True"


def test_one_of_another_server_among_the_packages_does_not(server, tmp_path):
    packages = tmp_path / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "uwsgidecorators.py").write_text("theirs = True")
    srv = server(app=app("import uwsgidecorators"), args=["--master", "--pythonpath", packages])
    assert value(srv, "hasattr(uwsgidecorators, 'theirs')") == "False"


def test_postfork_functions_run_in_each_worker(server, tmp_path):
    more = """
from uwsgidecorators import postfork
ran = []
@postfork
def everywhere(): ran.append(('all', uwsgi.worker_id()))
@postfork(2)
def second(): ran.append(('second', uwsgi.worker_id()))
"""
    srv = server(app=app(more), args=["--master", "--processes", "2"])
    seen = set()

    def asked():
        seen.add(value(srv, "time.sleep(0.02) or ran"))
        return len(seen) == 2

    wait_until(asked)
    assert seen == {"[('all', 1)]", "[('all', 2), ('second', 2)]"}
    assert value(srv, "everywhere.__name__, second.__name__") == "('everywhere', 'second')"


def test_postfork_functions_of_a_lazy_application_run(server):
    more = "from uwsgidecorators import postfork\nran = []\n@postfork\ndef f(): ran.append(uwsgi.worker_id())"
    srv = server(app=app(more), args=["--master", "--lazy-apps"])
    assert value(srv, "ran") == "[1]"


def test_what_a_postfork_function_raises_is_logged_and_ends_the_chain(server):
    more = """
from uwsgidecorators import postfork
ran = []
@postfork
def bad(): raise RuntimeError("no luck")
@postfork
def after(): ran.append(1)
"""
    srv = server(app=app(more), args=["--master"], allow=["Traceback"])
    assert value(srv, "ran") == "[]"
    srv.wait_log("RuntimeError: no luck")


def test_lock_releases_on_exceptions(server):
    more = """
from uwsgidecorators import lock
@lock
def locked(f): return uwsgi.is_locked(), f()
"""
    srv = server(app=app(more), args=["--master"])
    assert value(srv, "locked(lambda: 1), uwsgi.is_locked()") == "((True, 1), False)"
    assert value(srv, "locked(lambda: 1 / 0)") == "'ZeroDivisionError: division by zero'"
    assert value(srv, "uwsgi.is_locked()") == "False"


def test_harakiri_is_disarmed_also_when_the_function_raises(server):
    more = """
from uwsgidecorators import harakiri
@harakiri(4)
def watched(f): return f()
"""
    srv = server(app=app(more), args=["--master"])
    assert value(srv, "watched(lambda: 5)") == "5"
    assert value(srv, "[watched(lambda: 1 / 0)]") == "'ZeroDivisionError: division by zero'"
    assert value(srv, "time.sleep(6) or 'lives'") == "'lives'"


def test_harakiri_kills(server):
    more = "from uwsgidecorators import harakiri\n@harakiri(1)\ndef slow(): time.sleep(60)"
    srv = server(app=app(more), args=["--master"], allow=["DAMN !"])
    with srv.connect(timeout=30) as connection:
        connection.send(b"GET /?slow() HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.read_to_close() == b""
    srv.wait_log("HARAKIRI ON WORKER 1")


def test_thread_starts_one_and_returns_the_function(server):
    more = """
from uwsgidecorators import thread
ran = []
@thread
def background(a, b=2): ran.append((a, b))
"""
    srv = server(app=app(more), args=["--master"])
    assert value(srv, "background(1, b=3) is background.__wrapped__") == "True"
    wait_until(lambda: value(srv, "ran") == "[(1, 3)]")


def test_a_task_name_taken_twice_is_logged(server, tmp_path):
    more = """
from uwsgidecorators import spool
def first():
    @spool
    def task(d): pass
def second():
    @spool
    def task(d): pass
first()
second()
"""
    srv = server(app=app(more), ini=f"[uwsgi]\nmaster = true\nspooler = {tmp_path}/s\n")
    srv.wait_log("the task function task of .* replaces that of")


@pytest.mark.parity
def test_the_classes_behind_the_mule_decorators_serve_by_hand(server):
    srv = server(app=ASKED + '''
import uwsgidecorators as deco
def once(): print("ONCE in", uwsgi.mule_id(), flush=True)
def told(message): print("TOLD", uwsgi.mule_id(), message, flush=True)
deco.postfork_chain.append(deco.mule_brain(once, 1))
deco.postfork_chain.append(deco.mulemsg_loop(told, 2))
deco.postfork_chain.append(deco.farm_loop(told, "fa"))
count = 0
def again():
    global count
    count += 1
    if count == 3:
        print("THIRD in", uwsgi.mule_id(), flush=True)
        uwsgi.mule_get_msg()
deco.postfork_chain.append(deco.mule_brainloop(again, 4))
''', args=["--master", "--mules", "4", "--farm", "fa:3"])
    srv.wait_log("^ONCE in 1$")
    srv.wait_log("^THIRD in 4$")
    assert ask(srv, "uwsgi.mule_msg(b'to two', 2), uwsgi.farm_msg('fa', b'to three')") == "(True, None)"
    srv.wait_log("^TOLD 2 b'to two'$")
    srv.wait_log("^TOLD 3 b'to three'$")


@pytest.mark.parity
def test_arguments_have_the_names_they_always_had(server):
    srv = server(app=ASKED + '''
import uwsgidecorators as deco
def f(n): return n
deco.cron(minute=0, hour=3, day=-1, month=-1, dayweek=-1, target="mule", signum=10)(f)
deco.filemon(fsobj="/tmp", signum=11)(f)
deco.timer(secs=100, signum=12)(f)
deco.signal(num=13)(f)
deco.mule(num=1), deco.muleloop(num=1), deco.mulemsg(num=1), deco.farm(name="x"), deco.rpc(name="x"), deco.harakiri(seconds=3)
''', args=["--master"])
    assert ask(srv, "[uwsgi.signal_registered(n) for n in (10, 11, 12, 13, 14)]") == "[True, True, True, True, None]"
