#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fairness between processes: quick requests on kept connections while most workers are inside slow ones, and many
requests while connections move between workers.

    bench/migration.py --server-path build/release/uwsgi --requests 1000000
"""
import argparse
import http.client
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from load.measure import free_port

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "tests" / "apps" / "migrating.py"


class Server:
    def __init__(self, program, *args):
        self.port = free_port()
        self.log = tempfile.NamedTemporaryFile(prefix="uwsgi-migration-", suffix=".log")
        self.process = subprocess.Popen(
            [program, "--http-socket", f"127.0.0.1:{self.port}", "--wsgi-file", str(APP), "--master", "--processes", "4",
             "--disable-logging", *args], stdout=self.log, stderr=subprocess.STDOUT)
        while True:
            try:
                return self.connect().close()
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(Path(self.log.name).read_text())
                time.sleep(0.01)

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def stop(self):
        self.process.terminate()
        self.process.wait()


def ask(connection, path):
    connection.request("GET", path)
    return connection.getresponse().read().split(b" ")


def fairness(program, seconds):
    """The waiting times of quick requests on 61 kept connections while three keep three workers asleep for 300 ms."""
    server = Server(program)
    connections = [server.connect() for _ in range(64)]
    homes = {}
    for connection in connections:
        homes.setdefault(ask(connection, "/")[0], []).append(connection)
    sleepers = [mine[0] for mine in list(homes.values())[:3]]
    end = time.monotonic() + seconds
    waits = []

    def sleep_on(connection):
        while time.monotonic() < end:
            ask(connection, "/slow/300")

    threads = [threading.Thread(target=sleep_on, args=(connection,)) for connection in sleepers]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    others = [connection for connection in connections if connection not in sleepers]
    while time.monotonic() < end - 0.4:
        for connection in others:
            began = time.monotonic()
            ask(connection, "/")
            waits.append(time.monotonic() - began)
    for thread in threads:
        thread.join()
    server.stop()
    waits.sort()
    print(f"fairness: {len(waits)} quick requests on {len(others)} kept connections, 3 of 4 workers asleep: "
          f"median {waits[len(waits) // 2] * 1e3:.2f} ms, p99 {waits[len(waits) * 99 // 100] * 1e3:.2f} ms, "
          f"worst {waits[-1] * 1e3:.2f} ms")


def many(program, count, clients):
    """Every answer must be the one to its own request; a lost one would time out, a doubled one be out of turn."""
    server = Server(program)
    moves, wrong = [0] * clients, [0] * clients

    def run(name):
        connection, last = server.connect(), None
        for i in range(count // clients):
            path = f"/maybe/{name}/{i}"
            pid, answered, *_ = ask(connection, path)
            wrong[name] += answered != path.encode()
            moves[name] += last not in (None, pid)
            last = pid

    threads = [threading.Thread(target=run, args=(name,)) for name in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()
    print(f"many: {count // clients * clients} requests on {clients} connections, {sum(moves)} moves, {sum(wrong)} wrong answers")
    return sum(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-path", default=str(ROOT / "build/release/uwsgi"))
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    fairness(options.server_path, options.seconds)
    sys.exit(1 if many(options.server_path, options.requests, options.clients) else 0)


if __name__ == "__main__":
    main()
