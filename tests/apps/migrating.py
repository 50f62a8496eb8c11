# SPDX-License-Identifier: Apache-2.0
"""Answers with the process that ran the request, its path and body; /maybe/* sometimes takes a few milliseconds."""
import os
import random
import sys
import time


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/wait":  # until the file named by the query exists, at most two minutes
        print(f"waiting in {os.getpid()}", file=sys.stderr, flush=True)
        for _ in range(12_000):
            if os.path.exists(environ["QUERY_STRING"]):
                break
            time.sleep(0.01)
    elif path.startswith("/slow/"):
        time.sleep(int(path[6:]) / 1000)
    elif path.startswith("/maybe/") and random.random() < 0.05:
        time.sleep(random.random() * 0.01)
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size) if size else b""
    answer = f"{os.getpid()} {path} ".encode() + body
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
