# SPDX-License-Identifier: Apache-2.0
"""The statistics socket: the document, who gets it and how, and clients that behave badly."""
import json
import os
import resource
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from support.http import Closed
from support.processes import wait_until
from support.server import free_port
from support.stats import connect, http, raw, read_all, stats

APP = """
import time, threading
go = threading.Event()
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/hold":
        import os
        while not os.path.exists(environ["QUERY_STRING"]):
            time.sleep(0.01)
    if path == "/boom":
        raise ValueError("boom")
    status = {"/missing": "404 Not Found", "/error": "500 Internal Server Error"}.get(path, "200 OK")
    start_response(status, [("Content-Type", "text/plain")])
    return [b"x" * 100]
"""

INT, TEXT, LIST, DICT = int, str, list, dict
TOP = [("version", TEXT), ("listen_queue", INT), ("listen_queue_errors", INT), ("signal_queue", INT), ("load", INT),
       ("pid", INT), ("uid", INT), ("gid", INT), ("cwd", TEXT), ("locks", LIST), ("sockets", LIST), ("workers", LIST)]
SOCKET = [("name", TEXT), ("proto", TEXT), ("queue", INT), ("max_queue", INT), ("shared", INT), ("can_offload", INT)]
WORKER = [("id", INT), ("pid", INT), ("accepting", INT), ("requests", INT), ("delta_requests", INT), ("exceptions", INT),
          ("harakiri_count", INT), ("signals", INT), ("signal_queue", INT), ("status", TEXT), ("rss", INT), ("vsz", INT),
          ("running_time", INT), ("last_spawn", INT), ("respawn_count", INT), ("tx", INT), ("avg_rt", INT),
          ("apps", LIST), ("cores", LIST)]
APPLICATION = [("id", INT), ("modifier1", INT), ("mountpoint", TEXT), ("startup_time", INT), ("requests", INT),
               ("exceptions", INT), ("chdir", TEXT)]
CORE = [("id", INT), ("requests", INT), ("static_requests", INT), ("routed_requests", INT), ("offloaded_requests", INT),
        ("write_errors", INT), ("read_errors", INT), ("in_request", INT), ("vars", LIST), ("req_info", DICT)]
LOCKS = ["user 0", "signal", "filemon", "timer", "rbtimer", "cron", "rpc", "snmp"]


def check(value, schema, more=False):
    """Keys in the order of the schema, each of its type; `more`: others may follow."""
    keys = list(value)
    assert keys[:len(schema)] == [key for key, _ in schema]
    assert more or len(keys) == len(schema)
    for key, kind in schema:
        assert type(value[key]) is kind, (key, value[key])


@pytest.fixture
def start(server):
    """start(*args) -> (server, address of its statistics)."""

    def make(*args, app=APP, **more):
        port = free_port()
        srv = server(app=app, args=["--master", "--stats", f"127.0.0.1:{port}", *args], **more)
        wait_until(lambda: can_connect(("127.0.0.1", port)), 20, "the statistics socket")
        return srv, ("127.0.0.1", port)

    return make


def can_connect(address):
    try:
        connect(address).close()
        return True
    except OSError:
        return False


def reads(address):
    """The document; None while nobody answers, as between two programs of a reload."""
    try:
        return stats(address)
    except (OSError, ValueError):
        return None


def worker(address, number=1):
    return stats(address)["workers"][number - 1]


