# SPDX-License-Identifier: Apache-2.0
"""Requests that take too long end in stages: log, exception in that thread, replacement, kill."""
import os
import signal
import time

import pytest

from support import processes
from support.http import Closed
from support.processes import wait_until


def request(path, query=""):
    return f"GET {path}?{query} HTTP/1.1\r\nHost: x\r\n\r\n"


def get(srv, target):
    with srv.connect(timeout=60) as connection:
        return connection.get(target)


def start(server, *args, grace=1, **more):
    """The limit leaves requests that are not meant the time that a busy machine takes for them; `grace`, as much to those that are to survive."""
    return server(app="troubles", args=["--master", "--harakiri", "3", "--harakiri-graceful-timeout", grace, *args],
                  allow=["Traceback"], **more)


def begun(srv, path):
    return srv.wait_log(rf"begin {path} in (\d+)")[1]


def test_an_exception_ends_the_request_and_nothing_else(server):
    """Even what the application runs under `except Exception`."""
    srv = start(server, "--threads", "2", grace=60)
    go = srv.folder / "go"
    with srv.connect(timeout=60) as slow, srv.connect(timeout=60) as other:
        slow.send(request("/spin", 100))
        pid = begun(srv, "/spin")
        assert slow.response().status == 500
        # a request that began earlier than the exception and is not overdue itself goes on
        other.send(request("/wait", go))
        begun(srv, "/wait")
        go.write_text("")
        assert other.response().text == pid
    srv.wait_log(rf"\*\*\* HARAKIRI ON WORKER 1 \(pid: {pid}, try: 1\) \*\*\*$")
    srv.wait_log(r"HARAKIRI !!! worker 1 status !!!$")
    srv.wait_log(r"HARAKIRI \[core \d\] 127\.0\.0\.1 - GET /spin\?100 since \d+$")
    srv.wait_log(r"HARAKIRI !!! end of worker 1 status !!!$")
    srv.wait_log(r"in spin_in_python")
    srv.wait_log(r"uwsgi\.HarakiriError")
    assert srv.get("/").text == pid, "the worker is not replaced"


def test_the_exception_does_not_reach_the_next_request(server):
    srv = start(server, grace=60)
    for _ in range(2):
        assert get(srv, "/spin?100").status == 500
    for _ in range(20):
        assert srv.get("/").status == 200


def test_a_request_that_cannot_be_interrupted_costs_the_worker(server):
    srv = start(server)
    with srv.connect(timeout=60) as stuck:
        stuck.send(request("/sleep", 100))
        first = begun(srv, "/sleep")
        srv.wait_log(r"the request goes on: worker 1 \(pid: \d+\) is given up", timeout=srv.seconds(20))
        srv.wait_log(r"^Respawned uWSGI worker 1 \(new pid: \d+\)$", timeout=srv.seconds(20))
        assert stuck.read_to_close() == b""
    wait_until(lambda: not processes.alive(int(first)), srv.seconds(20), "the old worker to end")
    srv.wait_log(rf"worker 1 killed successfully \(pid: {first}\)")
    assert get(srv, "/").text != first


def test_requests_beside_one_that_is_given_up_are_finished(server):
    srv = server(app="troubles", args=["--master", "--threads", "2", "--harakiri", "8", "--harakiri-graceful-timeout", "1"],
                 allow=["Traceback"])
    go = srv.folder / "go"
    with srv.connect(timeout=60) as stuck, srv.connect(timeout=60) as other:
        stuck.send(request("/sleep", 100))
        first = begun(srv, "/sleep")
        srv.wait_log("HARAKIRI ON WORKER 1", timeout=srv.seconds(20))
        other.send(request("/wait", go))
        assert begun(srv, "/wait") == first
        srv.wait_log(rf"Gracefully killing worker 1 \(pid: {first}\)", timeout=srv.seconds(20))
        assert get(srv, "/").text != first, "the new worker serves"
        go.write_text("")
        assert other.response().text == first
        assert stuck.read_to_close() == b""


