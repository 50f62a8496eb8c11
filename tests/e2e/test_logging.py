# SPDX-License-Identifier: Apache-2.0
"""The log: request lines, filters, files."""
import os
import re
import signal
import socket

import pytest

from support.load import Load
from support.processes import wait_until

LINE = re.compile(
    r"^\[pid: (?P<pid>\d+)\|app: (?P<app>-?\d+)\|req: (?P<app_req>-?\d+)/(?P<req>\d+)\] (?P<addr>\S+) \((?P<user>.*?)\) "
    r"\{(?P<vars>\d+) vars in (?P<bytes>\d+) bytes\} \[(?P<time>\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\] "
    r"(?P<method>\S+) (?P<uri>\S+) => generated (?P<size>\d+) bytes in (?P<msecs>\d+) (?P<unit>msecs|micros)(?P<via> via \w+\(\))? "
    r"\((?P<proto>\S+) (?P<status>\d+)\) (?P<headers>\d+) headers in (?P<hsize>\d+) bytes "
    r"\((?P<switches>\d+) switches on core (?P<core>\d+)\)$", re.M)


def lines(srv, count=1):
    return wait_until(lambda: len(found := list(LINE.finditer(srv.log()))) >= count and found, srv.seconds(10),
                      f"{count} request lines in\n{srv.log()[-1500:]}")


@pytest.mark.parity
@pytest.mark.parametrize("front", ["http", "http-socket", "socket"])
def test_request_line(server, front):
    srv = server(app="hello", front=front, args=["--threads", "1"])
    srv.get("/a?b=c")
    line = lines(srv)[0]
    expected = {"app": "0", "app_req": "1", "req": "1", "addr": "127.0.0.1", "user": "", "method": "GET", "uri": "/a?b=c",
                "size": "11", "proto": "HTTP/1.1", "status": "200", "headers": "1", "core": "0", "unit": "msecs", "switches": "1"}
    found = {key: line[key] for key in expected}
    if srv.program.is_ours:
        # Content-Length, which the predecessor does not add, counts as a header of the answer.
        assert int(found.pop("headers")) in (1, 2)
        expected.pop("headers")
    assert found == expected
    assert int(line["vars"]) % 2 == 0 and int(line["vars"]) > 10


@pytest.mark.parity
def test_counters_of_the_request_line(server):
    srv = server(app="hello")
    for _ in range(3):
        srv.get()
    assert [(line["app_req"], line["req"]) for line in lines(srv, 3)] == [("1", "1"), ("2", "2"), ("3", "3")]


@pytest.mark.parity
def test_pid_of_the_worker(server):
    srv = server(app="workers", args=["--master"])
    pid = srv.get("/").text
    assert lines(srv)[0]["pid"] == pid


@pytest.mark.parity
def test_remote_user_of_the_front_server(server):
    srv = server(app="hello", front="socket")
    srv.get(REMOTE_USER="alice")
    assert lines(srv)[0]["user"] == "alice"


