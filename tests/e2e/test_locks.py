# SPDX-License-Identifier: Apache-2.0
"""uwsgi.lock and its like between real workers."""
import os
import signal
import threading

import pytest

from support.ask import app, value
from support.processes import LEAST, wait_until


@pytest.fixture
def srv(server):
    return server(app=app(), args=["--master", "--processes", "2", "--locks", "2"],
                  allow=["DAMN !", "deadlock-detector"])


@pytest.mark.parity
@pytest.mark.parametrize("expression, expected", [
    ("uwsgi.is_locked()", "False"), ("uwsgi.lock(), uwsgi.is_locked(), uwsgi.unlock(), uwsgi.is_locked()", "(None, True, None, False)"),
    ("uwsgi.lock(2), uwsgi.is_locked(2), uwsgi.unlock(2)", "(None, True, None)"), ("uwsgi.unlock(1)", "None"),
    ("uwsgi.lock(3)", "'ValueError: Invalid lock number'"), ("uwsgi.is_locked(-1)", "'ValueError: Invalid lock number'"),
])
def test_numbers(srv, expression, expected):
    assert value(srv, expression) == expected


@pytest.mark.parity
def test_lock_zero_is_always_there(server):
    srv = server(app=app(), args=["--master"])
    assert value(srv, "uwsgi.lock(), uwsgi.is_locked(0), uwsgi.unlock()") == "(None, True, None)"
    assert value(srv, "uwsgi.lock(1)") == "'ValueError: Invalid lock number'"


@pytest.mark.parity
def test_another_worker_waits(srv, tmp_path):
    held, release = tmp_path / "held", tmp_path / "release"
    holding = (f"uwsgi.lock(1), open('{held}', 'w').close(), "
               f"[time.sleep(0.01) for _ in iter(lambda: os.path.exists('{release}'), True)], uwsgi.unlock(1)")
    answers = []
    first = threading.Thread(target=lambda: answers.append(value(srv, holding)))
    first.start()
    wait_until(held.exists)
    assert value(srv, "uwsgi.is_locked(1)") == "True"
    asked = tmp_path / "asked"
    second = threading.Thread(target=lambda: answers.append(
        value(srv, f"open('{asked}', 'w').close() or uwsgi.lock(1) or (os.path.exists('{release}'), uwsgi.unlock(1))")))
    second.start()
    wait_until(asked.exists)
    release.touch()
    first.join(LEAST)
    second.join(LEAST)
    assert "(True, None)" in answers and len(answers) == 2
    assert value(srv, "uwsgi.is_locked(1)") == "False"


def test_a_killed_holder_gives_its_lock_back(srv):
    pid = int(value(srv, "uwsgi.lock() or os.getpid()"))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: value(srv, "uwsgi.is_locked()") == "False")
    srv.wait_log("a process holding a robust mutex died")
    assert value(srv, "uwsgi.lock(), uwsgi.unlock()") == "(None, None)"


def test_spoolers_and_mules_take_locks_too(server, tmp_path):
    more = """
import uwsgidecorators

@uwsgidecorators.lock
def locked(where):
    print("LOCKED in a", where, uwsgi.is_locked(), flush=True)

@uwsgidecorators.spool
def task(arguments):
    locked("spooler")
    print("FREE", uwsgi.is_locked(), flush=True)

@uwsgidecorators.mulefunc
def job():
    locked("mule")
"""
    srv = server(app=app(more), args=["--spooler", tmp_path / "q", "--mule"])
    value(srv, "task(), job()")
    srv.wait_log("^LOCKED in a spooler True$")
    srv.wait_log("^FREE False$")
    srv.wait_log("^LOCKED in a mule True$")
