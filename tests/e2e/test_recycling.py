# SPDX-License-Identifier: Apache-2.0
"""Workers that have reached a limit are replaced: the new one serves before the old one leaves, and nothing is lost."""
import json
import re

import pytest

from support import processes
from support.load import Load
from support.processes import wait_until

AT_ONCE = ["--master", "--min-worker-lifetime", "0"]


def request(path, query=""):
    return f"GET {path}?{query} HTTP/1.1\r\nHost: x\r\n\r\n"


def other_worker(srv, first):
    return wait_until(lambda: (now := srv.get("/").text) != first and now, srv.seconds(30), "another worker")


@pytest.mark.parametrize("keep_alive", [False, True], ids=["new-connections", "keep-alive"])
@pytest.mark.parametrize("workers", [1, 2])
def test_max_requests_lose_nothing(server, workers, keep_alive):
    srv = server(app="workers", args=[*AT_ONCE, "--processes", workers, "--threads", "2", "--max-requests", "40"])
    with Load(srv, 4, keep_alive=keep_alive) as load:
        wait_until(lambda: len(load.bodies) > workers + 2 or load.failures, srv.seconds(60), "several generations of workers")
    assert not load.failures, load.failures[:5]


def test_the_replacement_starts_before_the_old_one_leaves(server):
    srv = server(app="workers", args=[*AT_ONCE, "--max-requests", "3"])
    first = srv.get("/").text
    other_worker(srv, first)
    srv.wait_log(rf"worker 1 killed successfully \(pid: {first}\)")
    log = srv.log()
    assert re.search(rf"worker 1 \(pid: {first}\) has served 3 requests \(max-requests\)", log)
    assert log.index("Respawned uWSGI worker 1") < log.index("worker 1 killed successfully")


def test_a_running_request_does_not_keep_the_only_worker_busy(server):
    srv = server(app="troubles", args=[*AT_ONCE, "--threads", "2", "--max-requests", "2"])
    go = srv.folder / "go"
    with srv.connect() as connection:
        connection.send(request("/wait", go))
        first = srv.wait_log(r"begin /wait in (\d+)")[1]
        other_worker(srv, first)
        assert processes.alive(int(first)), "it finishes its request"
        go.write_text("")
        assert connection.response().text == first
    wait_until(lambda: not processes.alive(int(first)), srv.seconds(20), "the old worker to leave")


def test_one_worker_at_a_time(server):
    srv = server(app="workers", args=[*AT_ONCE, "--processes", "4", "--max-requests", "25"])
    most = 0
    with Load(srv, 8) as load:
        def several():
            nonlocal most
            most = max(most, len(processes.children(srv.pid)))
            return srv.log().count("killed successfully") >= 8 or load.failures
        wait_until(several, srv.seconds(60), "eight replacements")
    assert not load.failures, load.failures[:5]
    assert most <= 6, "four workers, one replacement, and perhaps one that takes leave"


def test_counters_never_go_back(server):
    srv = server(app="troubles", args=[*AT_ONCE, "--max-requests", "5"])
    last, pids = 0, set()

    def look():
        nonlocal last
        worker = json.loads(srv.get("/workers").text)[0]
        assert worker["requests"] >= last, "the counter of a worker went back"
        last = worker["requests"]
        pids.add(worker["pid"])
        return len(pids) > 3
    wait_until(look, srv.seconds(60), "several generations")


def test_max_worker_lifetime(server):
    srv = server(app="workers", args=[*AT_ONCE, "--max-worker-lifetime", "1"])
    first = srv.get("/").text
    other_worker(srv, first)
    srv.wait_log(r"^worker 1 lifetime reached, it was running for \d+ second\(s\)$")
    srv.wait_log(rf"worker 1 killed successfully \(pid: {first}\)")


@pytest.mark.parametrize("option, megabytes, path", [("--reload-on-rss", 300, "/hoard"), ("--reload-on-as", 5000, "/map")])
def test_memory_limits(server, option, megabytes, path):
    srv = server(app="troubles", args=[*AT_ONCE, option, megabytes])
    first = srv.get("/").text
    assert srv.get(f"{path}?{megabytes}").text == first
    other_worker(srv, first)
    srv.wait_log(rf"worker 1 \(pid: {first}\) .* bytes.*\({option[2:]}\)$")


