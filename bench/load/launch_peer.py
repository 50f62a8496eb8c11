# SPDX-License-Identifier: Apache-2.0
"""Starts a peer that has no command line of its own. Usage: launch_peer.py NAME MODULE:CALLABLE PORT PROCESSES THREADS"""
import importlib
import os
import signal
import sys


def run_bjoern(app, port, processes, threads):
    import bjoern

    bjoern.listen(app, "127.0.0.1", port, reuse_port=True)
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    bjoern.run()


def run_fastpysgi(app, port, processes, threads):
    import fastpysgi

    fastpysgi.server.backlog = 4096
    fastpysgi.run(app, "127.0.0.1", port, workers=processes)


def run_waitress(app, port, processes, threads):
    import waitress

    waitress.serve(app, host="127.0.0.1", port=port, threads=threads, backlog=4096, connection_limit=12000,
                   asyncore_use_poll=True)


def main():
    name, target, port, processes, threads = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    module, callable_name = target.split(":")
    app = getattr(importlib.import_module(module), callable_name)
    globals()["run_" + name](app, int(port), int(processes), int(threads))


main()
