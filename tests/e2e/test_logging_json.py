# SPDX-License-Identifier: Apache-2.0
"""log-json: every line of every process is one JSON object."""
import json
import os
import re
import signal

import pytest

from support import packet
from support.load import Load
from support.processes import wait_until

HEAD = ["time", "level", "process", "worker", "pid"]
LEVELS = {"info", "warning", "error", "critical"}


def objects(text):
    """Each line, checked for what every line has."""
    found = []
    for line in text.split("\n")[:-1]:
        entry = json.loads(line, object_pairs_hook=lambda pairs: pairs)
        assert [name for name, _ in entry][:5] == HEAD, line
        assert len({name for name, _ in entry}) == len(entry), f"a name twice: {line}"
        entry = dict(entry)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry["time"]), line
        assert entry["level"] in LEVELS and isinstance(entry["worker"], int) and entry["pid"] > 0, line
        found.append(entry)
    assert text.endswith("\n")
    return found


def log_of(srv):
    return srv.log_path.read_bytes().decode()  # strictly: no byte that is not UTF-8


def wait_for(srv, check, what):
    return wait_until(lambda: [entry for entry in objects_so_far(srv) if check(entry)], srv.seconds(15), f"{what} in {log_of(srv)[-2000:]}")


def objects_so_far(srv):
    text = log_of(srv)
    return objects(text[:text.rfind("\n") + 1])


def test_every_line_of_every_process(server):
    srv = server(app="talk", front="socket", args=["--log-json", "--master", "--processes", "2", "--threads", "2"], ready=False,
                 allow=["Traceback"])
    srv.wait_ready_by_socket()
    for path in ("/print?x", "/parts", "/child", "/bytes", "/raise", "/logvar", "/long"):
        srv.get(path)
    hostile = packet.web_vars("GET", '/"\\\n\x00\x1b[2J', HTTP_USER_AGENT='a"b\\\r\n{}', HTTP_HOST='h"', REMOTE_USER="u\x7f")
    packet.exchange(srv.address, packet.encode(hostile))
    with srv.connect() as connection:
        connection.send(b"\x00\xff\xff\x00" + b"\xfe\"{" * 100)
        connection.close()
    wait_for(srv, lambda entry: entry.get("uri", "").startswith('/"\\\n\x00'), "the hostile request")
    srv.stop()
    found = objects(log_of(srv))

    [request] = [entry for entry in found if entry.get("uri", "").startswith('/"')]
    assert request["user_agent"] == 'a"b\\\r\n{}' and request["host"] == 'h"' and request["user"] == "u\x7f"
    assert request["type"] == "request" and request["process"] == "worker" and request["worker"] in (1, 2)
    requests = [entry for entry in found if entry.get("type") == "request"]
    assert {"method", "uri", "protocol", "status", "duration_us", "body_bytes", "header_bytes", "request_bytes", "address",
            "referer", "core", "app", "requests", "started_us"} <= set(requests[0])
    [variables] = [entry["vars"] for entry in requests if "vars" in entry]
    assert dict(variables) == {'na"me': 'va"l\nue'}

    messages = {entry["message"]: entry for entry in found if "message" in entry}
    assert messages["one two three"]["process"] == "worker" and messages["one two three"]["worker"] in (1, 2)
    assert messages["from a child"]["worker"] in (1, 2)
    assert '{"quote": "\\"} \ufffd\ufffd \x00\x01\x1b[31m \r\u2028' in messages
    assert messages['by "log" \x01']["process"] == "worker"
    assert messages["spawned uWSGI worker 1 (pid: %d, cores: 2)" % worker_pid(found)]["process"] == "master"
    assert messages["goodbye to uWSGI."]["worker"] == 0
    trace = messages["Traceback (most recent call last):"]
    assert trace["level"] == "error" and trace["process"] == "worker"
    assert messages['ValueError: quoted "text"']["level"] == "error"
    assert messages["and a second line"]
    assert [entry["status"] for entry in requests if entry["uri"] == "/raise"] == [500]
    assert [entry["level"] for entry in requests if entry["uri"] == "/raise"] == ["error"]