@pytest.mark.parity
def test_document_has_the_keys_types_and_order_of_the_reference(start):
    srv, address = start("--processes", "2", "--threads", "2")
    assert srv.get("/").status == 200

    def quiet():
        """The document of after the request."""
        document = stats(address)
        done = [worker["requests"] for worker in document["workers"] if not any(core["vars"] for core in worker["cores"])]
        return document if len(done) == 2 and sum(done) == 1 else None

    document = wait_until(quiet, what="the request to be counted")
    check(document, TOP, more=srv.program.is_ours)
    assert document["pid"] == srv.pid and document["cwd"] == str(srv.folder)
    assert [list(lock)[0] for lock in document["locks"]] == LOCKS
    check(document["sockets"][0], SOCKET)
    assert document["sockets"][0]["name"] == f"127.0.0.1:{srv.port}" and document["sockets"][0]["proto"] == "http"
    assert [entry["id"] for entry in document["workers"]] == [1, 2]
    for entry in document["workers"]:
        check(entry, WORKER)
        assert entry["pid"] in srv.workers() and entry["respawn_count"] == 1
        assert len(entry["cores"]) == 2
        for core in entry["cores"]:
            check(core, CORE)
            assert core["vars"] == [] and core["req_info"] == {}
        for application in entry["apps"]:
            check(application, APPLICATION)
            assert application["mountpoint"] == ""
    assert sum(entry["tx"] for entry in document["workers"]) > 100


@pytest.mark.parity
def test_running_request_shows_its_variables(start, tmp_path):
    srv, address = start()
    release = tmp_path / "release"
    holding = threading.Thread(target=srv.get, args=(f"/hold?{release}",), kwargs={"headers": {"X-Quote": 'a "b"'}})
    holding.start()
    try:
        wait_until(lambda: worker(address)["cores"][0]["vars"], what="variables of the request")
        assert worker(address)["status"] == "busy"
        core = worker(address)["cores"][0]
        assert core["in_request"] == 1 and core["vars"][-1] == ""
        assert "PATH_INFO=/hold" in core["vars"] and 'HTTP_X_QUOTE=a "b"' in core["vars"]
        assert f"SERVER_PORT={srv.port}" in core["vars"]
        assert list(core["req_info"]) == ["request_start"]
        assert abs(core["req_info"]["request_start"] - time.time()) < 60
    finally:
        release.touch()
        holding.join()
    wait_until(lambda: worker(address)["status"] == "idle", 10, "an idle worker")
    wait_until(lambda: worker(address)["cores"][0]["vars"] == [], what="no variables")


def test_long_variables_are_cut_and_the_document_stays_valid(start, tmp_path):
    srv, address = start("--buffer-size", "32768")
    release = tmp_path / "release"
    headers = {f"X-Long-{i}": "\xff" * 3000 for i in range(6)}
    holding = threading.Thread(target=srv.get, args=(f"/hold?{release}",), kwargs={"headers": headers})
    holding.start()
    try:
        shown = wait_until(lambda: worker(address)["cores"][0]["vars"], what="variables of the request")
        assert "PATH_INFO=/hold" in shown and shown[-1] == ""
        assert sum(map(len, shown)) <= 4096
    finally:
        release.touch()
        holding.join()


@pytest.mark.parity
def test_formats(start):
    _, address = start("--stats-minified", "--stats-no-cores")
    text = raw(address).decode()
    assert "\n" not in text and "\t" not in text
    assert "cores" not in json.loads(text)["workers"][0]


@pytest.mark.parity
def test_default_format_has_tabs(start):
    _, address = start()
    text = raw(address).decode()
    assert text.startswith('{\n\t"version":"') and text.endswith("\n}")
    assert '\t"locks":[\n\t\t{\n\t\t\t"user 0":0\n\t\t},\n' in text
    assert '"vars":[\n\n\t\t\t\t\t],\n\t\t\t\t\t"req_info":\t\t\t\t\t{\n\n\t\t\t\t\t}\n' in text


@pytest.mark.parity
def test_stats_http_prepends_the_known_head(start):
    _, address = start("--stats-http")
    got = raw(address, b"GET /whatever HTTP/1.0\r\n\r\n")
    head, _, body = got.partition(b"\r\n\r\n")
    assert head == (b"HTTP/1.0 200 OK\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\n"
                    b"Content-Type: application/json")
    assert json.loads(body)["workers"]


