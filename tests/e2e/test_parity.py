# SPDX-License-Identifier: Apache-2.0
"""The same requests to this server and to the real predecessor: environ, answers and log lines must agree, save for what was decided."""
import json
import re

import pytest

from support import packet
from support.http import make_request

# Where we decided to differ; everything else must be equal.
OWN_KEYS = {
    "uwsgi.version",           # its own
    "SERVER_PORT", "REMOTE_PORT",  # of another run
    "wsgi.input", "wsgi.errors", "wsgi.file_wrapper", "wsgi.input_terminated",
    "uwsgi.core",
}


@pytest.fixture(scope="module", params=["http", "http-socket", "socket", "unix"])
def pair(request, module_server, predecessor):
    def start(app, **more):
        allow = ["Traceback"]
        return (module_server(app=app, front=request.param, allow=allow, **more),
                module_server(app=app, front=request.param, allow=allow, program=predecessor, **more))

    start.front = request.param
    return start


@pytest.fixture(scope="module")
def environs(pair):
    return pair("environ")


@pytest.fixture(scope="module")
def cases(pair):
    return pair("cases")


def raw_answer(srv, method, target, headers=(), body=None, version="HTTP/1.1"):
    """All bytes up to the close; the connection is asked to close."""
    if srv.front in ("socket", "unix"):
        more = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers}
        return packet.exchange(srv.address, packet.encode(packet.web_vars(method, target, body, SERVER_PROTOCOL=version, **more), body or b""))
    with srv.connect() as connection:
        connection.send(make_request(method, target, [*headers, ("Connection", "close")], body, version))
        return connection.read_to_close()


def environ_of(srv, *args, **more):
    head, _, body = raw_answer(srv, *args, **more).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return {key: value for key, value in json.loads(body).items() if key not in OWN_KEYS}


REQUESTS = {
    "plain": ("GET", "/", [], None),
    "escapes and query": ("GET", "/foo%20bar/%C3%A9?q=1&r=%20", [], None),
    "folded path": ("GET", "/a/../b/./c//d", [], None),
    "encoded slash": ("GET", "/a%2Fb%3Fc", [], None),
    "headers": ("GET", "/", [("User-Agent", "e2e"), ("Accept", "*/*"), ("X-Under", "a b"), ("Cookie", "a=1; b=2")], None),
    "empty header": ("GET", "/", [("X-Empty", "")], None),
    "latin1": ("GET", "/", [("X-L", "caf\xe9")], None),
    "post": ("POST", "/form", [("Content-Type", "application/x-www-form-urlencoded")], b"a=1&b=2"),
    "put binary": ("PUT", "/", [("Content-Type", "application/octet-stream")], bytes(range(256))),
    "empty post": ("POST", "/", [], b""),
    "options": ("OPTIONS", "*", [], None),
    "own method": ("PURGE", "/x", [], None),
    "delete": ("DELETE", "/x?y", [], None),
    "question marks": ("GET", "/a?b?c=d?", [], None),
    "empty query": ("GET", "/a?", [], None),
}


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_environ(environs, name):
    ours, theirs = environs
    method, target, headers, body = REQUESTS[name]
    if ours.front in ("socket", "unix") and any(key == "Content-Type" for key, _ in headers):
        headers = []
    mine, real = (environ_of(srv, method, target, headers, body) for srv in (ours, theirs))
    missing = {key: real[key] for key in real if key not in mine}
    added = {key: mine[key] for key in mine if key not in real}
    differing = {key: (mine[key], real[key]) for key in mine if key in real and mine[key] != real[key]}
    if ours.front in ("socket", "unix"):
        added.pop("SCRIPT_NAME", None)  # PEP 3333 asks for it; the predecessor leaves it out
    assert (missing, added, differing) == ({}, {}, {})


def test_environ_of_http10(environs):
    mine, real = (json.loads(raw_answer(srv, "GET", "/", version="HTTP/1.0").partition(b"\r\n\r\n")[2]) for srv in environs)
    assert mine["SERVER_PROTOCOL"] == real["SERVER_PROTOCOL"] == ["str", "HTTP/1.0"]


def answer_of(srv, path, method="GET", body=None):
    """(status line, headers but those of framing, body), the body freed of chunks."""
    raw = raw_answer(srv, method, path, body=body)
    head, _, content = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    if any(line.lower() == "transfer-encoding: chunked" for line in lines):
        pieces = b""
        while True:
            size, _, content = content.partition(b"\r\n")
            if int(size, 16) == 0:
                break
            pieces, content = pieces + content[:int(size, 16)], content[int(size, 16) + 2:]
        content = pieces
    headers = [line for line in lines if line.lower().split(":")[0] not in ("content-length", "transfer-encoding", "connection")]
    return status, headers, content


@pytest.mark.parametrize("path", ["/one", "/two", "/two_tuple", "/generator", "/late_start", "/iterable", "/empty_list", "/empty_generator",
                                  "/bare_bytes", "/big", "/with_length", "/headers", "/bare_status", "/writes", "/file_real", "/file_memory",
                                  "/file_big", "/file_iterated", "/raises_in_close"])
def test_answers(cases, path):
    ours, theirs = cases
    assert answer_of(ours, path) == answer_of(theirs, path)


