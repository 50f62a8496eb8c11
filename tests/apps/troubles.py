# SPDX-License-Identifier: Apache-2.0
"""For tests of limits, harakiri and recycling: requests that take too much of something."""
import ctypes
import json
import mmap
import os
import signal
import sys
import threading
import time

try:
    import uwsgi
except ImportError:
    uwsgi = None

HOARD = []


def wait_for(path):
    for _ in range(12_000):
        if os.path.exists(path):
            return
        time.sleep(0.01)


def spin_in_python(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            sum(range(100))
        except Exception:
            pass


def block_in_native_code(seconds):
    left = seconds
    while left:  # a signal ends a sleep early
        left = ctypes.PyDLL(None).sleep(left)  # PyDLL keeps the interpreter's lock


def application(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    print(f"begin {path} in {os.getpid()}", file=sys.stderr, flush=True)
    body = str(os.getpid())
    if path == "/spin":
        spin_in_python(float(query))
    elif path == "/sleep":
        time.sleep(float(query))
    elif path == "/native":
        block_in_native_code(int(query))
    elif path == "/wait":
        wait_for(query)
    elif path == "/hoard":  # megabytes
        HOARD.append(bytearray(int(query) << 20))
    elif path == "/map":  # megabytes of address space
        HOARD.append(mmap.mmap(-1, int(query) << 20))
    elif path == "/hoard-wait":  # megabytes, path
        megabytes, path = query.split(",")
        HOARD.append(bytearray(int(megabytes) << 20))
        wait_for(path)
    elif path == "/deadline":
        uwsgi.set_user_harakiri(int(query))
        spin_in_python(60)
    elif path == "/raise":
        raise {"ValueError": ValueError, "KeyError": KeyError}[query]("the value")
    elif path == "/deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    elif path == "/fork":
        child = os.fork()
        if child == 0:
            time.sleep(1)
            os._exit(0)
        body = str(child)
    elif path == "/workers":
        body = json.dumps([{"id": worker["id"], "pid": worker["pid"], "requests": worker["requests"]} for worker in uwsgi.workers()])
    elif path == "/thread":
        body = str(threading.get_ident())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