def test_stats_http_answers_who_says_nothing(start):
    _, address = start("--stats-http")
    assert json.loads(raw(address))["workers"]


def test_plain_socket_answers_browsers_and_raw_clients(start):
    srv, address = start()
    assert json.loads(raw(address, b"hello"))["pid"] == srv.pid
    status, headers, body = http(address, "/stats")
    assert (status, headers["Content-Type"]) == (200, "application/json") and json.loads(body)["pid"] == srv.pid
    assert "Access-Control-Allow-Origin" not in headers
    assert json.loads(http(address, "/")[2])["pid"] == srv.pid
    status, headers, body = http(address, "/", ["Accept: text/html"])
    assert headers["Content-Type"].startswith("text/html") and b"<html" in body
    assert http(address, "/stats", method="HEAD")[2] == b""
    with connect(address) as client:  # half closed: nothing more will be said
        client.shutdown(socket.SHUT_WR)
        assert json.loads(read_all(client))["pid"] == srv.pid


@pytest.mark.parity
def test_unix_socket_and_vacuum(server, tmp_path):
    path = tmp_path / "stats.sock"
    srv = server(app=APP, args=["--master", "--stats", str(path), "--vacuum", "--chmod-socket=600"])
    wait_until(path.exists, 10, "the socket")
    assert path.stat().st_mode & 0o777 == 0o600
    assert stats(str(path))["pid"] == srv.pid
    srv.stop()
    assert not path.exists()


def test_abstract_socket_has_the_exact_name(server):
    name = f"stats-{os.getpid()}"
    srv = server(app=APP, args=["--master", "--stats", "@" + name])
    assert stats("\0" + name)["pid"] == srv.pid


