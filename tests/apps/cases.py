# SPDX-License-Identifier: Apache-2.0
"""One application per path: everything that an application may do, rightly or wrongly, with start_response and its result."""
import io
import os
import sys
import tempfile
import time

CASES = {}
CLOSED = []  # names of iterables whose close() was called, in order

PLAIN = [("Content-Type", "text/plain")]


def case(function):
    CASES["/" + function.__name__] = function
    return function


def application(environ, start_response):
    return CASES[environ["PATH_INFO"]](environ, start_response)


class Body:
    """An iterable that tells when it is closed."""

    def __init__(self, name, chunks):
        self.name, self.chunks = name, chunks

    def __iter__(self):
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self):
        CLOSED.append(self.name)


@case
def closed(environ, start_response):
    start_response("200 OK", PLAIN)
    names, CLOSED[:] = list(CLOSED), []
    return [",".join(names).encode()]


# -- bodies


@case
def one(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b"one"]


@case
def two(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b"one", b"two"]


@case
def two_tuple(environ, start_response):
    start_response("200 OK", PLAIN)
    return (b"one", b"two")


@case
def generator(environ, start_response):
    start_response("200 OK", PLAIN)
    yield b"one"
    yield b"two"


@case
def late_start(environ, start_response):
    """A generator whose start_response runs with the first next()."""
    yield b""
    start_response("201 Created", PLAIN)
    yield b"late"


@case
def iterable(environ, start_response):
    start_response("200 OK", PLAIN)
    return Body("iterable", [b"a", b"", b"b"])


@case
def empty_list(environ, start_response):
    start_response("200 OK", PLAIN)
    return []


@case
def empty_bytes(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b""]


@case
def empty_generator(environ, start_response):
    start_response("200 OK", PLAIN)
    return iter(())


@case
def bare_bytes(environ, start_response):
    start_response("200 OK", PLAIN)
    return b"direct"


@case
def big(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b"x" * 5_000_000]


@case
def big_generator(environ, start_response):
    start_response("200 OK", PLAIN)
    return (b"%07d\n" % number * 1000 for number in range(600))


@case
def with_length(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "6")])
    return (chunk for chunk in (b"abc", b"def"))


@case
def length_too_small(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "4")])
    return [b"abcdefgh"]


@case
def length_too_big(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "100")])
    return [b"abc"]


@case
def no_content(environ, start_response):
    start_response("204 No Content", [])
    return [b"dropped"]


@case
def not_modified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"x"')])
    return [b"dropped"]


@case
def str_item(environ, start_response):
    start_response("200 OK", PLAIN)
    return ["text"]


@case
def int_item(environ, start_response):
    start_response("200 OK", PLAIN)
    return [5]


@case
def returns_none(environ, start_response):
    start_response("200 OK", PLAIN)
    return None


@case
def no_start(environ, start_response):
    return [b"body"]


# -- headers


@case
def headers(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("X-Mixed-Case", "v"), ("Set-Cookie", "b=2"),
                              ("X-Latin", "caf\xe9"), ("Server", "mine"), ("Date", "today"), ("X-Empty", "")])
    return [b"ok"]


@case
def bare_status(environ, start_response):
    start_response("200", PLAIN)
    return [b"ok"]


@case
def keywords(environ, start_response):
    start_response(status="200 OK", headers=PLAIN, exc_info=None)
    return [b"keywords"]


BAD_STARTS = {
    "status_short": ("20", PLAIN),
    "status_text": ("abc def", PLAIN),
    "status_crlf": ("200 OK\r\nX: 1", PLAIN),
    "status_int": (200, PLAIN),
    "status_bytes": (b"200 OK", PLAIN),
    "headers_tuple": ("200 OK", tuple(PLAIN)),
    "header_list": ("200 OK", [["A", "b"]]),
    "header_bytes": ("200 OK", [(b"A", b"b")]),
    "header_int": ("200 OK", [("A", 5)]),
    "header_none": ("200 OK", [("A", None)]),
    "header_short": ("200 OK", [("A",)]),
    "value_crlf": ("200 OK", [("A", "b\r\nX-Injected: 1")]),
    "value_lf": ("200 OK", [("A", "b\nX-Injected: 1")]),
    "value_nul": ("200 OK", [("A", "b\0c")]),
    "value_wide": ("200 OK", [("A", "\u20ac")]),
    "name_empty": ("200 OK", [("", "b")]),
    "name_space": ("200 OK", [("A b", "c")]),
    "name_colon": ("200 OK", [("A:", "c")]),
    "name_crlf": ("200 OK", [("A\r\nX-Injected", "c")]),
}


@case
def bad_start(environ, start_response):
    start_response(*BAD_STARTS[environ["QUERY_STRING"]])
    return [b"reached"]


@case
def bad_start_caught(environ, start_response):
    """The application catches what the server raises and answers properly."""
    try:
        start_response(*BAD_STARTS[environ["QUERY_STRING"]])
    except Exception as problem:
        start_response("200 OK", PLAIN)
        return [type(problem).__name__.encode()]
    return [b"nothing raised"]


@case
def twice(environ, start_response):
    start_response("200 OK", PLAIN)
    start_response("201 Created", PLAIN)
    return [b"body"]


