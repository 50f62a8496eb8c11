#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps a server under constant load while its life goes on, for as long as asked, and reports what was lost.

    bench/soak.py --server build/release/uwsgi --seconds 600

Meanwhile it is reloaded (SIGHUP), its workers are reloaded all at once and one by one, they are recycled by max-requests, their number
follows the load, and once in a while one is killed (requests that such a worker ran are counted apart). At the end: requests, failed
requests, memory and descriptors of the master over time. The exit status is 1 when a request failed that nobody killed.
"""
import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))

from support import processes  # noqa: E402
from support.load import Load  # noqa: E402
from support.server import free_port  # noqa: E402

APP = """import os, time
def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.05)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


class Site:
    def __init__(self, program, folder):
        self.folder = Path(folder)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        (self.folder / "site.py").write_text(APP)
        self.log_path = self.folder / "server.log"
        self.fifo = self.folder / "fifo"
        self.process = subprocess.Popen(
            [program, "--http-socket", f"127.0.0.1:{self.port}", "--wsgi-file", "site.py", "--master", "--processes", "4", "--threads",
             "2", "--cheaper", "2", "--cheaper-overload", "1", "--lazy-apps", "--max-requests", "3000", "--min-worker-lifetime", "1",
             "--master-fifo", str(self.fifo), "--disable-logging"],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=open(self.log_path, "ab"), stderr=subprocess.STDOUT)
        self.pid = self.process.pid

    def command(self, letter):
        fd = os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, letter)
        finally:
            os.close(fd)

    def figures(self):
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]), len(os.listdir(f"/proc/{self.pid}/fd")), len(processes.children(self.pid))


def slope(points):
    """KiB per hour by least squares."""
    n = len(points)
    if n < 2:
        return 0.0
    mean_x, mean_y = (sum(values) / n for values in zip(*points))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def disturb(site, events, until, kill):
    actions = [("reload", lambda: site.process.send_signal(signal.SIGHUP)), ("workers reload", lambda: site.command(b"w")),
               ("chain reload", lambda: site.command(b"c"))]
    if kill:
        actions.append(("kill -9", lambda: os.kill(random.choice(processes.children(site.pid)), signal.SIGKILL)))
    while not until.wait(random.uniform(3, 6)):
        name, action = random.choice(actions)
        try:
            action()
        except OSError as problem:
            events.append((time.monotonic(), f"{name}: {problem}"))
        else:
            events.append((time.monotonic(), name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="build/release/uwsgi")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=4, help="as many again keep their connections")
    parser.add_argument("--kill", action="store_true", help="kill workers too; their requests fail")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = Site(str(Path(chosen.server).resolve()), folder)
        try:
            return watch(site, chosen)
        finally:
            site.process.terminate()
            site.process.wait(120)


def watch(site, chosen):
    processes.wait_until(lambda: "spawned uWSGI worker" in site.log_path.read_text(), 60, "the start")
    events, over, points = [], threading.Event(), []
    disturber = threading.Thread(target=disturb, args=(site, events, over, chosen.kill))
    began = time.monotonic()
    with Load(site, chosen.clients) as fresh, Load(site, chosen.clients, target="/slow", keep_alive=True) as kept:
        disturber.start()
        while time.monotonic() - began < chosen.seconds and site.process.poll() is None:
            time.sleep(min(5, chosen.seconds / 10))
            rss, fds, children = site.figures()
            points.append((time.monotonic() - began, rss))
            print(f"{points[-1][0]:7.0f} s  {fresh.answers + kept.answers:9d} answers  {len(fresh.failures) + len(kept.failures):3d} failed"
                  f"  master {rss} KiB, {fds} descriptors, {children} children", flush=True)
        over.set()
        disturber.join()
    failures = fresh.failures + kept.failures
    counted = {name: sum(1 for _, event in events if event == name) for name in sorted({event for _, event in events})}
    settled = points[len(points) // 4:]
    print(f"\nanswers {fresh.answers + kept.answers}, failed {len(failures)}, connections renewed {kept.renewed}")
    print("events  " + ", ".join(f"{name} {count}" for name, count in counted.items()))
    print(f"recycled {site.log_path.read_text().count('killed successfully')} workers")
    print(f"master  RSS slope {slope(settled):.0f} KiB/h")
    for failure in failures[:10]:
        print("  ", failure)
    return 0 if site.process.poll() is None and (chosen.kill or not failures) else 1


if __name__ == "__main__":
    sys.exit(main())
