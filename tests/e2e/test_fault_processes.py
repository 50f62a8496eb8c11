# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed, do not listen, multiply or run out of something."""
import os
import signal

import pytest

from support import processes
from support.load import Load
from support.processes import wait_until


def request(path, query=""):
    return f"GET {path}?{query} HTTP/1.1\r\nHost: x\r\n\r\n"


def pids(srv, count):
    return wait_until(lambda: (found := processes.children(srv.pid)) and len(found) == count and found, srv.seconds(20),
                      f"{count} workers")


def gone(srv, workers):
    wait_until(lambda: not any(processes.alive(pid) for pid in workers), srv.seconds(20), "the workers to go")


@pytest.mark.parametrize("front", ["http-socket", "unix"])
def test_after_the_death_of_the_master_the_next_start_works(server, program, front):
    srv = server(app="troubles", front=front, args=["--master", "--processes", "2", "--pidfile", "{folder}/uwsgi.pid"], exit_status=-9)
    workers = pids(srv, 2)
    os.kill(srv.pid, signal.SIGKILL)
    srv.ended(-9)
    srv.wait_log("my master disconnected", count=2)
    address = ["--http-socket", f"127.0.0.1:{srv.port}"] if front == "http-socket" else ["--socket", srv.unix_path]
    again = server(front="none", args=[*address, "--wsgi-file", str(srv.names()["apps"] / "troubles.py"), "--master",
                                       "--pidfile", f"{srv.folder}/uwsgi.pid"], ready=False)
    again.wait_log("^spawned uWSGI worker 1")
    assert (srv.folder / "uwsgi.pid").read_text() == f"{again.pid}\n"
    gone(srv, workers)


def test_a_request_outlives_the_master_and_the_next_start_does_not_wait_for_it(server):
    srv = server(app="troubles", args=["--master"], exit_status=-9)
    go = srv.folder / "go"
    with srv.connect(timeout=60) as connection:
        connection.send(request("/wait", go))
        worker = int(srv.wait_log(r"begin /wait in (\d+)")[1])
        os.kill(srv.pid, signal.SIGKILL)
        srv.ended(-9)
        srv.wait_log("my master disconnected")
        again = server(front="none", args=["--http-socket", f"127.0.0.1:{srv.port}", "--wsgi-file",
                                           str(srv.names()["apps"] / "troubles.py")], ready=False)
        again.wait_log("^spawned uWSGI worker 1")
        go.write_text("")
        assert connection.response().text == str(worker)
    gone(srv, [worker])


def test_a_worker_that_ignores_signals_is_killed_in_the_end(server):
    srv = server(app="troubles", args=["--master", "--reload-mercy", "1", "--worker-reload-mercy", "1"], allow=["NO MERCY"])
    worker = int(srv.get("/deaf").text)
    srv.signal(signal.SIGTERM)
    srv.ended(0)
    assert not processes.alive(worker)


def test_children_of_the_application_do_not_disturb(server):
    srv = server(app="troubles", args=["--master", "--max-requests", "5", "--min-worker-lifetime", "0"])
    children = [int(srv.get("/fork").text) for _ in range(12)]
    assert srv.get("/").status == 200
    wait_until(lambda: not any(processes.alive(pid) for pid in children), srv.seconds(20), "the children to end")


def test_threads_at_import_do_not_hold_up_a_reload(server, inside):
    folder = inside({"threaded.py": "import os, threading, time\n"
                                    "threading.Thread(target=lambda: time.sleep(3600), daemon=True).start()\n"
                                    "def application(e, s):\n    s('200 OK', [])\n    return [str(os.getpid()).encode()]\n"})
    for lazy in ([], ["--lazy-apps"]):
        srv = server(args=["--master", *lazy, "-w", "threaded"], cwd=folder)
        first = srv.get("/").text
        srv.signal(signal.SIGHUP)
        wait_until(lambda: srv.get("/").text != first, srv.seconds(30), "the new worker")
        wait_until(lambda: not processes.alive(int(first)), srv.seconds(20), "the old worker to leave")
        srv.stop()


@pytest.mark.parametrize("victim", ["serving", "successor"])
def test_a_process_killed_while_it_is_replaced(server, inside, victim):
    """Whichever of the two is killed, the place is filled and the server goes on."""
    folder = inside({"slow.py": "import os, sys, time\nprint('loading', file=sys.stderr, flush=True)\n"
                                "if os.path.exists('slow'): time.sleep(2)\n"
                                "def application(e, s):\n    s('200 OK', [])\n    return [str(os.getpid()).encode()]\n"})
    srv = server(args=["--master", "--lazy-apps", "--max-requests", "1", "--min-worker-lifetime", "0", "-w", "slow"], cwd=folder,
                 allow=["DAMN"])
    (folder / "slow").write_text("")
    first = int(srv.get("/").text)
    srv.wait_log("^loading", count=2)
    others = [pid for pid in pids(srv, 2) if pid != first]
    os.kill(first if victim == "serving" else others[0], signal.SIGKILL)
    srv.wait_log("DAMN")
    (folder / "slow").unlink()
    wait_until(lambda: srv.get("/").text not in (str(first), ""), srv.seconds(30), "the new worker")


def test_without_descriptors_the_server_waits_and_goes_on(server):
    srv = server(app="troubles", args=["--master", "--max-fd", "40"], allow=["cannot accept"])
    connections = []
    try:
        for _ in range(60):
            connections.append(srv.connect())
        srv.wait_log("cannot accept a connection", timeout=srv.seconds(20))
    finally:
        for connection in connections:
            connection.close()
    with Load(srv, 2) as load:
        wait_until(load.after(20), srv.seconds(30), "20 answers")
    assert not load.failures, load.failures[:5]
