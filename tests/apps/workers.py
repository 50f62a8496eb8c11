# SPDX-License-Identifier: Apache-2.0
"""For tests of processes: tells who answered, sleeps, dies."""
import atexit
import os
import signal
import sys
import threading
import time

STARTED = time.time()
atexit.register(lambda: print(f"atexit in {os.getpid()}", file=sys.stderr, flush=True))


def application(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
    if path == "/exit":
        os._exit(int(query))
    if path == "/sleep":
        time.sleep(float(query))
    if path == "/wait":  # until the file named by the query exists, at most two minutes
        print(f"waiting in {os.getpid()}", file=sys.stderr, flush=True)
        for _ in range(12_000):
            if os.path.exists(query):
                break
            time.sleep(0.01)
    if path == "/thread":
        main = threading.current_thread() is threading.main_thread()
        body = f"{main} {threading.get_ident()}"
    else:
        body = str(os.getpid())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
