# SPDX-License-Identifier: Apache-2.0
"""wsgiref.validate around applications that do it all properly. An AssertionError of the validator is a 500."""
from wsgiref.validate import validator

PLAIN = [("Content-Type", "text/plain")]


def listed(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b"a", b"b"]


def generated(environ, start_response):
    start_response("200 OK", PLAIN)
    return iter([b"a", b"b"])


def written(environ, start_response):
    write = start_response("200 OK", PLAIN)
    write(b"a")
    return [b"b"]


def reading(environ, start_response):
    source = environ["wsgi.input"]
    parts = [source.readline(), source.read(2), b"".join(source.readlines()), source.read(10)]
    start_response("200 OK", PLAIN)
    return [b"|".join(parts)]


def iterating(environ, start_response):
    lines = list(environ["wsgi.input"])
    environ["wsgi.errors"].write("iterated\n")
    environ["wsgi.errors"].flush()
    start_response("200 OK", PLAIN)
    return [b"|".join(lines)]


def nothing(environ, start_response):
    start_response("204 No Content", [])
    return []


APPS = {"/" + function.__name__: validator(function) for function in (listed, generated, written, reading, iterating, nothing)}


def application(environ, start_response):
    return APPS[environ["PATH_INFO"]](environ, start_response)
