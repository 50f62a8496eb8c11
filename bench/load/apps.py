# SPDX-License-Identifier: Apache-2.0
"""The applications of the comparison. Every server runs the same ones."""
import time

BODY_64K = b"x" * 65536


def tiny(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "11")])
    return [b"Hello World"]


def body64k(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "65536")])
    return [BODY_64K]


def post(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    answer = b"%d" % len(body)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


def sleep10(environ, start_response):
    time.sleep(0.010)
    return tiny(environ, start_response)


def mixed(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.200)
    return tiny(environ, start_response)