# One call of native code each: no exception gets in between. The test ends it by writing to the pipe.
LARGE = """
import os, uwsgi
from pathlib import Path
PIPE = Path(__file__).with_name("pipe")
BODY = b"x" * 30_000_000
def wait(signal=0):
    uwsgi.set_user_harakiri(1)
    PIPE.open().read()
uwsgi.register_signal(1, "worker", wait)
def application(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        wait()
    elif environ["PATH_INFO"] == "/signal":
        uwsgi.signal(1)
    start_response("200 OK", [])
    return [BODY if environ["PATH_INFO"] == "/large" else str(os.getpid()).encode()]
"""


def start_large(server):
    srv = server(app=LARGE, args=["--master", "--threads", "2", "--harakiri-graceful-timeout", "0", "--reload-mercy", "60",
                                  "--touch-workers-reload", "{folder}/touched"], allow=["Traceback", "DAMN"])
    os.mkfifo(srv.folder / "pipe")
    return srv, get(srv, "/").text


def is_whole(large):
    size = 0
    while size < 30_000_000 and (got := large.socket.recv(1 << 20)):
        size += len(got)
    return size > 30_000_000


def await_drain(srv, pid):
    srv.wait_log(r"the request goes on: worker 1 \(pid: \d+\) is given up", timeout=srv.seconds(20))
    srv.wait_log(rf"Gracefully killing worker 1 \(pid: {pid}\)", timeout=srv.seconds(20))


def test_a_request_that_was_given_up_and_ends_after_all_takes_nobody_along(server):
    srv, pid = start_large(server)
    with srv.connect(timeout=60) as large, srv.connect(timeout=60) as stuck:
        large.send(request("/large"))
        srv.wait_log("GET /large")
        stuck.send(request("/wait"))
        await_drain(srv, pid)
        (srv.folder / "pipe").write_text("")
        assert stuck.response().status == 500
        assert is_whole(large)


def test_a_handler_that_is_given_up_takes_no_request_along(server):
    srv, pid = start_large(server)
    with srv.connect(timeout=60) as large:
        large.send(request("/large"))
        srv.wait_log("GET /large")
        assert get(srv, "/signal").text == pid
        await_drain(srv, pid)
        assert is_whole(large)
    wait_until(lambda: not processes.alive(int(pid)), srv.seconds(30), "the old worker to end")


def test_a_worker_that_hangs_while_the_one_before_it_drains_is_killed(server):
    """It cannot be replaced: its other place is taken."""
    srv, pid = start_large(server)
    with srv.connect(timeout=60) as large:
        large.send(request("/large"))
        srv.wait_log("GET /large")
        (srv.folder / "touched").touch()
        srv.wait_log(rf"Gracefully killing worker 1 \(pid: {pid}\)", timeout=srv.seconds(20))
        stuck = [srv.connect() for _ in range(2)]
        for connection in stuck:
            connection.send(request("/wait"))
        srv.wait_log("is given up", count=2, timeout=srv.seconds(20))

        def answered():
            try:
                return get(srv, "/").text
            except Closed:  # it had been taken by the worker that is killed
                return ""

        assert wait_until(answered, srv.seconds(20), "an answer") != pid
        assert is_whole(large)
        for connection in stuck:
            connection.close()


def test_nobody_is_killed_while_harakiri_is_put_off(server):
    srv = server(app=LARGE, args=["--master", "--harakiri-graceful-timeout", "0", "--harakiri-queue-threshold", "100"])
    os.mkfifo(srv.folder / "pipe")
    with srv.connect(timeout=60) as slow:
        slow.send(request("/wait"))
        time.sleep(8)  # the master's patience is 5 seconds
        os.close(os.open(srv.folder / "pipe", os.O_RDWR))  # waits for nobody
        assert slow.response().status == 200


def test_usr2_tells_what_a_worker_does(server):
    srv = server(app="troubles", args=["--master", "--threads", "2"])
    go = srv.folder / "go"
    with srv.connect(timeout=60) as other:
        other.send(request("/wait", go))
        first = begun(srv, "/wait")
        os.kill(int(first), signal.SIGUSR2)
        srv.wait_log("in wait_for", timeout=srv.seconds(20))
        srv.wait_log(r"HARAKIRI \[core \d\] 127\.0\.0\.1 - GET /wait")
        go.write_text("")
        assert other.response().text == first