def test_evil_limit_does_not_wait_for_the_request(server):
    srv = server(app="troubles", args=[*AT_ONCE, "--evil-reload-on-rss", "300", "--mem-collector-freq", "1", "--reload-mercy", "1"],
                 allow=["NO MERCY"])
    with srv.connect() as connection:
        connection.send(request("/hoard-wait", f"400,{srv.folder}/never"))
        first = srv.wait_log(r"begin /hoard-wait in (\d+)")[1]
        srv.wait_log(rf"^\*\*\* EVIL RELOAD ON WORKER 1 RSS: \d+ \(pid: {first}\) \*\*\*$", timeout=srv.seconds(20))
        other_worker(srv, first)
        wait_until(lambda: not processes.alive(int(first)), srv.seconds(20), "the old worker to be killed")


@pytest.mark.parametrize("option, value", [
    ("--reload-on-exception", None), ("--reload-on-exception-type", "ValueError"),
    ("--reload-on-exception-value", "the value"), ("--reload-on-exception-repr", "ValueError('the value')")])
def test_reload_on_exception(server, option, value):
    srv = server(app="troubles", args=[*AT_ONCE, option, *([value] if value else [])], allow=["Traceback"])
    first = srv.get("/").text
    assert srv.get("/raise?ValueError").status == 500
    other_worker(srv, first)
    srv.wait_log(rf"^\.\.\. monitored exception detected, respawning worker 1 \(pid: {first}\)\.\.\.$")


def test_other_exceptions_change_nothing(server):
    srv = server(app="troubles", args=[*AT_ONCE, "--reload-on-exception-type", "ValueError"], allow=["Traceback"])
    first = srv.get("/").text
    assert srv.get("/raise?KeyError").status == 500
    assert srv.get("/").text == first


def test_a_replacement_that_cannot_start_leaves_the_old_one(server, inside):
    """With lazy-apps the application may have been broken meanwhile."""
    good = "import os\ndef application(e, s):\n    s('200 OK', [])\n    return [str(os.getpid()).encode()]\n"
    folder = inside({"fragile.py": good})
    srv = server(args=[*AT_ONCE, "--lazy-apps", "--max-requests", "5", "-w", "fragile"], cwd=folder, allow=["Traceback"])
    first = srv.get("/").text
    (folder / "fragile.py").write_text("1/0\n")
    for _ in range(5):
        srv.get("/")
    srv.wait_log("OOPS ! failed loading app in worker 1")
    assert srv.get("/").text == first
    (folder / "fragile.py").write_text(good)
    other_worker(srv, first)


BREAKABLE = """
import os, time
from pathlib import Path
folder = Path(__file__).parent
if (folder / "gate").exists():
    print("loading\\n", end="", flush=True)
    while (folder / "gate").exists(): time.sleep(0.01)
if (folder / "broken").exists(): 1/0
def application(environ, start_response):
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
"""


def test_a_limit_that_is_reached_during_a_reload_counts_when_that_is_given_up(server):
    srv = server(app=BREAKABLE, args=[*AT_ONCE, "--lazy-apps", "--max-requests", "3", "--master-fifo", "{folder}/fifo"], allow=["Traceback"])
    first = srv.get("/").text
    for name in "gate", "broken":
        (srv.folder / name).write_text("")
    (srv.folder / "fifo").write_text("w")
    srv.wait_log("^loading$")
    for _ in range(2):
        assert srv.get("/").text == first
    srv.wait_log(r"has served 3 requests \(max-requests\)")
    (srv.folder / "gate").unlink()
    srv.wait_log("the reload of the workers has been given up")
    (srv.folder / "broken").unlink()
    other_worker(srv, first)


def test_a_limit_counts_also_when_a_reload_comes_before_its_turn(server):
    srv = server(app=BREAKABLE, args=[*AT_ONCE, "--processes", "2", "--lazy-apps", "--max-requests", "3", "--master-fifo", "{folder}/fifo"],
                 allow=["Traceback"])
    srv.wait_log("WSGI app 0 .* ready", count=2)
    before = set(processes.children(srv.pid))
    for name in "gate", "broken":
        (srv.folder / name).write_text("")
    wait_until(lambda: srv.get("/").status == 200 and srv.log().count("(max-requests)") == 2, srv.seconds(30), "both to reach the limit")
    (srv.folder / "fifo").write_text("w")
    srv.wait_log("^loading$", count=2)
    (srv.folder / "gate").unlink()
    srv.wait_log("the reload of the workers has been given up")
    (srv.folder / "broken").unlink()
    wait_until(lambda: not before & set(processes.children(srv.pid)), srv.seconds(40), "the workers of before to end")
