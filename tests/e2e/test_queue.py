# SPDX-License-Identifier: Apache-2.0
"""uwsgi.queue_* over several workers."""
import signal

import pytest

from support.ask import app, value
from support.processes import wait_until

ARGS = ["--master", "--processes", "2", "--queue", "4", "--queue-blocksize", "4096"]


@pytest.fixture
def srv(server):
    return server(app=app(), args=ARGS)


@pytest.mark.parity
def test_pushes_pops_and_pulls(srv):
    assert value(srv, "uwsgi.queue_size") == "4"
    assert value(srv, "[uwsgi.queue_push(str(i)) for i in range(6)]") == "[True, True, True, True, True, True]"
    assert value(srv, "uwsgi.queue_slot(), uwsgi.queue_pull_slot()") == "(2, 0)"
    assert value(srv, "uwsgi.queue_last(), uwsgi.queue_last(0), uwsgi.queue_last(9)") == "(b'5', b'5', [b'5', b'4', b'3', b'2'])"
    assert value(srv, "[uwsgi.queue_pull() for _ in range(5)]") == "[b'4', b'5', b'2', b'3', None]"


@pytest.mark.parity
def test_an_array_too(srv):
    assert value(srv, "uwsgi.queue_set(3, b'three'), uwsgi.queue_get(3), uwsgi.queue_get(0), uwsgi.queue_get(4), uwsgi.queue_set(4, 'x')") \
        == "(True, b'three', None, None, None)"


@pytest.mark.parity
def test_the_longest_item(srv):
    assert value(srv, "uwsgi.queue_push('x' * 4080), uwsgi.queue_push('x' * 4081), uwsgi.queue_push(''), len(uwsgi.queue_pop())") == "(True, None, None, 4080)"


def test_nothing_spills_into_the_next_slot(srv):
    assert value(srv, "uwsgi.queue_set(1, 'next'), uwsgi.queue_set(0, 'x' * 4096), uwsgi.queue_get(1)") == "(True, None, b'next')"


def test_popping_an_empty_queue_changes_nothing(srv):
    assert value(srv, "uwsgi.queue_pop(), uwsgi.queue_slot(), uwsgi.queue_push('a'), uwsgi.queue_pop()") == "(None, 0, True, b'a')"


@pytest.mark.parity
def test_there_is_none_unless_configured(server):
    srv = server(app=app(), args=["--master"])
    assert value(srv, "hasattr(uwsgi, 'queue_push'), hasattr(uwsgi, 'queue_size')") == "(False, False)"


def test_a_store_keeps_it(server, tmp_path):
    args = [*ARGS, "--queue-store", tmp_path / "queue"]
    first = server(app=app(), args=args)
    value(first, "uwsgi.queue_push('kept')")
    pid = value(first, "os.getpid()")
    first.signal(signal.SIGHUP)
    wait_until(lambda: value(first, "os.getpid()") not in (pid, ""), 20)
    assert value(first, "uwsgi.queue_push('too')") == "True"
    first.stop()
    assert value(server(app=app(), args=args), "uwsgi.queue_last(2)") == "[b'too', b'kept']"


def test_mistakes(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--queue", "4", "--queue-blocksize", "10")
    assert done.returncode == 1 and "queue-blocksize" in done.stdout
