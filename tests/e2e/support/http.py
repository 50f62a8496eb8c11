# SPDX-License-Identifier: Apache-2.0
"""A client of raw sockets that parses answers strictly: what a lenient client forgives is a failure here."""
import re
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

from support.processes import LEAST

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})\Z")


class ProtocolError(AssertionError):
    """The answer breaks RFC 9112."""


class Closed(ProtocolError):
    """The connection ended where an answer, or the rest of one, was due."""


@dataclass
class Response:
    version: str
    status: int
    reason: str
    headers: list
    body: bytes = b""
    head: bytes = b""
    framing: str = ""  # length, chunked, close, none
    chunks: list = field(default_factory=list)

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    @property
    def text(self):
        return self.body.decode()


class Connection:
    """One connection to a (host, port) pair or to a unix path."""

    def __init__(self, address, timeout=LEAST, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, (str, bytes)) else (
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket = socket.socket(family)
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def is_accepted(self):
        """Whether a server of this machine has taken the connection (TCP over IPv4), or the kernel still keeps it."""
        def written(address):
            return f"{struct.unpack('<I', socket.inet_aton(address[0]))[0]:08X}:{address[1]:04X}"
        ends = [written(self.socket.getpeername()), written(self.socket.getsockname())]
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return any(row[1:3] == ends and row[9] != "0" for row in rows)

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def send_slowly(self, data):
        """Byte by byte, each in a segment of its own; stops early when the server has closed."""
        for i in range(len(data)):
            try:
                self.socket.sendall(data[i:i + 1])
            except (BrokenPipeError, ConnectionResetError):
                return

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _fill(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        if not got:
            raise Closed(f"connection closed after {self.buffer[:200]!r}")
        self.buffer += got

    def _take(self, size):
        while len(self.buffer) < size:
            self._fill()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _take_until(self, mark):
        while mark not in self.buffer:
            self._fill()
        taken, _, self.buffer = self.buffer.partition(mark)
        return taken

    def read_exactly(self, size):
        return self._take(size)

    def read_to_close(self):
        """Everything up to the end of the connection, a reset counting as one."""
        while True:
            try:
                self._fill()
            except Closed:
                taken, self.buffer = self.buffer, b""
                return taken

    def is_closed(self):
        """True when the server ends the connection without another byte, False when it sends one."""
        if self.buffer:
            return False
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def stays_open(self):
        """True when nothing, not even the end, waits on the connection now."""
        if self.buffer:
            return False
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK) and False)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        finally:
            self.socket.settimeout(LEAST)

    def head(self):
        head = self._take_until(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        match = re.match(rb"(HTTP/1\.[01]) ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)\Z", lines[0])
        if not match:
            raise ProtocolError(f"status line {lines[0]!r}")
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.match(name):
                raise ProtocolError(f"header line {line!r}")
            if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
                raise ProtocolError(f"control byte in {line!r}")
            headers.append((name.decode(), value.strip(b" \t").decode("latin-1")))
        return Response(match[1].decode(), int(match[2]), match[3].decode("latin-1"), headers, head=head)

    def _chunked_body(self, response):
        while True:
            line = self._take_until(b"\r\n")
            match = CHUNK_LINE.match(line)
            if not match:
                raise ProtocolError(f"chunk size {line!r}")
            size = int(match[1], 16)
            if size == 0:
                trailer = self._take_until(b"\r\n")
                if trailer:
                    raise ProtocolError(f"trailer {trailer!r}")
                return
            response.chunks.append(self._take(size))
            if self._take(2) != b"\r\n":
                raise ProtocolError("no CRLF after a chunk")

    def response(self, method="GET"):
        """The next answer, an interim one (1xx) being an answer too."""
        response = self.head()
        lengths, codings = response.all("content-length"), response.all("transfer-encoding")
        if len(lengths) > 1 or (lengths and codings):
            raise ProtocolError(f"ambiguous framing in {response.head!r}")
        if lengths and not re.fullmatch(r"[0-9]+", lengths[0]):
            raise ProtocolError(f"Content-Length {lengths[0]!r}")
        if codings and (response.status < 200 or response.status == 204 or response.version == "HTTP/1.0"):
            raise ProtocolError(f"Transfer-Encoding where it may not be: {response.head!r}")
        if lengths and (response.status < 200 or response.status == 204):
            raise ProtocolError(f"Content-Length with status {response.status}")
        if method == "HEAD" or response.status < 200 or response.status in (204, 304):
            response.framing = "none"
        elif codings:
            if codings != ["chunked"]:
                raise ProtocolError(f"Transfer-Encoding {codings}")
            response.framing = "chunked"
            self._chunked_body(response)
            response.body = b"".join(response.chunks)
        elif lengths:
            response.framing = "length"
            response.body = self._take(int(lengths[0]))
        else:
            response.framing = "close"
            response.body = self.read_to_close()
        return response

    def request(self, method="GET", target="/", headers=(), body=None, version="HTTP/1.1", host="localhost"):
        self.send(make_request(method, target, headers, body, version, host))
        return self.response(method)

    def get(self, target="/", **more):
        return self.request("GET", target, **more)


def make_request(method="GET", target="/", headers=(), body=None, version="HTTP/1.1", host="localhost"):
    headers = list(headers.items()) if isinstance(headers, dict) else list(headers)
    names = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} {version}"]
    if host is not None and "host" not in names:
        lines.append(f"Host: {host}")
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(body))))
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chunked(*pieces):
    """A body in chunks, one per piece."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
