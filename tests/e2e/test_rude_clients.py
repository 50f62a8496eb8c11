# SPDX-License-Identifier: Apache-2.0
"""Clients that leave in the middle, in whichever way: it costs their own connection and nothing else."""
import socket
import struct

import pytest

from support import packet, processes
from support.http import make_request
from support.processes import wait_until

POST = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n"
UPLOAD = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = make_request("GET", "/one")

# What the client has sent when it leaves.
PHASES = {
    "nothing": b"",
    "half a head": GET[:10],
    "a head without its end": GET[:-2],
    "half a body": POST + b"x" * 500,
    "half a chunk size": CHUNKED + b"1",
    "half a chunk": CHUNKED + b"10\r\nabc",
    "all chunks but the last": CHUNKED + b"3\r\nabc\r\n",
    "a request": GET,
    "a request and half a second one": GET + GET[:15],
    "many requests": GET * 50,
    "a request for much": make_request("GET", "/big"),
    "a request for a file": make_request("GET", "/file_big"),
    "a request that takes its time": make_request("GET", "/sleep?0.2"),
}


def close(client):
    client.close()


def reset(client):
    """An RST instead of a FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def close_half(client):
    """No more is sent, and all that comes is read."""
    client.shutdown(socket.SHUT_WR)
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        pass
    client.close()


WAYS = [close, reset, close_half]


@pytest.fixture(scope="module", params=["http", "http-socket"])
def srv(request, module_server):
    """One process, one thread: whatever holds it is felt by all."""
    return module_server(app="cases", front=request.param, args=["--socket-timeout", "20"],
                         allow=["Traceback", "OSError", "Broken pipe", "rror"])


def is_served(srv):
    return srv.get("/one").body == b"one"


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("phase", PHASES)
def test_one_who_leaves(srv, phase, leave):
    worker, = srv.workers()
    with srv.connect() as kept:
        assert kept.get("/one").body == b"one"
        open_before = len(processes.open_files(worker))
        clients = [socket.create_connection(srv.address) for _ in range(5)]
        for client in clients:
            client.sendall(PHASES[phase])
        assert kept.get("/one").body == b"one"
        for client in clients:
            leave(client)
        assert kept.get("/one").body == b"one"
        assert is_served(srv)
        wait_until(lambda: len(processes.open_files(worker)) <= open_before, srv.seconds(15), "their connections to be closed")
    assert srv.workers() == [worker]


# These keep a thread busy while they are there: the application reads more than the buffer takes, or makes more than may rest.
HOLDING = {
    "a body": UPLOAD + b"x" * 99_000,
    "a body that is asked for": UPLOAD[:-2] + b"Expect: 100-continue\r\n\r\n",
    "an answer in parts": make_request("GET", "/big_generator"),
}


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("phase", HOLDING)
def test_one_who_leaves_and_lets_a_thread_go(srv, phase, leave):
    for _ in range(3):
        client = srv.connect().socket
        client.sendall(HOLDING[phase])
        leave(client)
        assert is_served(srv)


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_one_who_leaves_in_a_uwsgi_packet(server, share, leave):
    srv = server(app="cases", front="socket")
    data = packet.encode(packet.web_vars("GET", "/one"))
    for _ in range(5):
        client = srv.connect().socket
        client.sendall(data[:int(len(data) * share)])
        leave(client)
    assert packet.request(srv.address, target="/one").body == b"one"


def test_one_who_leaves_while_the_answer_rests(srv):
    """The kernel of the client takes no more, the rest of the answer waits in the server."""
    worker, = srv.workers()
    open_before = len(processes.open_files(worker))
    for path in ("/big", "/file_big"):
        for leave in (close, reset):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(srv.address)
            client.sendall(make_request("GET", path))
            assert client.recv(15).startswith(b"HTTP/1.1 200")
            leave(client)
    assert is_served(srv)
    wait_until(lambda: len(processes.open_files(worker)) <= open_before, srv.seconds(15), "their connections to be closed")
