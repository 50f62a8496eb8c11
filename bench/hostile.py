#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long good requests wait while somebody does his worst: one row for each attack, the first one for none.

    bench/hostile.py --server-path build/release/uwsgi [--seconds 6] [--idle 10000]

The server has one process and two threads. A good client asks on a connection that it keeps, another opens one for each request; the attacker
is a process of its own. What it does costs processor time on the same machine, so the figures say whether anybody is made to
wait for the attacker, and little about the rest.
"""
import argparse
import multiprocessing
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from load.measure import free_port, raise_file_limit

ROOT = Path(__file__).resolve().parent.parent
APP = """
def application(environ, start_response):
    if environ["PATH_INFO"] == "/big":
        start_response("200 OK", [("Content-Length", "5000000")])
        return [b"x" * 5000000]
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
GOOD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
RESET = struct.pack("ii", 1, 0)


def connect(port, receive_buffer=None):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def trickle(port, head, body, clients=500):
    """`clients` connections that send `head`, and then `body` without end, a byte of each at a time, ten times a second."""
    connections = [connect(port) for _ in range(clients)]
    for connection in connections:
        connection.sendall(head)
    position = 0
    while True:
        for place, connection in enumerate(connections):
            try:
                connection.sendall(body[position % len(body):][:1])
            except OSError:
                connections[place] = connect(port)
                connections[place].sendall(head)
        position += 1
        time.sleep(0.1)


def nothing(port):
    time.sleep(3600)


def idle(port, clients=None):
    connections = [connect(port) for _ in range(clients or IDLE)]
    for connection in connections[::2]:
        connection.sendall(GOOD)
    time.sleep(3600)


def slowloris(port):
    trickle(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"a")


def slow_post(port):
    trickle(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n", b"a")


def slow_chunks(port):
    trickle(port, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n")


def slow_read(port):
    connections = [connect(port, 4096) for _ in range(100)]
    for connection in connections:
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
    while True:
        for place, connection in enumerate(connections):
            try:
                connection.recv(100)
            except OSError:
                connections[place] = connect(port, 4096)
                connections[place].sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)


def half_close(port):
    while True:
        connections = [connect(port) for _ in range(50)]
        for connection in connections:
            connection.sendall(GOOD[:12])
            connection.shutdown(socket.SHUT_WR)
        time.sleep(0.05)
        for connection in connections:
            connection.close()


def resets(port):
    parts = [b"", GOOD[:10], GOOD, GOOD * 5, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nabc", b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n"]
    while True:
        connections = [connect(port) for _ in range(50)]
        for place, connection in enumerate(connections):
            connection.sendall(parts[place % len(parts)])
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.close()
        time.sleep(0.05)


def rubbish(port):
    """What is refused, at the attacker's pace."""
    while True:
        for bad in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(200), b"GET /" + b"a" * 100_000, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"):
            with connect(port) as connection:
                try:
                    connection.sendall(bad)
                    connection.recv(1000)
                except OSError:
                    pass
        time.sleep(0.01)


ATTACKS = [nothing, idle, slowloris, slow_post, slow_chunks, slow_read, half_close, resets, rubbish]
IDLE = 10_000


def ask(client):
    began = time.monotonic()
    client.sendall(GOOD)
    answer = client.recv(1000)
    if not answer.startswith(b"HTTP/1.1 200"):
        sys.exit(f"hostile: a good request got {answer!r}")
    return time.monotonic() - began


def measure(port, seconds):
    """Waiting times on a kept connection and, with the opening, on new ones."""
    kept, new = [], []
    client = connect(port)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(20):
            kept.append(ask(client))
        began = time.monotonic()
        with connect(port) as other:
            ask(other)
        new.append(time.monotonic() - began)
        time.sleep(0.005)
    client.close()
    return kept, new


def describe(waits):
    waits.sort()
    return f"{waits[len(waits) // 2] * 1e3:9.2f}{waits[len(waits) * 99 // 100] * 1e3:9.2f}{waits[-1] * 1e3:9.2f}"


def run(program, attack, seconds):
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        (Path(folder) / "app.py").write_text(APP)
        log = open(Path(folder) / "log", "wb")
        server = subprocess.Popen([program, "--http", f"127.0.0.1:{port}", "--wsgi-file", f"{folder}/app.py", "--threads", "2", "--disable-logging"],
                                  stdout=log, stderr=log)
        attacker = multiprocessing.Process(target=attack, args=(port,), daemon=True)
        try:
            while True:
                try:
                    connect(port).close()
                    break
                except OSError:
                    if server.poll() is not None:
                        sys.exit(Path(log.name).read_text())
                    time.sleep(0.01)
            attacker.start()
            time.sleep(3)
            kept, new = measure(port, seconds)
        finally:
            if attacker.pid:
                attacker.kill()
                attacker.join()
            server.terminate()
            server.wait()
            log.close()
        print(f"{attack.__name__:<14}{len(kept) + len(new):>9}  {describe(kept)}   {describe(new)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-path", default=str(ROOT / "build/release/uwsgi"))
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--idle", type=int, default=IDLE)
    options = parser.parse_args()
    globals()["IDLE"] = options.idle
    raise_file_limit()
    print(f"{'':<14}{'answers':>9}  {'kept: median, p99, worst (ms)':>27}   {'new: median, p99, worst (ms)':>27}")
    for attack in ATTACKS:
        run(options.server_path, attack, options.seconds)


if __name__ == "__main__":
    main()
