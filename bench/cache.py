#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cache operations per second from eight processes: this server, its predecessor, a Redis on a UNIX socket.

bench/cache.py [--server-path build/release/uwsgi] [--seconds 3] [--rounds 3] [--processes 8] [--value 100]

Each process gets and sets among 1000 keys, nine gets to one set, for the given time, all beginning at the same moment. Redis is asked by a client as small
as one can be: it sends a prepared command and reads the answer, one at a time as an application would. Redis is left out when redis-server is missing.
"""
import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

APP = '''
import os, time
KEYS = [b"key%d" % i for i in range(1000)]
VALUE = b"v" * int(os.environ["BENCH_VALUE"])

def measure(begin, seconds, get, update):
    for key in KEYS:
        update(key, VALUE)
    while time.time() < begin:
        pass
    end, done, step = begin + seconds, 0, os.getpid() % 1000
    while time.time() < end:
        for i in range(100):
            step = (step * 7 + 13) % 1000
            if i % 10 == 0:
                update(KEYS[step], VALUE)
            else:
                get(KEYS[step])
        done += 100
    return done

def application(environ, start_response):
    import uwsgi
    begin, seconds = map(float, environ["QUERY_STRING"].split(","))
    done = measure(begin, seconds, uwsgi.cache_get, uwsgi.cache_update)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % done]
'''

REDIS = '''
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
def get(key):
    connection.sendall(b"*2\\r\\n$3\\r\\nGET\\r\\n$%d\\r\\n%s\\r\\n" % (len(key), key))
    return connection.recv(65536)
def update(key, value):
    connection.sendall(b"*3\\r\\n$3\\r\\nSET\\r\\n$%d\\r\\n%s\\r\\n$%d\\r\\n%s\\r\\n" % (len(key), key, len(value), value))
    return connection.recv(65536)
print(measure(float(sys.argv[2]), float(sys.argv[3]), get, update))
'''


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            sys.exit("a server did not start")
        time.sleep(0.02)


def ask(path, begin, seconds, answers):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds + 60)
        connection.connect(path)
        connection.sendall(b"GET /?%f,%f HTTP/1.0\r\n\r\n" % (begin, seconds))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    answers.append(int(answer.rpartition(b"\r\n\r\n")[2]))


def run_server(program, plugin, folder, options):
    """Operations per second of all workers together."""
    (folder / "app.py").write_text(APP)
    path = str(folder / "http.sock")
    command = [program, *plugin, "--master", "--processes", str(options.processes), "--http-socket", path, "--wsgi-file", str(folder / "app.py"),
               "--cache2", "name=bench,items=5000", "--disable-logging", "--die-on-term"]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "BENCH_VALUE": str(options.value)})
    try:
        wait_for(lambda: (folder / "log").read_bytes().count(b"spawned uWSGI worker") == options.processes)
        answers, begin = [], time.time() + 2
        clients = [threading.Thread(target=ask, args=(path, begin, options.seconds, answers)) for _ in range(options.processes)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        if len(answers) != options.processes:
            sys.exit((folder / "log").read_text())
        return sum(answers) / options.seconds
    finally:
        server.terminate()
        server.wait()


def run_redis(folder, options):
    path = str(folder / "redis.sock")
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"],
                              stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.path.exists(path))
        (folder / "client.py").write_text(APP + REDIS)
        begin = str(time.time() + 2)
        clients = [subprocess.Popen([sys.executable, str(folder / "client.py"), path, begin, str(options.seconds)], stdout=subprocess.PIPE,
                                    env={**os.environ, "BENCH_VALUE": str(options.value)}) for _ in range(options.processes)]
        return sum(int(client.communicate()[0]) for client in clients) / options.seconds
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-path", default=str(Path(__file__).resolve().parent.parent / "build/release/uwsgi"))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--value", type=int, default=100, help="bytes of a value")
    options = parser.parse_args()
    runs = {"this server": lambda folder: run_server(options.server_path, [], folder, options)}
    if os.access("/usr/bin/uwsgi", os.X_OK):
        runs["uWSGI (Debian)"] = lambda folder: run_server("/usr/bin/uwsgi", ["--plugin", "python3"], folder, options)
    if shutil.which("redis-server"):
        runs["Redis"] = lambda folder: run_redis(folder, options)
    figures = {name: [] for name in runs}
    for _ in range(options.rounds):  # interleaved, so that a machine that slows down slows all
        for name, run in runs.items():
            with tempfile.TemporaryDirectory() as folder:
                figures[name].append(run(Path(folder)))
    print(f"{options.processes} processes, 9 gets to 1 set, values of {options.value} bytes, {options.rounds} rounds of {options.seconds} s")
    for name, values in figures.items():
        print(f"{name:16}{statistics.median(values):12,.0f} operations/s  [{min(values):,.0f} .. {max(values):,.0f}]")


if __name__ == "__main__":
    main()
