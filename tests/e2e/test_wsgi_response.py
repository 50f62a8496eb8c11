# SPDX-License-Identifier: Apache-2.0
"""start_response, the iterable, errors and files: what goes over the wire for what the application does."""
import sys

import pytest

from support import packet
from support.server import APPS

sys.path.insert(0, str(APPS))
from cases import BAD_STARTS  # noqa: E402


@pytest.fixture(scope="module", params=["http", "http-socket", "socket"])
def srv(request, module_server):
    return module_server(app="cases", front=request.param, allow=["Traceback"])


@pytest.fixture(scope="module")
def http(module_server):
    return module_server(app="cases", allow=["Traceback"])


def closed_names(srv):
    return srv.get("/closed").text


@pytest.mark.parity
@pytest.mark.parametrize("path, body", [
    ("/one", b"one"), ("/two", b"onetwo"), ("/two_tuple", b"onetwo"), ("/generator", b"onetwo"), ("/iterable", b"ab"),
    ("/empty_list", b""), ("/empty_bytes", b""), ("/empty_generator", b""), ("/bare_bytes", b"direct"),
    ("/with_length", b"abcdef"), ("/big", b"x" * 5_000_000), ("/file_real", b"0123456789"), ("/file_memory", b"memory" * 10),
    ("/file_big", b"f" * 3_000_000), ("/file_iterated", b"a\nb\n"), ("/file_no_read", b"AttributeError"),
    ("/writes", b"one,two,three,None"), ("/raises_in_close", b"whole"),
])
def test_bodies(srv, path, body):
    response = srv.get(path)
    assert (response.status, response.reason) == (200, "OK")
    assert response.body == body


@pytest.mark.parity
def test_long_stream_is_whole(srv):
    body = srv.get("/big_generator").body
    assert len(body) == 600 * 8000
    assert body[-8:] == b"0000599\n"


def test_generator_that_starts_late(srv):
    response = srv.get("/late_start")
    assert (response.status, response.body) == (201, b"late")


@pytest.mark.parametrize("path, framing", [
    ("/one", "length"), ("/two", "length"), ("/two_tuple", "length"), ("/empty_list", "length"), ("/generator", "chunked"),
    ("/iterable", "chunked"), ("/with_length", "length"), ("/writes", "chunked"),
    ("/no_content", "none"), ("/not_modified", "none"),
])
def test_framing_on_http(http, path, framing):
    with http.connect() as connection:
        response = connection.get(path)
        assert response.framing == framing, response.head
        assert connection.get("/one").body == b"one", "the connection is good for another request"


@pytest.mark.parametrize("path", ["/generator", "/two", "/file_real"])
def test_http10_gets_no_chunks(http, path):
    with http.connect() as connection:
        response = connection.get(path, version="HTTP/1.0")
        assert response.framing in ("close", "length")
        assert response.get("transfer-encoding") is None
        assert response.body in (b"onetwo", b"0123456789")
        assert connection.is_closed()


@pytest.mark.parametrize("path", ["/one", "/generator", "/file_big", "/big", "/writes"])
def test_head_has_no_body(http, path):
    with http.connect() as connection:
        head = connection.request("HEAD", path)
        assert head.status == 200
        whole = connection.get(path)
        assert head.get("content-length") in (None, whole.get("content-length"))


@pytest.mark.parametrize("path, status", [("/no_content", 204), ("/not_modified", 304)])
def test_statuses_without_body(http, path, status):
    with http.connect() as connection:
        response = connection.get(path)
        assert response.status == status
        assert connection.get("/one").body == b"one"


