# SPDX-License-Identifier: Apache-2.0
"""Clients that keep asking in threads while something happens to the server, and tell what failed."""
import threading

from support.http import Closed, Connection


class Load:
    """`with Load(server, 4) as load:` asks all the time; afterwards load.failures must be empty and load.answers is their number.

    keep_alive=True reuses connections for as long as the server allows. A kept connection that the server ends *between*
    requests, without a byte of an answer to the one just sent, is asked again once on a new one: that is the race every
    keep-alive client must handle, and it is counted in `renewed`. On a fresh connection nothing may fail.
    """

    def __init__(self, server, clients=4, target="/", keep_alive=False, expect=200):
        self.server, self.target, self.keep_alive, self.expect = server, target, keep_alive, expect
        self.stop = threading.Event()
        self.failures, self.bodies, self.answers, self.renewed = [], set(), 0, 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _run(self):
        connection = None
        while not self.stop.is_set():
            fresh = connection is None
            try:
                if fresh:
                    connection = Connection(self.server.address, timeout=30)
                response = connection.get(self.target, headers={} if self.keep_alive else {"Connection": "close"})
            except (OSError, AssertionError) as problem:
                gone = isinstance(problem, (Closed, ConnectionResetError, BrokenPipeError)) and not connection_has_bytes(connection)
                if connection:
                    connection.close()
                connection = None
                with self.lock:
                    if gone and not fresh:
                        self.renewed += 1
                    else:
                        self.failures.append(repr(problem))
                continue
            with self.lock:
                self.answers += 1
                self.bodies.add(response.body)
                if response.status != self.expect:
                    self.failures.append(repr(response))
            if not self.keep_alive or response.get("connection", "").lower() == "close":
                connection.close()
                connection = None
        if connection:
            connection.close()

    def after(self, count):
        """A condition for wait_until: so many more answers than now."""
        goal = self.answers + count
        return lambda: self.answers >= goal or self.failures


def connection_has_bytes(connection):
    return connection is not None and bool(connection.buffer)
