# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on the wire: connections, bodies, expectations, limits."""
import json

import pytest

from support.http import Closed, chunked, make_request

FRONTS = ["http", "http-socket", "http11-socket"]


@pytest.fixture(scope="module", params=FRONTS)
def srv(request, module_server):
    return module_server(app="cases", front=request.param)


@pytest.fixture(scope="module")
def environ(module_server):
    return module_server(app="environ")


def one_answer(srv, data):
    """Sends bytes that must be answered once and then closed."""
    with srv.connect() as connection:
        connection.send(data)
        response = connection.response()
        assert connection.is_closed(), "the connection must be closed"
        return response


# -- connections


def test_connections_are_kept(srv):
    with srv.connect() as connection:
        for _ in range(5):
            assert connection.get("/one").body == b"one"
        assert connection.stays_open()


def test_connection_close_is_honoured(srv):
    with srv.connect() as connection:
        response = connection.get("/one", headers={"Connection": "close"})
        assert response.body == b"one"
        assert response.get("connection", "").lower() == "close"
        assert connection.is_closed()


@pytest.mark.parametrize("value", ["Close", "foo, close", "close, foo"])
def test_connection_close_in_a_list(srv, value):
    with srv.connect() as connection:
        connection.get("/one", headers={"Connection": value})
        assert connection.is_closed()


def test_http10_closes(srv):
    with srv.connect() as connection:
        assert connection.get("/one", version="HTTP/1.0").body == b"one"
        assert connection.is_closed()


def test_http10_keep_alive_is_told(srv):
    with srv.connect() as connection:
        response = connection.get("/one", version="HTTP/1.0", headers={"Connection": "keep-alive"})
        assert response.body == b"one"
        if response.get("connection", "").lower() == "keep-alive":
            assert connection.get("/one", version="HTTP/1.0").body == b"one"
        else:
            assert connection.is_closed()


@pytest.mark.parity
def test_http10_without_host(srv):
    with srv.connect() as connection:
        response = connection.get("/one", version="HTTP/1.0", host=None)
        assert response.status == 200


def test_pipelined_requests_are_answered_in_order(srv):
    paths = ["/one", "/two", "/generator", "/big", "/with_length", "/one"]
    bodies = [b"one", b"onetwo", b"onetwo", b"x" * 5_000_000, b"abcdef", b"one"]
    with srv.connect() as connection:
        connection.send(b"".join(make_request("GET", path) for path in paths))
        assert [connection.response().body for _ in paths] == bodies


def test_pipelined_posts_with_bodies(srv):
    with srv.connect() as connection:
        connection.send(b"".join(make_request("POST", "/echo", body=b"body %d" % number) for number in range(20)))
        assert [connection.response("POST").body for _ in range(20)] == [b"body %d" % number for number in range(20)]


def test_deep_pipelines(srv):
    with srv.connect() as connection:
        connection.send(make_request("GET", "/one") * 500)
        assert [connection.response().body for _ in range(500)] == [b"one"] * 500


def test_pipelined_slow_and_fast_stay_in_order(server):
    srv = server(app="cases", args=["--threads", "4"])
    with srv.connect() as connection:
        connection.send(make_request("GET", "/sleep?0.2") + make_request("GET", "/one"))
        assert connection.response().body == b"slept"
        assert connection.response().body == b"one"


def test_half_closed_clients_get_their_answer(srv):
    with srv.connect() as connection:
        connection.send(make_request("GET", "/one"))
        connection.finish_sending()
        assert connection.response().body == b"one"
        assert connection.is_closed()


def test_byte_by_byte(srv):
    with srv.connect() as connection:
        connection.send_slowly(make_request("POST", "/echo", body=b"slow"))
        assert connection.response().body == b"slow"


def test_leading_empty_line_is_skipped(srv):
    with srv.connect() as connection:
        connection.send(b"\r\n" + make_request("GET", "/one"))
        assert connection.response().body == b"one"


def test_idle_connections_end_after_the_keep_alive_time(server):
    srv = server(app="cases", args=["--http-keepalive=2"], front="http")
    with srv.connect() as connection:
        connection.get("/one")
        assert connection.is_closed()


# -- bodies


@pytest.mark.parity
def test_post(srv):
    assert srv.request("POST", "/echo", body=b"a=1").body == b"a=1"


@pytest.mark.parametrize("pieces", [[b"abc"], [b"a", b"b", b"c"], [], [b"x" * 100_000]])
def test_chunked_request_bodies(srv, pieces):
    with srv.connect() as connection:
        for _ in range(2):
            connection.send(make_request("POST", "/echo", [("Transfer-Encoding", "chunked")]) + chunked(*pieces))
            assert connection.response().body == b"".join(pieces)


def test_chunk_extensions_and_trailers_are_dropped(environ):
    with environ.connect() as connection:
        connection.send(make_request("POST", "/", [("Transfer-Encoding", "Chunked")])
                        + b"3;a=\"b\";c\r\nabc\r\n0\r\nX-Trailer: 1\r\nContent-Length: 9\r\n\r\n")
        got = json.loads(connection.response().body)
        assert got["(body)"][1] == "abc"
        assert "HTTP_X_TRAILER" not in got and got.get("CONTENT_LENGTH", [0, None])[1] != "9"
        assert connection.get().status == 200


