# SPDX-License-Identifier: Apache-2.0
"""wsgi.input with every method, by length and by chunks."""
import json
import os
import re
from urllib.parse import quote

import pytest

from support.http import chunked, make_request

BODY = b"ab\ncd\nefg"


@pytest.fixture(scope="module", params=["http", "http-socket", "socket"])
def srv(request, module_server):
    return module_server(app="input_cases", front=request.param)


def results(srv, *expressions, body=BODY):
    return json.loads(srv.request("POST", "/?" + quote(json.dumps(expressions)), body=body).body)


@pytest.mark.parity
@pytest.mark.parametrize("expressions, expected", [
    (["i.read()", "i.read()"], [BODY, b""]),
    (["i.read(-1)", "i.read(5)"], [BODY, b""]),
    (["i.read(3)", "i.read(100)", "i.read(1)"], [b"ab\n", b"cd\nefg", b""]),
    (["i.readline()", "i.readline()", "i.readline()", "i.readline()"], [b"ab\n", b"cd\n", b"efg", b""]),
    (["i.readline()", "i.read(2)", "i.readline()", "i.read()"], [b"ab\n", b"cd", b"\n", b"efg"]),
    (["i.readlines()", "i.readlines()"], [[b"ab\n", b"cd\n", b"efg"], []]),
    (["list(i)", "list(i)"], [[b"ab\n", b"cd\n", b"efg"], []]),
    (["next(i)", "i.read()"], [b"ab\n", b"cd\nefg"]),
    (["iter(i) is i"], [True]),
    (["[i.read(1) for _ in range(3)]", "i.read()"], [[b"a", b"b", b"\n"], b"cd\nefg"]),
])
def test_methods(srv, expressions, expected):
    assert results(srv, *expressions) == [repr(item) for item in expected]


@pytest.mark.parametrize("expressions, expected", [
    (["i.read(None)"], [BODY]),
    (["i.read(size=2)"], [b"ab"]),
    (["i.readline(1)", "i.readline(5)", "i.readline(2)"], [b"a", b"b\n", b"cd"]),
    (["i.readline(-1)"], [b"ab\n"]),
    (["i.readlines(1)"], [[b"ab\n"]]),
])
def test_what_pep_3333_asks_beyond_the_predecessor(srv, expressions, expected):
    assert results(srv, *expressions) == [repr(item) for item in expected]


@pytest.mark.parity
def test_no_body_reads_as_nothing(srv):
    assert results(srv, "i.read()", "i.readline()", "list(i)", body=b"") == ["b''", "b''", "[]"]


@pytest.mark.parity
def test_seek_out_of_range(server):
    srv = server(app="input_cases", args=["--post-buffering", "4096"])
    assert results(srv, "i.seek(1000)", "i.read()") == ["OSError: invalid seek position for wsgi.input", repr(BODY)]


@pytest.mark.parity
@pytest.mark.parametrize("size", ["1", "65536"])
def test_seek_with_post_buffering(server, size):
    srv = server(app="input_cases", args=["--post-buffering", size])
    assert results(srv, "i.read(3)", "i.seek(0)", "i.read()", "i.seek(6)", "i.read()")[2] == repr(BODY)
    assert results(srv, "i.read()", "i.seek(3)", "i.readline()") == [repr(BODY), "None", repr(b"cd\n")]


@pytest.mark.parity
def test_close_does_nothing(srv):
    assert results(srv, "i.close()", "i.read()") == ["None", repr(BODY)]


def test_chunked_bodies_read_the_same(server):
    srv = server(app="input_cases")
    query = quote(json.dumps(["i.readline()", "i.read(2)", "i.read()", "i.read()", "environ.get('wsgi.input_terminated')",
                              "environ.get('CONTENT_LENGTH')"]))
    with srv.connect() as connection:
        for pieces in ([BODY], [b"a", b"b\nc", b"d\nefg"], [bytes([byte]) for byte in BODY]):
            connection.send(make_request("POST", "/?" + query, [("Transfer-Encoding", "chunked")]) + chunked(*pieces))
            got = json.loads(connection.response("POST").body)
            assert got[:4] == [repr(b"ab\n"), repr(b"cd"), repr(b"\nefg"), "b''"]
            assert got[4] == "True"


@pytest.mark.parity
@pytest.mark.parametrize("front", ["http", "http-socket", "socket"])
@pytest.mark.parametrize("size", [70_000, 3_000_000])
def test_large_bodies_arrive_whole(server, front, size):
    srv = server(app="cases", front=front)
    assert srv.request("POST", "/length", body=b"z" * size).body == str(size).encode()


@pytest.mark.parity
@pytest.mark.parametrize("buffering", [[], ["--post-buffering", "4096"]])
def test_echo_of_a_large_body_is_equal(server, buffering):
    body = bytes(range(256)) * 2000
    assert server(app="cases", args=buffering).request("POST", "/echo", body=body).body == body


