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


def serving(srv, count):
    """The workers, once each has answered: one that is killed or loses its master earlier leaves without a word."""
    answered = set()
    wait_until(lambda: answered.add(int(srv.get("/").text)) or len(answered) == count, what=f"answers of {count} workers")
    return sorted(answered)


def gone(srv, workers):
    wait_until(lambda: not any(processes.alive(pid) for pid in workers), srv.seconds(20), "the workers to go")


@pytest.mark.parametrize("front", ["http-socket", "unix"])
def test_after_the_death_of_the_master_the_next_start_works(server, program, front):
    srv = server(app="troubles", front=front, args=["--master", "--processes", "2", "--pidfile", "{folder}/uwsgi.pid"], exit_status=-9)
    workers = serving(srv, 2)
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


@pytest.mark.crashes
def test_without_descriptors_the_server_waits_and_goes_on(server):
    srv = server(app="troubles", args=["--master", "--max-fd", "40"], allow=["raise max-fd"])
    connections = []
    try:
        for _ in range(60):
            connections.append(srv.connect())
        srv.wait_log("raise max-fd", timeout=srv.seconds(20))
    finally:
        for connection in connections:
            connection.close()
    with Load(srv, 2) as load:
        wait_until(load.after(20), srv.seconds(30), "20 answers")
    assert not load.failures, load.failures[:5]


LOADING = """import os, sys, time
print("loading", file=sys.stderr, flush=True)
open("loading-%d" % os.getpid(), "w").close()
while os.path.exists("held"): time.sleep(0.01)
def application(environ, start_response):
    start_response("200 OK", [])
    if os.path.exists("stuck"): print("running", file=sys.stderr, flush=True)
    while os.path.exists("stuck"): time.sleep(0.01)
    return [b"ok"]
"""


def nothing_left(srv):
    wait_until(lambda: not processes.marked(srv.mark, srv.pid), srv.seconds(20), "every process to be gone")


@pytest.mark.parametrize("more", [[], ["--no-orphans"], ["--mule"], ["--logger", "stdio"]], ids=lambda more: "".join(more) or "plain")
@pytest.mark.parametrize("phase", ["load", "serve", "trial", "drain"])
def test_nothing_is_left_of_a_server_whose_master_is_killed(server, inside, phase, more):
    """In whatever phase that happens."""
    folder = inside({"held_up.py": LOADING})
    lazy = ["--lazy-apps"] if phase == "load" else []
    if phase == "load":
        (folder / "held").touch()
    srv = server(args=["--master", "--processes", "2", *lazy, *more, "-w", "held_up"], cwd=folder, exit_status=-9, ready=False)
    srv.wait_log("^loading")
    if phase != "load":
        srv.wait_log("spawned uWSGI worker 2")
        assert srv.get("/").status == 200
    if phase == "trial":
        (folder / "held").touch()
        srv.signal(signal.SIGHUP)
        wait_until(lambda: len(list(folder.glob("loading-*"))) == 2, srv.seconds(10), "the trial")
    if phase == "drain":
        (folder / "stuck").touch()
        with srv.connect(timeout=60) as connection:
            connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            srv.wait_log("^running")
            srv.signal(signal.SIGTERM)
            srv.wait_log("killing workers")
            os.kill(srv.pid, signal.SIGKILL)
            srv.ended(-9)
            (folder / "stuck").unlink()
    else:
        os.kill(srv.pid, signal.SIGKILL)
        srv.ended(-9)
    nothing_left(srv)


def test_who_forked_in_the_master_does_not_keep_the_workers(server):
    """A process with copies of all descriptors of the master, as fork without exec makes them, stands for nobody."""
    srv = server(app=LOADING + """
import signal
if os.fork() == 0:
    print("forked", os.getpid(), "by the application", file=sys.stderr, flush=True)
    os.setsid()
    signal.pause()
    os._exit(0)
""", args=["--master"], exit_status=-9)
    forked = int(srv.wait_log(r"^forked (\d+) by the application")[1])
    worker, = [pid for pid in srv.workers() if pid != forked]
    assert srv.get("/").status == 200
    os.kill(srv.pid, signal.SIGKILL)
    srv.ended(-9)
    srv.wait_log("my master disconnected")
    gone(srv, [worker])
    os.kill(forked, signal.SIGKILL)
    nothing_left(srv)


def starts_at(srv, server, **more):
    return server(front="none", args=["--http-socket", f"127.0.0.1:{srv.port}", "--wsgi-file",
                                      str(srv.names()["apps"] / "troubles.py")], ready=False, **more)


def test_a_start_waits_for_workers_that_have_not_noticed_the_death_of_their_master(server):
    srv = server(app="troubles", args=["--master"], exit_status=-9)
    worker, = serving(srv, 1)
    os.kill(worker, signal.SIGSTOP)
    os.kill(srv.pid, signal.SIGKILL)
    srv.ended(-9)
    again = starts_at(srv, server)
    again.wait_log(rf"^127\.0\.0\.1:{srv.port} is in use, trying again for up to 3 seconds \[http-socket = ")
    os.kill(worker, signal.SIGCONT)
    again.wait_log("^spawned uWSGI worker 1")
    assert again.log().count("is in use") == 1
    gone(srv, [worker])


def test_an_address_that_stays_in_use_is_an_error(server):
    srv = server(app="troubles")
    again = starts_at(srv, server, exit_status=1)
    again.ended(1)
    assert "probably another instance of uWSGI is running on the same address" in again.log()
    assert "Address already in use" in again.log()
    assert srv.get("/").status == 200