def test_body_longer_than_its_length_is_cut(http):
    with http.connect() as connection:
        response = connection.get("/length_too_small")
        assert response.body == b"abcd"
        rest = connection.buffer
        if not rest:
            connection.send(b"GET /one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            rest = connection.read_to_close()
        assert not rest or rest.startswith(b"HTTP/1.1 200 OK"), rest


def test_body_shorter_than_its_length_ends_the_connection(http):
    with http.connect() as connection:
        connection.send(b"GET /length_too_big HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.read_to_close().endswith(b"\r\n\r\nabc")
    assert http.get("/one").body == b"one"


@pytest.mark.parity
def test_headers_keep_order_and_case(srv):
    response = srv.get("/headers")
    names = [name for name, _ in response.headers]
    assert names[:8] == ["Content-Type", "Set-Cookie", "X-Mixed-Case", "Set-Cookie", "X-Latin", "Server", "Date", "X-Empty"]
    assert response.all("set-cookie") == ["a=1", "b=2"]
    assert response.get("x-latin") == "caf\xe9"
    assert (response.get("server"), response.get("date"), response.get("x-empty")) == ("mine", "today", "")


@pytest.mark.parity
def test_server_adds_no_date_and_no_server(srv):
    response = srv.get("/one")
    assert response.get("date") is None and response.get("server") is None


@pytest.mark.parity
def test_reason_is_filled_in(srv):
    assert (srv.get("/bare_status").status, srv.get("/bare_status").reason) == (200, "OK")


def test_start_response_by_keywords(srv):
    assert srv.get("/keywords").body == b"keywords"


@pytest.mark.parametrize("name", sorted(BAD_STARTS))
def test_bad_start_is_a_500(srv, name):
    response = srv.get("/bad_start?" + name)
    assert response.status == 500
    assert response.get("x-injected") is None
    assert b"reached" not in response.body
    assert srv.get("/one").body == b"one", "the worker lives on"


@pytest.mark.parametrize("name", ["status_crlf", "value_crlf", "headers_tuple", "header_int", "name_empty"])
def test_bad_start_may_be_caught_and_repaired(srv, name):
    response = srv.get("/bad_start_caught?" + name)
    assert response.status == 200
    assert response.body in (b"TypeError", b"ValueError", b"AssertionError")


def test_second_start_without_exc_info_is_an_error(srv):
    assert srv.get("/twice").status == 500


def test_exc_info_replaces_unsent_headers(srv):
    response = srv.get("/replaced")
    assert (response.status, response.reason, response.body) == (500, "Oops", b"sorry")
    assert response.get("x-first") is None and response.get("x-second") == "2"


def test_exc_info_after_output_is_raised_again(srv):
    assert srv.get("/exc_info_late").body == b"early.raised"


def test_write_refuses_text(srv):
    assert srv.get("/write_str").body == b"TypeError"


@pytest.mark.parametrize("path", ["/raises", "/raises_started", "/no_start", "/str_item", "/int_item", "/returns_none",
                                  "/system_exit", "/keyboard_interrupt"])
def test_failures_before_output_are_a_500(srv, path):
    pid = srv.get("/pid").body
    response = srv.get(path)
    assert response.status == 500
    assert b"Internal Server Error" in response.body
    assert response.get("content-type") == "text/plain"
    assert srv.get("/pid").body == pid, "the worker lives on"


def test_connection_closes_after_a_500(http):
    with http.connect() as connection:
        response = connection.get("/raises")
        assert response.status == 500
        assert response.get("connection") == "close"
        assert connection.is_closed()


@pytest.mark.parity
def test_traceback_is_in_the_log(srv):
    with srv.connect() as connection:
        if srv.front == "socket":
            connection.send(packet.encode(packet.web_vars("GET", "/raises")))
        else:
            connection.send(b"GET /raises HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.read_to_close()
    srv.wait_log(r"^ValueError: before start$")
    assert 'in raises' in srv.log()


def test_failure_midway_truncates(http):
    """The client must be able to tell: no final chunk, the connection ends."""
    with http.connect() as connection:
        connection.send(b"GET /raises_midway HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = connection.read_to_close()
    assert b"part" in answer and not answer.endswith(b"0\r\n\r\n")
    assert http.get("/one").body == b"one"


@pytest.mark.parametrize("front", ["http-socket", "socket"])
def test_failure_midway_resets_what_ends_with_the_connection(module_server, front):
    """There is no length, nor a chunk, that could tell."""
    srv = module_server(app="cases", front=front, allow=["Traceback"])
    request = b"GET /raises_midway HTTP/1.0\r\n\r\n"
    if front == "socket":
        request = packet.encode(packet.web_vars("GET", "/raises_midway"))
    with srv.connect() as connection:
        connection.send(request)
        with pytest.raises(ConnectionResetError):
            while connection.socket.recv(65536):
                pass


@pytest.mark.parity
@pytest.mark.parametrize("path, name", [("/iterable", "iterable"), ("/file_closed", "file")])
def test_close_is_called_once(srv, path, name):
    closed_names(srv)
    srv.get(path)
    assert closed_names(srv) == name


@pytest.mark.parity
def test_close_is_called_after_an_error_too(srv):
    closed_names(srv)
    with srv.connect() as connection:
        if srv.front == "socket":
            connection.send(packet.encode(packet.web_vars("GET", "/raises_midway")))
        else:
            connection.send(b"GET /raises_midway HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.read_to_close()
    assert closed_names(srv) == "midway"


def test_file_starts_where_it_stands(srv):
    assert srv.get("/file_offset").body == b"456789"


def test_file_stops_at_content_length(srv):
    assert srv.get("/file_limited").body == b"012"


@pytest.mark.parity
def test_wsgi_errors_and_print_reach_the_log(server):
    srv = server(app="cases")
    srv.get("/errors")
    if srv.program.is_ours:
        srv.wait_log("^to wsgi.errors$")
        srv.wait_log("^caf\xe9 \u20ac$")
    srv.wait_log("^to stdout$")


def test_descriptors_do_not_pile_up(server):
    from support import processes

    srv = server(app="cases")
    worker = srv.workers()[0]
    for path in ("/one", "/file_real", "/generator"):
        srv.get(path)
    before = len(processes.open_files(worker))
    for _ in range(20):
        for path in ("/one", "/file_real", "/file_big", "/generator"):
            srv.get(path)
    processes.wait_until(lambda: len(processes.open_files(worker)) <= before + 1, what="descriptors to be closed")


def test_catch_exceptions_shows_the_exception(server):
    srv = server(app="cases", args=["--catch-exceptions"], allow=["Traceback"])
    response = srv.get("/raises")
    assert response.status == 500
    assert b"before start" in response.body and b"ValueError" in response.body


def test_files_without_a_size(server):
    srv = server(app="cases")
    assert srv.get("/file_of_kernel").body.strip()
    response = srv.get("/file_empty")
    assert response.body == b"" and response.get("Content-Length") == "0"


def test_sendfile_does_not_wait_at_a_pipe(server):
    srv = server(app='''
import os, tempfile, uwsgi
def application(environ, start_response):
    start_response("200 OK", [])
    with tempfile.TemporaryDirectory() as folder:
        os.mkfifo(folder + "/pipe")
        uwsgi.sendfile(folder + "/pipe")
    return [b"over"] if environ["PATH_INFO"] == "/" else []
''')
    assert srv.get("/").status == 200


def test_what_reads_a_file_in_its_own_way_is_read(server, tmp_path):
    (tmp_path / "text").write_text("hidden")
    srv = server(app="""
import uwsgi
class Upper:
    def __init__(self, path): self.file = open(path, "rb")
    def read(self, size=-1): return self.file.read(size).upper()
def application(environ, start_response):
    start_response("200 OK", [])
    carrier = Upper("FILE")
    if environ["PATH_INFO"] == "/sendfile": return [repr(uwsgi.sendfile(carrier)).encode()]
    return environ["wsgi.file_wrapper"](carrier)
""".replace("FILE", str(tmp_path / "text")))
    assert srv.get().text == "HIDDEN"
    assert srv.get("/sendfile").text == "None", "there is no file to be sent"