def test_unread_bodies_do_not_become_requests(srv):
    hidden = make_request("GET", "/two")
    with srv.connect() as connection:
        connection.send(make_request("POST", "/unread", body=hidden) + make_request("GET", "/one"))
        assert connection.response().body == b"unread"
        try:
            assert connection.response().body == b"one"
        except Closed:
            pass  # closing instead of draining is allowed too


def test_large_unread_bodies_do_no_harm(srv):
    with srv.connect() as connection:
        try:
            connection.send(make_request("POST", "/unread", body=b"x" * 2_000_000))
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            assert connection.response().body == b"unread"
        except Closed:
            pass
    assert srv.get("/one").body == b"one"


def test_get_with_a_body(srv):
    with srv.connect() as connection:
        connection.send(make_request("GET", "/echo", body=b"odd") + make_request("GET", "/one"))
        assert connection.response().body == b"odd"
        assert connection.response().body == b"one"


# -- Expect


def test_expect_100_when_the_body_is_wanted(srv):
    with srv.connect() as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert connection.response().status == 100
        connection.send(b"body")
        assert connection.response().body == b"body"
        assert connection.get("/one").body == b"one"


def test_expect_of_any_case(srv):
    with srv.connect() as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nexpect: 100-Continue\r\n\r\n")
        assert connection.response().status == 100
        connection.send(b"body")
        assert connection.response().body == b"body"


def test_no_100_when_the_body_is_there(srv):
    with srv.connect() as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
        response = connection.response()
        if response.status == 100:
            response = connection.response()
        assert response.body == b"body"


def test_expect_in_http10_is_ignored(srv):
    with srv.connect() as connection:
        connection.send(b"POST /echo HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
        assert connection.response().body == b"body"


def test_unknown_expectation_is_417(srv):
    with srv.connect() as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: something\r\n\r\nbody")
        assert connection.response().status == 417


# -- refusals and limits


BAD = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", {400}),
    "length and chunks": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", {400}),
    "length list": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", {400}),
    "signed length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", {400}),
    "huge length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", {400, 413}),
    "space before colon": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", {400}),
    "fold": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", {400}),
    "bare lf": (b"GET / HTTP/1.1\nHost: a\n\n", {400}),
    "nul in value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n", {400}),
    "no colon": (b"GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", {400}),
    "no version": (b"GET /\r\n\r\n", {400, 505}),
    "strange version": (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", {400, 505}),
    "http2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "bad method": (b"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "relative target": (b"GET foo HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "asterisk get": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "connect": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", {400, 405, 501}),
    "bad escape": (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "encoded nul": (b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "raw space": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
    "unknown coding": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", {400, 501}),
    "chunks in 1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "chunk size": (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n", {400}),
    "long target": (b"GET /" + b"a" * 102_400 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {414, 431}),
    "long value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 102_400 + b"\r\n\r\n", {431}),
    "many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(10_000)) + b"\r\n", {431}),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_refusals(srv, name):
    data, statuses = BAD[name]
    with srv.connect() as connection:
        try:
            connection.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            response = connection.response()
        except Closed:
            # What was still on its way when the server closed makes the kernel throw the answer away.
            assert len(data) > 64 * 1024
        else:
            assert response.status in statuses, response.head
            assert response.get("content-type", "text/plain").startswith("text/plain")
            assert response.get("connection") == "close"
            assert len(response.body) < 200
            assert connection.is_closed()
    assert srv.get("/one").body == b"one", "the next connection is not affected"


@pytest.mark.parametrize("name", ["no host", "two lengths", "space before colon", "bare lf", "bad method"])
def test_good_request_before_a_bad_one_is_answered(srv, name):
    data, statuses = BAD[name]
    with srv.connect() as connection:
        connection.send(make_request("GET", "/one") + data)
        assert connection.response().body == b"one"
        assert connection.response().status in statuses
        assert connection.is_closed()


def test_what_follows_a_bad_request_is_not_read(srv):
    with srv.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nBad : x\r\n\r\n" + make_request("GET", "/one"))
        answer = connection.read_to_close()
    assert answer.count(b"HTTP/1.1 ") == 1


def test_target_of_8000_bytes(environ):
    target = "/" + "a" * 7990
    assert json.loads(environ.get(target).body)["PATH_INFO"][1] == target


def test_headers_of_60_kib(environ):
    headers = [(f"X-{number}", "v" * 1000) for number in range(58)]
    assert json.loads(environ.get(headers=headers).body)["HTTP_X_57"][1] == "v" * 1000


def test_limit_post(server):
    srv = server(app="cases", args=["--limit-post", "100"])
    assert srv.request("POST", "/echo", body=b"x" * 100).status == 200
    response = one_answer(srv, make_request("POST", "/echo", body=b"x" * 101))
    assert response.status == 413


def test_limit_post_holds_for_chunks(server):
    srv = server(app="cases", args=["--limit-post", "100"], allow=["Traceback"])
    with srv.connect() as connection:
        connection.send(make_request("POST", "/echo", [("Transfer-Encoding", "chunked")]) + chunked(b"x" * 60, b"y" * 60))
        assert connection.response().status == 413


def test_incomplete_heads_are_answered_408(server):
    srv = server(app="cases", args=["--http-headers-timeout", "5", "--socket-timeout", "5"], front="http")
    with srv.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost:")
        assert connection.response().status == 408
        assert connection.is_closed()