def test_large_chunked_body(server):
    srv = server(app="cases")
    pieces = [bytes([65 + i % 26]) * (1000 + i * 37) for i in range(200)]
    with srv.connect() as connection:
        connection.send(make_request("POST", "/echo", [("Transfer-Encoding", "chunked")]) + chunked(*pieces))
        assert connection.response("POST").body == b"".join(pieces)


@pytest.mark.parametrize("size", [9, 200_000])
def test_a_body_that_ends_early_is_an_error(server, size):
    """The application sees OSError or is not called at all; it never gets a short body that looks whole."""
    srv = server(app="cases", allow=["Traceback"])
    with srv.connect() as connection:
        connection.send(make_request("POST", "/input_error", [("Content-Length", str(size))]) + b"abc")
        connection.finish_sending()
        answer = connection.read_to_close()
    assert b"whole" not in answer
    assert "input: whole" not in srv.log()
    assert srv.get("/one").body == b"one"


def test_a_body_that_stalls_times_out(server):
    srv = server(app="cases", args=["--socket-timeout", "1"], allow=["Traceback"])
    with srv.connect() as connection:
        connection.send(make_request("POST", "/input_error", [("Content-Length", "300000")]) + b"abc")
        answer = connection.read_to_close()
    assert b"whole" not in answer
    assert "input: whole" not in srv.log()


def test_input_of_an_earlier_request_is_detached(server):
    srv = server(app="cases", allow=["Traceback"])
    with srv.connect() as connection:
        assert connection.request("POST", "/kept_input", body=b"12345").body == b"first"
        second = connection.request("POST", "/kept_input", body=b"67890").body
    assert not second.startswith(b"read 5"), second


def test_chunked_read_has_what_arrives_until_the_end(server, inside):
    folder = inside({"reading.py": "import uwsgi\n"
                                   "def application(e, start_response):\n"
                                   "    start_response('200 OK', [])\n"
                                   "    for part in iter(uwsgi.chunked_read, b''):\n"
                                   "        yield part.upper()\n"
                                   "    yield uwsgi.chunked_read(3) + b'.'\n"})
    srv = server(args=["-w", "reading"], cwd=folder, allow=["Traceback"])
    head = make_request("POST", "/", [("Transfer-Encoding", "chunked")])
    with srv.connect() as connection:
        connection.send(head + chunked(b"first", b"second"))
        assert connection.response().body == b"FIRSTSECOND."
    with srv.connect() as connection:
        connection.send(head + chunked(b"x" * 300_000))  # more than is kept before the application is called
        assert connection.response().body == b"X" * 300_000 + b"."
    with srv.connect() as connection:
        connection.send(head + b"3\r\nabc\r\n")
    srv.wait_log("OSError: unable to receive chunked part")


STARVED = """import os
import resource

outcome = []

def application(environ, start_response):
    if environ["PATH_INFO"] == "/starve":
        size = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (size + (8 << 20), resource.RLIM_INFINITY))
    if environ["REQUEST_METHOD"] == "POST":
        for _ in range(2):
            try:
                getattr(environ["wsgi.input"], environ["QUERY_STRING"])()
            except (MemoryError, OSError) as problem:
                outcome.append(type(problem).__name__)
    start_response("200 OK", [])
    return [("%d %s" % (os.getpid(), " ".join(outcome))).encode()]
"""


@pytest.mark.crashes
@pytest.mark.parametrize("method", ["read", "readline", "readlines"])
def test_a_body_that_memory_does_not_hold_costs_its_request_only(server, tmp_path, method):
    """Neither the worker, nor does a later call give the rest as if it were all."""
    app = tmp_path / "starved.py"
    app.write_text(STARVED)
    srv = server(app=app)
    pid = srv.get("/starve").body.split()[0].decode()
    with srv.connect() as connection:
        try:
            connection.send(make_request("POST", "/?" + method, [("Content-Length", "60000000")]) + b"z" * 60_000_000)
        except OSError:
            pass  # the answer has come before
    assert re.fullmatch(rf"{pid} MemoryError (MemoryError|OSError)", srv.get("/").body.decode())


@pytest.mark.slow_build  # one keeps what was given back for a while
def test_a_long_line_does_not_stay_in_memory(server):
    srv = server(app="""
import os
def application(environ, start_response):
    size = len(environ["wsgi.input"].readline())
    start_response("200 OK", [("X-Pages", open("/proc/self/statm").read().split()[1])])
    return [str(size).encode()]
""")
    size = 64 << 20
    assert srv.request("POST", "/", body=b"x" * size).text == str(size)
    assert int(srv.get().get("X-Pages")) * os.sysconf("SC_PAGE_SIZE") < size