def test_native_code_that_keeps_the_interpreter(server):
    """Nothing of Python can run in that process any more: the stacks are written without it, and the worker is replaced."""
    srv = start(server)
    with srv.connect(timeout=60) as stuck:
        stuck.send(request("/native", 100))
        first = begun(srv, "/native")
        srv.wait_log(r"native code holds the interpreter's lock", timeout=srv.seconds(20))
        srv.wait_log(r"in block_in_native_code", timeout=srv.seconds(20))
        wait_until(lambda: get(srv, "/").text != first, srv.seconds(30), "the new worker")
        assert stuck.read_to_close() == b""
    wait_until(lambda: not processes.alive(int(first)), srv.seconds(30), "the old worker to end")


def test_a_deadline_of_the_application(server):
    srv = server(app="troubles", args=["--master", "--harakiri-graceful-timeout", "60"], allow=["Traceback"])
    pid = srv.get("/").text
    assert get(srv, "/deadline?1").status == 500
    srv.wait_log(rf"\*\*\* HARAKIRI ON WORKER 1 \(pid: {pid}, try: 1\) \*\*\*$")
    assert srv.get("/").text == pid


def test_verbose_tells_where_the_kernel_is(server):
    srv = start(server, "--harakiri-verbose")
    with srv.connect(timeout=60) as stuck:
        stuck.send(request("/sleep", 100))
        first = int(begun(srv, "/sleep"))
        srv.wait_log(r"HARAKIRI: -- syscall> ", timeout=srv.seconds(20))
        srv.wait_log(r"HARAKIRI: -- wchan> ", timeout=srv.seconds(20))
        assert stuck.read_to_close() == b""
    # At a stop it would have no more time than an overdue request has.
    wait_until(lambda: not processes.alive(first), what="the worker that is given up to end")


def test_workers_of_before_a_reload_are_watched_too(server):
    srv = server(app="troubles", args=["--master", "--harakiri", "6", "--harakiri-graceful-timeout", "1"], allow=["Traceback"])
    with srv.connect(timeout=60) as stuck:
        stuck.send(request("/sleep", 100))
        first = begun(srv, "/sleep")
        srv.signal(signal.SIGHUP)
        srv.wait_log(rf"Gracefully killing worker 1 \(pid: {first}\)", timeout=srv.seconds(20))
        assert get(srv, "/").text != first
        assert processes.alive(int(first))
        assert stuck.read_to_close() == b""
    wait_until(lambda: not processes.alive(int(first)), srv.seconds(30), "the old worker to end")


def test_a_worker_that_does_nothing_at_all_is_killed(server):
    srv = server(app="troubles", args=["--master", "--harakiri", "1", "--harakiri-graceful-timeout", "0"], allow=["DAMN", "Traceback"])
    with srv.connect(timeout=60) as stuck:
        stuck.send(request("/sleep", 100))
        first = int(begun(srv, "/sleep"))
        os.kill(first, signal.SIGSTOP)
        wait_until(lambda: not processes.alive(first), srv.seconds(40), "the stopped worker to be killed")
    assert srv.get("/").text != str(first)


def test_without_a_master_it_is_only_a_warning(server):
    srv = server(app="troubles", args=["--harakiri", "1"])
    srv.wait_log("harakiri needs the master")
    assert get(srv, "/sleep?2").status == 200


AFTER = """
import os, time, uwsgi
def after():
    print("HOOK BEGINS", flush=True)
    end = time.monotonic() + 3
    while time.monotonic() < end: time.sleep(0.01)
    print("HOOK ENDS", flush=True)
uwsgi.after_req_hook = after
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    if environ["PATH_INFO"] == "/slow":
        while True: time.sleep(0.01)
    return [b"ok"]
"""


def test_the_hook_behind_a_request_can_be_left_alone(server):
    srv = server(app=AFTER, args=["--master", "--harakiri", "1", "--harakiri-no-arh"], allow=["Traceback", "DAMN"])
    assert srv.get("/").body == b"ok"
    srv.wait_log("^HOOK ENDS$")
    assert "HARAKIRI" not in srv.log()
    try:  # requests are watched all the same
        srv.get("/slow")
    except Exception:
        pass
    srv.wait_log("HARAKIRI ON WORKER 1")


def test_the_hook_behind_a_request_counts_otherwise(server):
    srv = server(app=AFTER, args=["--master", "--harakiri", "1"], allow=["Traceback", "DAMN"])
    assert srv.get("/").body == b"ok"
    srv.wait_log("HARAKIRI ON WORKER 1")
