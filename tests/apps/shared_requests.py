# SPDX-License-Identifier: Apache-2.0
"""Requests whose input and write() are used by several threads at once, some of which stay when the application returns."""
import threading

PLAIN = [("Content-Type", "text/plain")]
LINES = b"a line of the answer\n" * 2500


def read_all(stream, sizes):
    try:
        while True:
            data = stream.readline(700) if len(sizes) % 2 else stream.read(5000)
            if not data:
                return
            sizes.append(len(data))
    except (RuntimeError, OSError, ValueError):
        pass  # the request has ended, or its client has gone


def write_all(write, sizes):
    try:
        for _ in range(20):
            write(LINES)
            sizes.append(len(LINES))
    except (RuntimeError, OSError):
        pass


def application(environ, start_response):
    work, wait = environ["PATH_INFO"].strip("/").split("/")
    write = start_response("200 OK", PLAIN)
    sizes = []
    arguments = (environ["wsgi.input"], sizes) if work == "read" else (write, sizes)
    threads = [threading.Thread(target=read_all if work == "read" else write_all, args=arguments) for _ in range(4)]
    for thread in threads:
        thread.start()
    if wait == "leave":
        return [b"end"]
    for thread in threads:
        thread.join()
    return [b"%d" % sum(sizes)] if work == "read" else []
