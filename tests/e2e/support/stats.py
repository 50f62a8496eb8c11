# SPDX-License-Identifier: Apache-2.0
"""Reads the statistics of a server, raw and over HTTP."""
import json
import socket

from support.processes import LEAST


def connect(address, timeout=LEAST):
    """`address` is (host, port), a path, or an abstract name with a NUL in front."""
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(timeout)
    client.connect(address)
    return client


def read_all(client):
    pieces = []
    while True:
        piece = client.recv(65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def raw(address, said=b""):
    """Everything that a client gets that says this."""
    with connect(address) as client:
        if said:
            client.sendall(said)
        return read_all(client)


def stats(address):
    """The document, from the raw protocol."""
    return json.loads(raw(address))


def http(address, path="/stats", headers=(), method="GET"):
    """(status, headers, body) of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: stats", *headers, "", ""]
    head, _, body = raw(address, "\r\n".join(lines).encode()).partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), body