@pytest.mark.parity
def test_failed_requests_are_logged_as_500(server):
    srv = server(app="cases", allow=["Traceback"])
    with srv.connect() as connection:
        connection.send(b"GET /raises HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.read_to_close()
    assert lines(srv)[0]["status"] == "500"
    assert srv.log().index("before start") < srv.log().index("[pid: ")


@pytest.mark.parity
def test_micros(server):
    srv = server(app="hello", args=["--log-micros"])
    srv.get()
    assert lines(srv)[0]["unit"] == "micros"


@pytest.mark.parity
def test_x_forwarded_for_by_option(server):
    srv = server(app="hello", args=["--log-x-forwarded-for"])
    srv.get(headers={"X-Forwarded-For": "9.8.7.6, 1.2.3.4"})
    match = srv.wait_log(r"^\[pid: .*\] (9\.8\.7\.6, 1\.2\.3\.4) \(\)")
    assert match


@pytest.mark.parity
@pytest.mark.parametrize("option", ["--disable-logging", "-L"])
def test_disable_logging(server, option):
    srv = server(app="hello", args=[option])
    for _ in range(3):
        srv.get()
    assert not LINE.search(srv.log())


@pytest.mark.parity
@pytest.mark.parametrize("option, path, logged", [
    ("--log-5xx", "/raises", True), ("--log-4xx", "/raises", False), ("--log-5xx", "/one", False)])
def test_filters_when_logging_is_disabled(server, option, path, logged):
    srv = server(app="cases", args=["--disable-logging", option], allow=["Traceback"])
    with srv.connect() as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        connection.read_to_close()
    if logged:
        assert lines(srv)[0]["uri"] == path
    else:
        srv.stop()
        assert not LINE.search(srv.log())


@pytest.mark.parity
def test_logto(server):
    srv = server(app="cases", args=["--logto", "{folder}/to.log"])
    srv.log_files.append(srv.folder / "to.log")
    srv.get("/errors")
    srv.wait_log("^to stdout$")
    text = wait_until(lambda: "GET /errors" in (read := (srv.folder / "to.log").read_text()) and read, what="the request line")
    assert "*** Starting uWSGI" in text
    assert (srv.folder / "to.log").stat().st_mode & 0o777 == 0o640


@pytest.mark.parity
def test_logto_appends(server, tmp_path):
    path = tmp_path / "old.log"
    path.write_text("old line\n")
    srv = server(app="hello", args=["--logto", path])
    srv.get()
    wait_until(lambda: "GET /" in path.read_text(), what="the request line")
    assert path.read_text().startswith("old line\n")


@pytest.mark.parity
def test_log_format(server):
    srv = server(app="hello", args=["--log-format", '%(addr) "%(method) %(uri) %(proto)" %(status) %(rsize) %(uagent) [%(var.HTTP_X_A)] 100%'])
    srv.get("/x?y", headers={"User-Agent": "e2e", "X-A": "b"})
    srv.wait_log(r'^127\.0\.0\.1 "GET /x\?y HTTP/1\.1" 200 11 e2e \[b\] 100%$')


def test_control_characters_do_not_forge_lines(server):
    srv = server(app="hello", front="socket", args=["--log-format", "%(uri) %(uagent)"])
    from support import packet

    packet.exchange(srv.address, packet.encode(packet.web_vars("GET", "/a\nforged", HTTP_USER_AGENT="x\r\nforged\x1b[0m")))
    srv.stop()
    assert "\nforged" not in srv.log() and "\x1b" not in srv.log()


def test_application_variables_in_the_log_format(server, inside):
    folder = inside({"vars.py": "import uwsgi\ndef application(e, s):\n    uwsgi.set_logvar('who', 'me')\n    s('200 OK', [])\n    return []\n"})
    srv = server(args=["-w", "vars", "--log-format", "%(who) %(nobody)"], cwd=folder)
    srv.get()
    srv.wait_log("^me -$")


def test_lines_are_never_torn(server):
    srv = server(app="hello", args=["--master", "--processes", "2", "--threads", "2"])
    target = "/" + "long" * 200
    with Load(srv, 6, target=target) as load:
        wait_until(load.after(300), srv.seconds(30), "300 answers")
    assert not load.failures
    srv.stop()
    found = [line for line in srv.log().splitlines() if "long" in line]
    assert len(found) == load.answers
    assert all(LINE.match(line) for line in found)


@pytest.mark.parity
def test_no_application_line(server):
    srv = server(args=["--master"])
    with srv.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.read_to_close()
    srv.wait_log("^--- no python application found, check your startup logs for errors ---$")
    srv.wait_log(r"^\[pid: \d+\|app: -1\|req: -1/1\]")


@pytest.mark.parity
def test_stop_and_respawn_phrases(server):
    srv = server(app="workers", args=["--master", "--processes", "1"], allow=["DAMN"])
    with srv.connect() as connection:
        connection.send(b"GET /die HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.read_to_close()
    srv.wait_log(r"^DAMN ! worker 1 \(pid: \d+\) died, killed by signal 9 :\( trying respawn \.\.\.$")
    srv.wait_log(r"^Respawned uWSGI worker 1 \(new pid: \d+\)$")


@pytest.mark.parity
def test_banner_facts(server):
    log = server(app="hello", args=["--master"]).log()
    for pattern in (r"^\*\*\* Starting uWSGI ", r"^nodename: " + re.escape(socket.gethostname()) + "$", r"^detected number of CPU cores: \d+$",
                    r"^current working directory: /", r"^Python version: 3\.", r"^your server socket listen backlog is limited to \d+ connections$",
                    r"^\*\*\* Operational MODE: single process \*\*\*$", r"^detected binary path: /"):
        assert re.search(pattern, log, re.M), pattern


def test_log_prefix_of_dates(server):
    srv = server(app="hello", args=["--log-date"])
    assert re.search(r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} - spawned uWSGI worker 1", srv.log(), re.M)


def test_a_slow_request_does_not_keep_the_lines_of_quick_ones(server):
    """Lines are written together, but not after the application has been inside a request for long."""
    srv = server(app="workers")
    go = srv.folder / "go"
    with srv.connect() as connection:
        connection.send(f"GET /quick HTTP/1.1\r\nHost: x\r\n\r\nGET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("^waiting in ")
        srv.wait_log(r"GET /quick => generated")
        assert not go.exists()
        go.write_text("")
        connection.response()
        connection.response()


def test_a_worker_that_ends_at_once_has_logged_what_it_answered(server):
    srv = server(app="workers", args=["--master"], allow=["DAMN"])
    with srv.connect() as connection:
        for _ in range(2):  # by the second answer it waits for more of this connection
            pid = int(connection.get("/").text)
        os.kill(pid, signal.SIGSTOP)  # it finds the request and then the signal
        connection.send("GET /last HTTP/1.1\r\nHost: x\r\n\r\n")
        os.kill(pid, signal.SIGQUIT)
        os.kill(pid, signal.SIGCONT)
        assert connection.response().status == 200
    srv.wait_log(rf"worker 1 \(pid: {pid}\) ended with status 30")
    assert "GET /last" in srv.log()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_printed_at_once_stays_in_one_line(server, inside, unbuffered):
    """Long lines of four processes, printed in many arguments."""
    code = inside({"chatty.py": """
import os, sys
def application(environ, start_response):
    for number in range(20):
        print("BEGIN", os.getpid(), *["word"] * 3000, "END")
        print("BEGIN", os.getpid(), "to stderr", "END", file=sys.stderr)
    start_response("200 OK", [])
    return [b"said"]
"""})
    srv = server(args=["--master", "--processes", "4", "--lazy-apps", "--chdir", str(code), "--module", "chatty", "--disable-logging"],
                 env={"PYTHONUNBUFFERED": unbuffered})
    with Load(srv, 8) as load:
        wait_until(load.after(40), srv.seconds(30), "40 answers")
    srv.stop()
    lines = [line for line in srv.log().split("\n") if re.search("BEGIN|END|word", line)]
    assert len(lines) == load.answers * 40
    long = re.compile(r"BEGIN \d+( word){3000} END")
    assert all(long.fullmatch(line) or re.fullmatch(r"BEGIN \d+ to stderr END", line) for line in lines)


def test_metrics_in_request_lines(server):
    srv = server(app="hello", args=["--master", "--metric", "name=mine,initial_value=7", "--enable-metrics",
                                    "--log-format", "%(method) mine=%(metric.mine) none=%(metric.none) worker=%(metric.worker.1.requests)"])
    assert srv.get("/").status == 200
    srv.wait_log(r"^GET mine=7 none=- worker=\d+$")
