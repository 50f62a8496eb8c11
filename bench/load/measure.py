# SPDX-License-Identifier: Apache-2.0
"""Running a server on its cores, loading it from others, and reading what it cost from /proc."""
import os
import re
import resource
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stat_fields(pid):
    """Fields of /proc/PID/stat after the command name, or None when the process has gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


def process_tree(root):
    """The pid and all its living descendants."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_fields(name)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(name))
    tree, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        tree.append(pid)
        waiting.extend(children.get(pid, ()))
    return tree


def cpu_seconds(root):
    """User and system time of the tree; children that were waited for are in their parent's figures."""
    ticks = 0
    for pid in process_tree(root):
        fields = stat_fields(pid)
        if fields:
            ticks += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return ticks / TICK


def memory_of(pid):
    """(USS, PSS) in bytes."""
    uss = pss = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            match = re.match(r"(Private_Clean|Private_Dirty|Pss):\s+(\d+) kB", line)
            if match:
                size = int(match[2]) * 1024
                if match[1] == "Pss":
                    pss += size
                else:
                    uss += size
    except OSError:
        pass
    return uss, pss


def tree_memory(root):
    figures = [memory_of(pid) for pid in process_tree(root)]
    return sum(f[0] for f in figures), sum(f[1] for f in figures)


class Running:
    """A started program on its cores, with everything it forks in a process group of its own; ends on leaving the block.

    It is in a session of its own, and so in a scheduler's group of its own (sched(7), autogroup), unless `own_session`
    is false: then it shares ours, as a program that a shell starts beside another.
    """

    def __init__(self, command, cpus, log, ready, own_session=True):
        self.command, self.cpus, self.log, self.ready = command, cpus, log, ready
        self.grouping = {"start_new_session": True} if own_session else {"process_group": 0}

    def __enter__(self):
        self.output = open(self.log, "ab")
        self.process = subprocess.Popen(["taskset", "-c", self.cpus, *self.command], stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=self.output, cwd=HERE, **self.grouping)
        deadline = time.monotonic() + 15
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                tail = Path(self.log).read_text(errors="replace").splitlines()[-5:]
                raise RuntimeError(f"{self.command[0]} did not get ready: " + " | ".join(tail))
            time.sleep(0.02)
        return self

    @property
    def pid(self):
        return self.process.pid

    def __exit__(self, *_):
        members = process_tree(self.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT if "uwsgi" in self.command[0] else signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)  # its own group: only what it started
        except ProcessLookupError:
            pass
        self.process.wait()
        deadline = time.monotonic() + 2
        while any(os.path.exists(f"/proc/{pid}") for pid in members[1:]) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.output.close()


def answers_http(port):
    def check():
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.settimeout(2)
                s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return s.recv(12).startswith(b"HTTP/1.")
        except OSError:
            return False

    return check


def accepts_unix(path):
    def check():
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                return True
        except OSError:
            return False

    return check


def wrk(port, seconds, connections, cpus, path="/", script=None, close=False, threads=1):
    """Returns {requests, per_second, p99_ms, max_ms, errors} of one run."""
    command = ["taskset", "-c", cpus, "wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["-s", str(HERE / script)] if script else []
    command += ["-H", "Connection: close"] if close else []
    done = subprocess.run(command + [f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    return parse_wrk(done.stdout)


def parse_wrk(text):
    requests, seconds = re.search(r"(\d+) requests in ([\d.]+\w+),", text).groups()
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    amount, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", text).groups()
    milliseconds = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}
    p99 = float(amount) * milliseconds[unit]
    amount, unit = re.search(r"Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s|m)\b", text).groups()
    longest = float(amount) * milliseconds[unit]
    errors = 0
    match = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if match:
        errors += int(match[1])
    match = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    if match:
        # "read" counts connections that the server closed without saying so, which the predecessor does after each answer.
        errors += int(match[1]) + int(match[3]) + int(match[4])
    return {"requests": int(requests), "per_second": rate, "p99_ms": p99, "max_ms": longest, "errors": errors}


def nginx_configuration(folder, port, setup, uwsgi_protocol):
    if uwsgi_protocol:
        upstream, location = f"server unix:{setup.unix_path};", "include /etc/nginx/uwsgi_params; uwsgi_pass app;"
    else:
        upstream = f"server 127.0.0.1:{setup.port}; keepalive 64;"
        location = 'proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";'
    path = Path(folder) / "nginx.conf"
    path.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;\n"
        + ("user root;\n" if os.geteuid() == 0 else "")
        + "events { worker_connections 8192; }\n"
        "http { access_log off; keepalive_requests 1000000000;\n"
        + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + f"upstream app {{ {upstream} }}\n"
        f"server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ {location} }} }} }}\n")
    return path


class IdleConnections:
    """Opens keep-alive connections, one request on each, and holds them."""

    def __init__(self, port, count):
        self.port, self.count, self.sockets = port, count, []

    def __enter__(self):
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(self.count):
            s = socket.create_connection(("127.0.0.1", self.port), 10)
            s.sendall(request)
            answer = b""
            while b"Hello World" not in answer and b"xxxxxxxxxxx" not in answer:
                got = s.recv(4096)
                if not got:
                    break
                answer += got
            self.sockets.append(s)
        return self

    def still_open(self):
        count = 0
        for s in self.sockets:
            s.setblocking(False)
            try:
                count += s.recv(1) != b""
            except BlockingIOError:
                count += 1
            except OSError:
                pass
        return count

    def __exit__(self, *_):
        for s in self.sockets:
            s.close()


def temporary_folder():
    return tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True)