def test_an_address_in_use_ends_the_start_before_any_worker(program, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = program.run("--http-socket", f"127.0.0.1:{free_port()}", "--stats", f"127.0.0.1:{port}",
                           "--wsgi-file", str(Path(__file__).parents[1] / "apps" / "hello.py"), cwd=tmp_path)
    assert done.returncode == 1
    assert "Address already in use" in done.stdout and "stats" in done.stdout
    assert "spawned uWSGI worker" not in done.stdout


def test_stats_start_a_master(server):
    port = free_port()
    server(app=APP, args=["--stats", f"127.0.0.1:{port}"])
    wait_until(lambda: can_connect(("127.0.0.1", port)), 20, "the statistics socket")
    assert stats(("127.0.0.1", port))["workers"][0]["id"] == 1


# -- clients that behave badly


def test_slow_clients_are_dropped_and_disturb_nobody(start):
    srv, address = start("--socket-timeout", "1", "--processes", "2", "--threads", "32")
    silent = [connect(address) for _ in range(60)]  # one after the other they would take a minute
    slow = connect(address)
    slow.sendall(b"GET /st")
    reader = connect(address)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    begun = time.monotonic()
    assert stats(address)["pid"] == srv.pid
    assert srv.get("/").status == 200
    assert time.monotonic() - begun < 30
    assert read_all(slow) == b"", "half a request is no request"
    for client in silent + [slow, reader]:
        client.close()
    assert stats(address)["pid"] == srv.pid


def established(address):
    """How many connections to this address the system knows, as its server sees them."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{address[1]:04X}") and row[3] == "01" for row in rows)


def test_a_reader_that_stops_is_dropped(start):
    srv, address = start("--socket-timeout", "5", "--processes", "4", "--threads", "64")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(address)
        assert established(address) >= 1
        wait_until(lambda: established(address) == 0, 20, "the end of the connection")
    assert stats(address)["pid"] == srv.pid


def test_thousands_of_connections_leave_the_master_its_time(start):
    srv, address = start("--socket-timeout", "2")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 10_000
    if hard != resource.RLIM_INFINITY and hard < count + 500:
        count = max(hard - 500, 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 500, hard) if hard > 0 else count + 500, hard))
    crowd = []
    try:
        for _ in range(count):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            crowd.append(client)
        victim = srv.workers()[0]
        os.kill(victim, signal.SIGKILL)
        srv.allow("DAMN !")
        begun = time.monotonic()
        wait_until(lambda: set(srv.workers()) - {victim}, what="another worker")
        assert srv.get("/").status == 200
        assert time.monotonic() - begun < 30, "the master was busy with its visitors"
    finally:
        for client in crowd:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: worker(address)["respawn_count"] == 2, 20, "its turn")


# -- what is counted


@pytest.mark.parity
def test_exceptions_and_respawns(start):
    srv, address = start(allow=["Traceback", "DAMN !"])
    srv.get("/boom")
    wait_until(lambda: worker(address)["exceptions"] == 1, 5, "the exception")
    os.kill(worker(address)["pid"], signal.SIGKILL)
    wait_until(lambda: worker(address)["respawn_count"] == 2 and worker(address)["accepting"], 10, "another process")
    assert worker(address)["exceptions"] == 1, "counters go on"
    assert worker(address)["delta_requests"] == 0


def test_memory_is_measured(start):
    srv, address = start()
    statm = Path(f"/proc/{srv.workers()[0]}/statm").read_text().split()
    wait_until(lambda: worker(address)["rss"] > 0, 5, "a measurement")
    assert abs(worker(address)["vsz"] - int(statm[0]) * 4096) < 64 << 20


def test_apps_count_for_themselves(server, tmp_path):
    port = free_port()
    (tmp_path / "one.py").write_text(APP)
    srv = server(args=["--master", "--stats", f"127.0.0.1:{port}", "--manage-script-name", "--mount",
                       f"/one={tmp_path}/one.py", "--mount", f"/two={tmp_path}/one.py"])
    for path in ("/one/x", "/two/x", "/two/y"):
        assert srv.get(path).status == 200
    address = ("127.0.0.1", port)
    wait_until(lambda: worker(address)["requests"] == 3, 5, "three requests")

    def counts():
        return {entry["mountpoint"]: entry["requests"] for entry in worker(address)["apps"] if entry["requests"]}

    wait_until(lambda: counts() == {"/one": 1, "/two": 2}, what=counts)


def test_answers_by_status_and_time(start):
    srv, address = start()
    for path in ("/", "/missing", "/error"):
        srv.get(path)
    wait_until(lambda: worker(address)["requests"] == 3, 5, "three requests")
    wait_until(lambda: stats(address)["responses"] == [0, 0, 1, 0, 1, 1], what=lambda: stats(address)["responses"])
    wait_until(lambda: sum(stats(address)["response_times"]["counts"]) == 3, what="their times")


def test_unanswered_connections_have_a_reason(start):
    srv, address = start()
    with srv.connect() as client:
        client.send(b"GET / HT")
    wait_until(lambda: stats(address)["closed"]["client-left-in-head"] == 1, 10, "the reason")
    srv.wait_log(r"closed the connection of 127\.0\.0\.1 unanswered, reason: client-left-in-head")


def stats_or_none(address):
    """None while the master becomes another program: a connection of that moment is closed."""
    try:
        return stats(address)
    except (OSError, ValueError):
        return None


def test_ends_of_workers_have_a_reason(start, tmp_path):
    srv, address = start(allow=["DAMN !"])
    with srv.connect() as connection:
        connection.send(f"GET /hold?{tmp_path}/never HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: worker(address)["status"] == "busy", 10, "the request to run")
        os.kill(worker(address)["pid"], signal.SIGKILL)
        assert connection.is_closed()
    wait_until(lambda: stats(address)["worker_ends"]["signal"] == 1, 10, "signal")
    assert stats(address)["closed"]["worker-died"] == 1
    srv.wait_log(r"worker 1 \(pid: \d+\) ended with signal 9, reason: signal, requests left unanswered: 1")


def test_reloads_are_counted_over_reloads(start):
    srv, address = start()
    assert stats(address)["reloads"] == {"done": 0, "failed": 0, "workers": 0, "last": 0}
    app = srv.folder / "app_under_test.py"
    text = app.read_text()
    app.write_text("raise SystemError('no')\n")
    srv.allow("Traceback")
    srv.signal(signal.SIGHUP)
    wait_until(lambda: stats(address)["reloads"]["failed"] == 1, 20, "the failed reload")
    app.write_text(text)
    srv.signal(signal.SIGHUP)
    wait_until(lambda: (stats_or_none(address) or {"reloads": {"done": 0}})["reloads"]["done"] == 1, 30, "the reload")
    document = stats(address)
    assert document["reloads"]["failed"] == 1 and document["pid"] == srv.pid
    assert abs(document["reloads"]["last"] - time.time()) < 120
    srv.wait_log(r"ended with status \d+, reason: reloaded")


@pytest.mark.parametrize("asks", ["at once", "later over http"])
def test_a_client_that_comes_before_a_reload_is_answered(start, asks):
    """It is in, and says nothing, when the program is replaced."""
    over_http = asks != "at once"
    srv, address = start(*(["--stats-http"] if over_http else []))
    srv.wait_log("spawned uWSGI worker 1")
    finished = threading.Event()
    answers, broken = [], []

    def ask():
        while not finished.is_set():
            try:
                with connect(address) as client:
                    if over_http:
                        time.sleep(0.02)  # a client as slow as a network is, not a wait for something
                        client.sendall(b"GET /stats HTTP/1.0\r\n\r\n")
                    text = b"".join(iter(lambda: client.recv(65536), b""))
                json.loads(text.split(b"\r\n\r\n")[-1])
                answers.append(text)
            except (OSError, ValueError) as problem:
                broken.append(repr(problem))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for count in (1, 2, 3):
            srv.signal(signal.SIGHUP)
            srv.wait_log(r"gracefully \(RE\)spawned uWSGI master process", count=count, timeout=30)
            srv.wait_log("spawned uWSGI worker 1", count=count + 1)
    finally:
        finished.set()
        for thread in threads:
            thread.join()
    assert answers and not broken, broken[:3]


# -- health


def test_health_and_readiness_follow_the_life_of_the_server(start, tmp_path):
    srv, address = start("--ready-busy-threshold", "1")
    assert http(address, "/healthz")[0] == 200
    wait_until(lambda: http(address, "/readyz")[0] == 200, 20, "readiness")
    release = tmp_path / "release"
    holding = threading.Thread(target=srv.get, args=(f"/hold?{release}",))
    holding.start()
    try:
        wait_until(lambda: http(address, "/readyz")[0] == 503, 20, "no free core for long")
        assert b"busy" in http(address, "/readyz")[2]
        assert http(address, "/healthz")[0] == 200
        srv.signal(signal.SIGTERM)
        wait_until(lambda: b"stopping" in http(address, "/readyz")[2], 10, "the drain")
    finally:
        release.touch()
        holding.join()
    srv.ended(0)


def test_not_ready_before_the_application_is_loaded(server, tmp_path):
    release, port = tmp_path / "release", free_port()
    app = f"import os, time\nwhile not os.path.exists({str(release)!r}):\n    time.sleep(0.01)\n" + APP
    srv = server(app=app, args=["--master", "--lazy-apps", "--stats", f"127.0.0.1:{port}"])
    address = ("127.0.0.1", port)
    try:
        wait_until(lambda: can_connect(address), 20, "the statistics socket")
        assert http(address, "/readyz")[0] == 503
        assert http(address, "/healthz")[0] == 200
    finally:
        release.touch()
    wait_until(lambda: http(address, "/readyz")[0] == 200, 20, "readiness")
    assert srv.get("/").status == 200