@case
def replaced(environ, start_response):
    """exc_info before anything went out replaces the headers."""
    start_response("200 OK", PLAIN + [("X-First", "1")])
    try:
        raise ValueError("replaced")
    except ValueError:
        start_response("500 Oops", PLAIN + [("X-Second", "2")], sys.exc_info())
    return [b"sorry"]


@case
def exc_info_late(environ, start_response):
    """exc_info after the headers went out raises that exception."""
    write = start_response("200 OK", PLAIN + [("Content-Length", "12")])
    write(b"early.")
    try:
        raise ValueError("too late")
    except ValueError:
        try:
            start_response("500 Oops", PLAIN, sys.exc_info())
        except ValueError:
            write(b"raised")
    return []


@case
def writes(environ, start_response):
    write = start_response("200 OK", PLAIN)
    result = write(b"one,")
    write(b"two,")
    return [b"three,", repr(result).encode()]


@case
def write_str(environ, start_response):
    write = start_response("200 OK", PLAIN)
    try:
        write("text")
    except TypeError:
        return [b"TypeError"]
    return [b"accepted"]


# -- errors


@case
def raises(environ, start_response):
    raise ValueError("before start")


@case
def raises_started(environ, start_response):
    start_response("200 OK", PLAIN)
    raise ValueError("after start")


@case
def raises_midway(environ, start_response):
    start_response("200 OK", PLAIN)
    return Body("midway", [b"part", ValueError("midway")])


@case
def raises_in_close(environ, start_response):
    class Bad(Body):
        def close(self):
            raise ValueError("in close")

    start_response("200 OK", PLAIN)
    return Bad("bad", [b"whole"])


@case
def system_exit(environ, start_response):
    sys.exit(3)


@case
def keyboard_interrupt(environ, start_response):
    raise KeyboardInterrupt


@case
def pid(environ, start_response):
    start_response("200 OK", PLAIN)
    return [str(os.getpid()).encode()]


# -- files


def _file(content=b"0123456789"):
    file = tempfile.TemporaryFile()
    file.write(content)
    file.seek(0)
    return file


@case
def file_real(environ, start_response):
    start_response("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](_file(), 4)


@case
def file_big(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "3000000")])
    return environ["wsgi.file_wrapper"](_file(b"f" * 3_000_000))


@case
def file_offset(environ, start_response):
    file = _file()
    file.seek(4)
    start_response("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](file)


@case
def file_limited(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "3")])
    return environ["wsgi.file_wrapper"](_file())


@case
def file_of_kernel(environ, start_response):
    """Its size is 0, and it has bytes."""
    start_response("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](open("/proc/self/comm", "rb"))


@case
def file_empty(environ, start_response):
    start_response("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](_file(b""))


@case
def file_memory(environ, start_response):
    start_response("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](io.BytesIO(b"memory" * 10), 7)


@case
def file_closed(environ, start_response):
    class Closing(io.BytesIO):
        def close(self):
            CLOSED.append("file")
            super().close()

    start_response("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](Closing(b"closing"))


@case
def file_iterated(environ, start_response):
    start_response("200 OK", PLAIN)
    return (chunk for chunk in environ["wsgi.file_wrapper"](io.BytesIO(b"a\nb\n")))


@case
def file_no_read(environ, start_response):
    try:
        environ["wsgi.file_wrapper"](object())
    except AttributeError:
        start_response("200 OK", PLAIN)
        return [b"AttributeError"]


# -- input, time, log


@case
def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", PLAIN)
    return [body]


@case
def length(environ, start_response):
    total = 0
    while True:
        chunk = environ["wsgi.input"].read(10_000)
        if not chunk:
            break
        total += len(chunk)
    start_response("200 OK", PLAIN)
    return [str(total).encode()]


@case
def unread(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b"unread"]


@case
def input_error(environ, start_response):
    try:
        environ["wsgi.input"].read()
        result = b"whole"
    except OSError as problem:
        result = str(problem).encode()
    print("input:", result.decode(), file=sys.stderr, flush=True)
    start_response("200 OK", PLAIN)
    return [result]


@case
def sleep(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"] or 0.1))
    start_response("200 OK", PLAIN)
    return [b"slept"]


@case
def errors(environ, start_response):
    environ["wsgi.errors"].write("to wsgi.errors\n")
    environ["wsgi.errors"].writelines(["caf\xe9 ", "\u20ac\n"])
    print("to stdout", flush=True)
    start_response("200 OK", PLAIN)
    return [b"ok"]


@case
def kept(environ, start_response):
    """What an application keeps of an earlier request."""
    before = getattr(application, "kept", None)
    application.kept = environ
    start_response("200 OK", PLAIN)
    return [str(None if before is None else before.get("QUERY_STRING")).encode()]


@case
def kept_input(environ, start_response):
    """wsgi.input of a request that is over must not read the next one's body."""
    before = getattr(application, "kept_input", None)
    application.kept_input = environ["wsgi.input"]
    result = b"first"
    if before is not None:
        try:
            result = b"read %d" % len(before.read())
        except Exception as problem:
            result = type(problem).__name__.encode()
    start_response("200 OK", PLAIN)
    return [result]
