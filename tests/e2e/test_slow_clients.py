# SPDX-License-Identifier: Apache-2.0
"""Slow and idle clients hold no thread: with a single one, everybody else is served all the while."""
import os
import resource
import signal
import time

import pytest

from support import packet, processes
from support.http import Connection, make_request
from support.processes import wait_until

FRONTS = ["http", "http-socket"]


@pytest.fixture(scope="module", params=FRONTS)
def srv(request, module_server):
    """One process, one thread."""
    return module_server(app="cases", front=request.param, allow=["Traceback"])


def is_served(srv):
    return srv.get("/one").body == b"one"


def test_idle_connections(srv):
    connections = [srv.connect() for _ in range(100)]
    assert is_served(srv)
    for connection in connections:
        connection.close()


def test_kept_connections(srv):
    connections = [srv.connect() for _ in range(50)]
    for _ in range(3):
        for connection in connections:
            assert connection.get("/one").body == b"one"
    assert is_served(srv)
    for connection in connections:
        connection.close()


def test_slowloris(srv):
    connections = [srv.connect() for _ in range(50)]
    head = make_request("GET", "/one")
    for position in range(0, len(head) - 1, 7):
        for connection in connections:
            connection.send(head[position:min(position + 7, len(head) - 1)])
        assert is_served(srv)
    for connection in connections:
        connection.close()


def test_slow_body_within_the_buffer(srv):
    """Up to 64 KiB a body is read before a thread sees the request."""
    with srv.connect() as slow:
        slow.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        assert is_served(srv)
        slow.send(b"67890")
        assert slow.response("POST").body == b"1234567890"


def test_slow_chunked_body(srv):
    with srv.connect() as slow:
        slow.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab")
        assert is_served(srv)
        slow.send(b"c\r\n0\r\n\r\n")
        assert slow.response("POST").body == b"abc"


@pytest.mark.parametrize("path, size", [("/big", 5_000_000), ("/file_big", 3_000_000)])
def test_slow_reader_of_a_large_answer(srv, path, size):
    with Connection(srv.address, receive_buffer=4096) as slow:
        slow.send(make_request("GET", path))
        first = slow.socket.recv(100)
        assert first.startswith(b"HTTP/1.1 200")
        for _ in range(5):
            assert is_served(srv)
        already = len(first.partition(b"\r\n\r\n")[2])
        assert len(slow.read_exactly(size - already)) == size - already


def test_slow_readers_in_number(srv):
    slow = [Connection(srv.address, receive_buffer=4096) for _ in range(20)]
    for connection in slow:
        connection.send(make_request("GET", "/big"))
    assert is_served(srv)
    for connection in slow:
        connection.close()
    assert is_served(srv)


def test_slow_uwsgi_packet(server):
    srv = server(app="cases", front="socket")
    data = packet.encode(packet.web_vars("GET", "/one"))
    with srv.connect() as slow:
        slow.send(data[:30])
        assert packet.request(srv.address, target="/one").body == b"one"
        slow.send(data[30:])
        assert slow.read_to_close().endswith(b"one")


def test_a_slow_request_does_not_stop_the_others(server):
    """With one thread asleep of two, the other serves all who come, new and kept."""
    srv = server(app="workers", args=["--threads", "2"])
    go = srv.folder / "go"
    with srv.connect() as kept, srv.connect() as slow:
        kept.get("/")
        slow.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("waiting in")
        for _ in range(20):
            assert kept.get("/").status == 200
            assert srv.get("/").status == 200
        go.write_text("")
        assert slow.response().status == 200


def test_connections_read_while_all_threads_are_busy(server):
    """The watcher takes the loop: a slow head is timed out and a request is queued while every thread is in the application."""
    srv = server(app="workers", args=["--http-headers-timeout", "5", "--socket-timeout", "5"], front="http")
    go = srv.folder / "go"
    with srv.connect() as busy, srv.connect() as half, srv.connect() as queued:
        busy.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("waiting in")
        half.send(b"GET / HTTP/1.1\r\n")
        queued.send(make_request("GET", "/"))
        assert half.response().status == 408
        go.write_text("")
        assert busy.response().status == queued.response().status == 200


def test_a_reader_that_never_reads_is_dropped(server):
    srv = server(app="cases", args=["--socket-timeout", "5"], allow=["Traceback"])
    worker = srv.workers()[0]
    idle = len(processes.open_files(worker))
    with Connection(srv.address, receive_buffer=4096) as slow:
        slow.send(make_request("GET", "/big_generator"))
        wait_until(lambda: len(processes.open_files(worker)) > idle, what="the connection")
        wait_until(lambda: len(processes.open_files(worker)) <= idle, srv.seconds(15), "the connection to be dropped")
    assert is_served(srv)


@pytest.mark.slow_build
def test_thousands_of_idle_connections(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 2000
    if hard < count + 500:
        pytest.skip("the limit of open files is too low")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        srv = server(app="cases", args=["--listen", "1024"])
        connections = []
        for _ in range(count):
            connections.append(srv.connect())
            assert connections[-1].get("/one").body == b"one"
        assert connections[0].get("/one").body == b"one"
        assert is_served(srv)
        for connection in connections:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_came_in_time_is_answered_though_the_server_looks_late(server):
    """The worker stands still until the time of a kept connection is over; its next request has arrived meanwhile."""
    srv = server(app="cases", args=["--http-keepalive=2"], front="http")
    worker, = srv.workers()
    with srv.connect() as connection:
        assert connection.get("/one").body == b"one"
        os.kill(worker, signal.SIGSTOP)
        try:
            connection.send(make_request("GET", "/one"))
            time.sleep(2.5)
        finally:
            os.kill(worker, signal.SIGCONT)
        assert connection.response().body == b"one"
