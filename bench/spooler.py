#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tasks per second through the spooler, from workers that leave them to processes that have run them, against uWSGI in one run.

    bench/spooler.py --server-path build/release/uwsgi [--tasks 20000] [--folder DIR] [--rounds 3]

Each server runs with 8 workers and 4 spooler processes. Workers are asked at the same time to leave their share of the tasks; the clock
stops when every task has run. Also shown: the same with the queue filled first and drained afterwards, each timed alone. Draining is timed
from the first task that was seen to have run, for both servers: a start would weigh as much as thousands of tasks. And the processor time of
all processes of the server for each task, which says something on a machine that is busy with other things too: spoolers have the weakest
priority.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from load.measure import free_port

APP = """
import os, uwsgi
OUT = os.open({out!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def work(task):
    os.write(OUT, b".")
    return uwsgi.SPOOL_OK
uwsgi.spooler = work
def application(environ, start_response):
    path, count = environ["PATH_INFO"][1:].split("/")
    target = {folder!r}.encode() + (b"/live" if path == "live" else b"/filled")
    for number in range(int(count)):
        uwsgi.spool({{b"spooler": target, b"number": b"%d" % number}})
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""
WORKERS = 8


class Run:
    """One server with two spool directories: `live` is worked off, `filled` only by a second start."""

    def __init__(self, command, folder, drains):
        self.folder = folder
        self.out = folder / "out"
        self.port = free_port()
        (folder / "app.py").write_text(APP.format(out=str(self.out), folder=str(folder)))
        for name in ("live", "filled"):
            (folder / name).mkdir(exist_ok=True)
        other = "spooler" if drains else "spooler-external"
        self.process = subprocess.Popen(
            [*command, "--master", "--http-socket", f"127.0.0.1:{self.port}", "--wsgi-file", str(folder / "app.py"),
             "--processes", str(WORKERS), "--spooler", str(folder / "live"), f"--{other}", str(folder / "filled"),
             "--spooler-processes", "4", "--spooler-quiet", "--disable-logging", "--spooler-frequency", "5"],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=open(folder / "log", "ab"), stderr=subprocess.STDOUT)
        self.wait(lambda: self.is_up())

    def is_up(self):
        try:
            return self.get("/live/0")
        except OSError:
            return False

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=600) as answer:
            return answer.read() == b"ok"

    @staticmethod
    def wait(condition, seconds=300):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                sys.exit("bench: waited too long")
            time.sleep(0.002)

    def ran(self):
        return self.out.stat().st_size if self.out.exists() else 0

    def cpu(self):
        """Seconds of processor time of the server's processes that live."""
        pids = [self.process.pid]
        for pid in pids:
            try:
                pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except OSError:
                pass
        ticks = 0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def timed(self, action):
        """Seconds that it took, and seconds of processor time."""
        began, used = time.monotonic(), self.cpu()
        action()
        return time.monotonic() - began, self.cpu() - used

    def enqueue(self, where, count):
        threads = [threading.Thread(target=self.get, args=(f"/{where}/{count // WORKERS}",)) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self):
        self.process.terminate() if "next" in self.version() else self.process.send_signal(2)
        self.process.wait(60)

    def version(self):
        return subprocess.run([self.process.args[0], "--version"], capture_output=True, text=True).stdout


def measure(command, base, tasks):
    """(tasks/s through, enqueued/s, drained/s, microseconds of processor time for each task: through, enqueued, drained)"""
    folder = Path(tempfile.mkdtemp(prefix="spool", dir=base))
    run = None
    try:
        run = Run(command, folder, drains=False)
        through = run.timed(lambda: run.enqueue("live", tasks) or run.wait(lambda: run.ran() >= tasks))
        enqueued = run.timed(lambda: run.enqueue("filled", tasks))
        run.stop()
        run = Run(command, folder, drains=True)
        run.wait(lambda: run.ran() > tasks)
        left = 2 * tasks - run.ran()
        drained = run.timed(lambda: run.wait(lambda: run.ran() >= 2 * tasks))
        run.stop()
        parts = ((tasks, through), (tasks, enqueued), (left, drained))
        return [count / elapsed for count, (elapsed, _) in parts] + [used / count * 1e6 for count, (_, used) in parts]
    finally:
        if run and run.process.poll() is None:
            run.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-path", default="build/release/uwsgi")
    parser.add_argument("--peer", default="/usr/bin/uwsgi")
    parser.add_argument("--tasks", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the spool directories are made: a disk, not a memory file system")
    given = parser.parse_args()
    ours = str(Path(given.server_path).absolute())
    commands = {"durable": [ours], "spooler-durable=false": [ours, "--spooler-durable=false"]}
    if os.access(given.peer, os.X_OK):
        commands["uWSGI"] = [given.peer, "--plugin", "python3"]
    results = {name: [] for name in commands}
    for _ in range(given.rounds):
        for name, command in commands.items():
            results[name].append(measure(command, given.folder, given.tasks))
    heads = ("through/s", "enqueued/s", "drained/s", "cpu us: through", "enqueued", "drained")
    print(f"{'median (min-max)':<24}" + "".join(f"{head:>24}" for head in heads))
    for name, rounds in results.items():
        columns = [f"{statistics.median(c):.0f} ({min(c):.0f}-{max(c):.0f})" for c in zip(*rounds, strict=True)]
        print(f"{name:<24}" + "".join(f"{column:>24}" for column in columns))


if __name__ == "__main__":
    main()
