# SPDX-License-Identifier: Apache-2.0
"""A client of the uwsgi protocol."""
import struct

from support.http import Connection
from support.processes import LEAST


def encode_vars(variables):
    block = b""
    for name, value in variables.items() if isinstance(variables, dict) else variables:
        name = name if isinstance(name, bytes) else name.encode("latin-1")
        value = value if isinstance(value, bytes) else value.encode("latin-1")
        block += struct.pack("<H", len(name)) + name + struct.pack("<H", len(value)) + value
    return block


def header(size, modifier1=0, modifier2=0):
    return struct.pack("<BHB", modifier1, size, modifier2)


def encode(variables, body=b"", modifier1=0, modifier2=0):
    block = encode_vars(variables)
    return header(len(block), modifier1, modifier2) + block + body


def web_vars(method="GET", target="/", body=None, **more):
    """What nginx sends for such a request."""
    path, _, query = target.partition("?")
    variables = {
        "QUERY_STRING": query, "REQUEST_METHOD": method, "CONTENT_TYPE": "", "CONTENT_LENGTH": "",
        "REQUEST_URI": target, "PATH_INFO": path, "DOCUMENT_ROOT": "/var/www", "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "4711", "SERVER_PORT": "80", "SERVER_NAME": "example.org",
        "HTTP_HOST": "example.org",
    }
    if body is not None:
        variables["CONTENT_LENGTH"] = str(len(body))
    variables.update(more)
    return {name: value for name, value in variables.items() if value is not None}


def exchange(address, data, finish=False, timeout=LEAST):
    """Sends bytes, returns all that comes back."""
    with Connection(address, timeout) as connection:
        connection.send(data)
        if finish:
            connection.finish_sending()
        return connection.read_to_close()


def request(address, method="GET", target="/", body=None, modifier1=0, modifier2=0, **more):
    """One web request, answered as an HTTP message."""
    with Connection(address) as connection:
        connection.send(encode(web_vars(method, target, body, **more), body or b"", modifier1, modifier2))
        response = connection.response(method)
        assert connection.read_to_close() == b"", "bytes after the answer"
        return response