def worker_pid(found):
    return next(int(match[1]) for entry in found if (match := re.match(r"spawned uWSGI worker 1 \(pid: (\d+)", entry.get("message", ""))))


def test_under_load_and_over_reloads(server):
    srv = server(app="talk", args=["--log-json", "--master", "--processes", "2"], ready=False)
    srv.wait_ready_by_socket()
    with Load(srv, 4, target="/print?x") as load:
        for times in (1, 2):
            srv.signal(signal.SIGHUP)
            wait_for(srv, lambda entry: "gracefully (RE)spawned uWSGI master" in entry.get("message", ""), "the reload")
            wait_until(load.after(50), srv.seconds(30), "50 answers")
    assert not load.failures
    srv.stop()
    found = objects(log_of(srv))
    assert len([entry for entry in found if entry.get("uri") == "/print?x"]) == load.answers
    assert not any("lost" in entry.get("message", "") for entry in found)


def test_a_reload_that_fails_is_told_in_json_too(server):
    srv = server(app="x = 1\ndef application(e, s):\n    s('200 OK', [])\n    return []\n", args=["--log-json", "--need-app"], ready=False,
                 allow=["Traceback"])
    srv.wait_ready_by_socket()
    (srv.folder / "app_under_test.py").write_text('raise RuntimeError("bro\\"ken")\n')
    srv.signal(signal.SIGHUP)
    wait_for(srv, lambda entry: "the reload has been given up" in entry.get("message", ""), "the end of the trial")
    assert any('RuntimeError: bro"ken' == entry.get("message") for entry in objects_so_far(srv))


def test_dated_lines_and_log_date_do_not_add_to_the_message(server):
    srv = server(app="workers", args=["--log-json", "--log-date", "--master"], allow=["DAMN"], ready=False)
    srv.wait_ready_by_socket()
    with srv.connect() as connection:
        connection.send(b"GET /die HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.read_to_close()
    [died] = wait_for(srv, lambda entry: entry.get("message", "").startswith("DAMN ! worker 1 "), "the death of the worker")
    assert died["level"] == "error" and died["process"] == "master"


def test_a_log_format_becomes_the_message(server):
    srv = server(app="talk", args=["--log-json", "--log-format", '%(method) "%(uagent)"'], ready=False)
    srv.wait_ready_by_socket()
    srv.get("/x", headers={"User-Agent": 'q"\\'})
    [entry] = wait_for(srv, lambda entry: entry.get("uri") == "/x", "the request")
    assert entry["message"] == 'GET "q"\\"'


def test_loggers_and_routes_get_objects(server):
    srv = server(app="talk", args=["--log-json", "--logger", "file:{folder}/all.log", "--req-logger", "file:{folder}/req.log"], ready=False)
    srv.wait_ready_by_socket()
    srv.get("/print?x")
    req = srv.folder / "req.log"
    wait_until(lambda: req.exists() and "/print" in req.read_text(), srv.seconds(10), "the request")
    srv.stop()
    assert all(entry["type"] == "request" for entry in objects(req.read_text()))
    assert not any("uri" in entry for entry in objects((srv.folder / "all.log").read_text()))


def test_errors_of_the_start(program, tmp_path):
    done = program.run("--log-json", "--http-socket", "127.0.0.1:0", "--chdir", tmp_path / "no\"where", cwd=tmp_path)
    assert done.returncode == 1
    assert 'no"where' in objects(done.stdout)[-1]["message"]


@pytest.mark.parity
def test_a_json_template_of_request_lines(server):
    srv = server(app="talk", args=["--log-format", '{{"uri":"%(uri)","agent":"%(uagent)","status":%(status),"none":"%(none)"}}'])
    agent = 'q"\\' if srv.program.is_ours else "q"
    srv.get("/x", headers={"User-Agent": agent})
    line = srv.wait_log('^{"uri":"/x".*$')[0]
    assert json.loads(line) == {"uri": "/x", "agent": agent, "status": 200, "none": "-"}
