# SPDX-License-Identifier: Apache-2.0
"""Applications that share wsgi.input or write() among threads: the worker survives, and nothing is mixed up."""
import time

import pytest

from support.http import Connection, chunked, make_request

LINE = b"a line of the answer\n"


@pytest.fixture(scope="module", params=[1, 4], ids=["one-core", "four-cores"])
def srv(request, module_server):
    return module_server(app="shared_requests", front="http-socket", args=["--threads", str(request.param), "--socket-timeout", "30"],
                         allow=["Traceback", "rror", "uwsgi-body-read"])


def upload(srv, path, share=1.0):
    """Sends a chunked body in pieces, as many as it is read in."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    data = chunked(*[b"0123456\n" * 100] * 250)
    connection = Connection(srv.address, timeout=srv.seconds(20))
    connection.send(head)
    for at in range(0, int(len(data) * share), 9000):
        connection.send(data[at:at + 9000])
        time.sleep(0.0005)
    return connection


def slow_answer(srv, path, pause=0.0):
    """The body for a reader whose socket takes little; it waits for us, with all threads inside."""
    with Connection(srv.address, timeout=srv.seconds(20), receive_buffer=8192) as connection:
        connection.send(make_request("GET", path))
        time.sleep(pause)
        return connection.response().body


def test_threads_that_read_share_the_body(srv):
    worker = srv.workers()
    for _ in range(5):
        with upload(srv, "/read/join") as connection:
            assert connection.response("POST").body == b"200000"
    assert srv.workers() == worker


def test_threads_that_write_do_not_cut_into_each_other(srv):
    worker = srv.workers()
    for _ in range(3):
        body = slow_answer(srv, "/write/join", pause=0.05)
        assert body == LINE * (len(body) // len(LINE)) and len(body) == 4 * 20 * 2500 * len(LINE)
    assert srv.workers() == worker


def test_threads_that_go_on_reading_do_not_touch_the_next_request(srv):
    worker = srv.workers()
    for share in (0.3, 0.6, 1.0):
        for _ in range(3):
            try:
                upload(srv, "/read/leave", share).close()
            except OSError:
                pass  # the answer was complete before the body
    with upload(srv, "/read/join") as connection:
        assert connection.response("POST").body == b"200000"
    assert srv.workers() == worker


def test_threads_that_go_on_writing_are_sent_away(srv):
    worker = srv.workers()
    for _ in range(5):
        assert slow_answer(srv, "/write/leave").replace(LINE, b"") == b"end"
    assert srv.workers() == worker