@pytest.mark.parametrize("size", [0, 1, 5000, 300_000])
def test_answers_to_bodies(cases, size):
    ours, theirs = cases
    body = bytes(i % 256 for i in range(size))
    assert answer_of(ours, "/echo", "POST", body) == answer_of(theirs, "/echo", "POST", body)


@pytest.mark.parametrize("path", ["/closed", "/iterable", "/closed"])
def test_close_calls(cases, path):
    ours, theirs = cases
    for srv in cases:
        answer_of(srv, "/closed")
        answer_of(srv, "/iterable")
    assert answer_of(ours, "/closed")[2] == answer_of(theirs, "/closed")[2] == b"iterable"


CHANGING = [
    (r"\d\d:\d\d:\d\d", "TIME"), (r"\w{3} \w{3} [ \d]\d TIME \d{4}", "DATE"), (r"0x[0-9a-f]+", "0xADDR"), (r"pid: \d+", "pid: P"),
    (r":\d{5}\b", ":PORT"), (r"\bfd \d+", "fd N"), (r"in \d+ msecs", "in N msecs"), (r"ready in \d+ seconds", "ready in N seconds"),
    (r"\{\d+ vars in \d+ bytes\}", "{V vars in B bytes}"), (r"/\S*/server\d+/", "FOLDER/"),
]


def normal(line):
    for pattern, replacement in CHANGING:
        line = re.sub(pattern, replacement, line)
    # Content-Length, Transfer-Encoding and Connection, which the predecessor does not add, are counted among the headers.
    return re.sub(r"\d+ headers in \d+ bytes", "H headers in B bytes", line)


def lines_of(srv, pattern):
    return sorted(normal(line) for line in srv.log().splitlines() if re.search(pattern, line))


@pytest.mark.parametrize("pattern", [
    r"^spawned uWSGI (master|worker)", r"^uwsgi socket \d", r"^\*\*\* Operational MODE", r"^WSGI app \d", r"^uWSGI http bound",
    r"^detected number of CPU cores", r"^nodename:",
])
def test_lines_of_the_start(pair, pattern):
    ours, theirs = pair("hello", args=["--master", "--processes", "2", "--threads", "2"])
    for srv in (ours, theirs):
        srv.wait_log("^spawned uWSGI worker 2")
    mine, real = lines_of(ours, pattern), lines_of(theirs, pattern)
    if pattern.startswith("^uwsgi socket") and ours.front == "http":
        return  # the socket between the router and the workers is not there any more
    assert mine == real


def test_request_lines(cases):
    pattern = r"GET /late_start =>"
    for srv in cases:
        earlier = len(re.findall(pattern, srv.log()))
        for path in ("/one", "/generator", "/bare_status", "/late_start"):
            answer_of(srv, path)
        srv.wait_log(pattern, count=earlier + 1)
    ours, theirs = cases

    def of(srv):
        found = [normal(line) for line in srv.log().splitlines() if re.search(r"GET /(one|generator|bare_status|late_start) =>", line)][-4:]
        return [re.sub(r"req: \d+/\d+", "req: N/N", re.sub(r"\(\d+ switches", "(S switches", line)) for line in found]

    assert of(ours) == of(theirs)


def test_vars_and_bytes_of_the_request_line(pair):
    """{n vars in m bytes}: counted as the packet that the front server sent, or would have sent."""
    if pair.front not in ("socket", "unix", "http-socket"):
        pytest.skip("the router adds variables of its own")
    found = []
    for srv in pair("hello"):
        raw_answer(srv, "GET", "/counted?x=y", [("X-A", "b")])
        match = srv.wait_log(r"\{(\d+) vars in (\d+) bytes\} .* GET /counted")
        found.append((match[1], int(match[2]) + (len(str(srv.port)) if srv.front == "http-socket" else 0)))
    assert found[0] == found[1]


def test_traceback_is_the_same_text(cases):
    for srv in cases:
        with srv.connect() as connection:
            if srv.front in ("socket", "unix"):
                connection.send(packet.encode(packet.web_vars("GET", "/raises")))
            else:
                connection.send(make_request("GET", "/raises"))
            connection.read_to_close()
        srv.wait_log("^ValueError: before start$")

    def of(srv):
        return re.findall(r"Traceback \(most recent call last\):\n(?:  .*\n)+ValueError: before start", srv.log())[-1]

    assert of(cases[0]) == of(cases[1])


@pytest.mark.parametrize("text", ["", "abc\n"])
def test_exit_codes_of_bad_starts(program, predecessor, tmp_path, text):
    """Zero or not zero, as init systems look at it."""
    path = tmp_path / "site.ini"
    path.write_text("[uwsgi]\n" + text)
    runs = [["--ini", path], ["--http-socket", "127.0.0.1:0", "--chdir", "/nowhere"], ["--ini", "/nowhere.ini"],
            ["--http-socket", "127.0.0.1:0", "--uid", "no-such-user"], ["--socket", "127.0.0.1:0", "--protocol", "gopher"]]
    for args in runs:
        mine, real = (which.run(*args).returncode for which in (program, predecessor))
        assert (mine != 0) == (real != 0), args
