# SPDX-License-Identifier: Apache-2.0
"""Starts the server under test, waits until it is ready, and checks afterwards that it left nothing behind."""
import os
import random
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import uuid
from pathlib import Path

from support import packet, processes
from support.http import Connection
from support.processes import LEAST, wait_until

ROOT = Path(__file__).resolve().parents[3]
APPS = ROOT / "tests" / "apps"
TSAN_SUPPRESSIONS = ROOT / "tests" / "tsan.supp"

# What no log may hold unless the test says so.
BAD_LOG = [
    r"Traceback \(most recent call last\)",
    r"ERROR: \w+Sanitizer",
    r"runtime error:",
    r"WARNING: ThreadSanitizer",
    r"ERROR: Can't open file",  # a sanitizer that could not write its report
    r"Segmentation [Ff]ault",
    r"DAMN !",
    r"NO MERCY",
    r"Fatal Python error",
    r"terminate called",
]


class Program:
    """The server program under test."""

    def __init__(self, path, reports=None):
        """`reports`: the folder where every process of a sanitizer build, whatever its output is, leaves what it has to report."""
        self.path = str(path)
        self.reports = reports
        done = subprocess.run([self.path, "--version"], capture_output=True, text=True, timeout=60)
        self.version = (done.stdout or done.stderr).strip().splitlines()[-1]
        self.is_ours = "next" in self.version
        build = re.search(r"/build/(asan|tsan|coverage)", self.path)
        self.build = build[1] if build else ""
        self.is_slow = bool(build)

    def command(self, args):
        if self.is_ours:
            return [self.path, *args]
        plugins = "python3,http" if any(re.match(r"--http($|=)", arg) for arg in args) else "python3"
        if any(re.match(r"--(req-logger|logger|log-socket|log-syslog|logto)($|=)", arg) for arg in args):
            plugins += ",logfile,logsocket,syslog,rsyslog,logpipe,redislog"
        return [self.path, "--plugin", plugins, *args]

    def environment(self, **more):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("UWSGI_", "PYTEST_"))}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        log_path = f":log_path={self.reports}/report" if self.reports else ""
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=0" + log_path)
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1" + log_path)
        environment.setdefault("TSAN_OPTIONS", f"exitcode=66:die_after_fork=0:suppressions={TSAN_SUPPRESSIONS}" + log_path)
        if sys.prefix != sys.base_prefix:  # Flask and Django live in the virtualenv that runs the tests
            environment["PYTHONPATH"] = sysconfig.get_paths()["purelib"]
        environment.update(more)
        return environment

    def run(self, *args, cwd=None, env=None, timeout=LEAST, input=None):
        """Runs it to its end: for --help, bad configurations and the like. Output and errors come as one text."""
        return subprocess.run(self.command([str(arg) for arg in args]), cwd=cwd, env=self.environment(**(env or {})),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=timeout * (3 if self.is_slow else 1), stdin=subprocess.DEVNULL if input is None else None,
                              input=input)


def free_port():
    """A port below the range that the kernel gives to clients, so nobody takes it by chance before it is bound."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(11000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


class Server:
    """One run of the program. Use the `server` fixture."""

    def __init__(self, program, folder, *, ini=None, app=None, args=(), env=None, front="http-socket", ready=True,
                 stop_signal=None, exit_status=None, allow=(), cwd=None, uid=None):
        self.program = program
        self.folder = Path(folder)
        self.port = free_port()
        self.front = front
        self.unix_path = str(self.folder / "app.sock")
        self.mark = f"E2E_MARK={uuid.uuid4().hex}"
        self.allowed = list(allow)
        self.stopped = False
        self.expected_status = exit_status
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.log_path = self.folder / "server.log"
        self.log_files = [self.log_path]
        self.args = self.front_args() + self.app_args(app) + [str(arg).format(**self.names()) for arg in args]
        if ini is not None:
            self.ini_path = self.folder / "uwsgi.ini"
            self.ini_path.write_text(self.fill(ini))
            self.args += ["--ini", str(self.ini_path)]
        self.has_master = bool(set(self.args) & {"--master", "-M"}) or (
            ini is not None and re.search(r"^\s*master\s*=\s*(true|1|yes|on)?\s*$", ini, re.M) is not None)
        if stop_signal is None:
            stop_signal = signal.SIGTERM if program.is_ours else signal.SIGINT
        self.stop_signal = stop_signal
        name, _, value = self.mark.partition("=")
        environment = program.environment(**{name: value, "TMPDIR": str(self.temporary)}, **(env or {}))
        self.output = open(self.log_path, "ab")
        self.process = subprocess.Popen(program.command(self.args), cwd=cwd or self.folder, env=environment,
                                        stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
                                        start_new_session=True, user=uid)
        self.pid = self.process.pid
        if ready:
            self.wait_ready()

    def names(self):
        return {"port": self.port, "folder": self.folder, "unix": self.unix_path, "apps": APPS}

    def fill(self, text):
        """Replaces {port}, {folder}, {unix} and {apps}; other braces stay."""
        for name, value in self.names().items():
            text = text.replace("{%s}" % name, str(value))
        return text

    def front_args(self):
        return {
            "http": ["--http", f"127.0.0.1:{self.port}"],
            "http-socket": ["--http-socket", f"127.0.0.1:{self.port}"],
            "http11-socket": ["--http11-socket", f"127.0.0.1:{self.port}"],
            "socket": ["--socket", f"127.0.0.1:{self.port}"],
            "unix": ["--socket", self.unix_path],
            "none": [],
        }[self.front]

    def app_args(self, app):
        """A name in tests/apps, a path, or the text of an application."""
        if app is None:
            return []
        if "\n" in str(app):
            path = self.folder / "app_under_test.py"
            path.write_text(app)
        else:
            path = APPS / f"{app}.py" if "/" not in str(app) else Path(app)
        return ["--wsgi-file", str(path)]

    @property
    def address(self):
        return self.unix_path if self.front == "unix" else ("127.0.0.1", self.port)

    def accepts(self):
        try:
            Connection(self.address).close()
            return True
        except OSError:
            return False

    def seconds(self, normal):
        return normal * (4 if self.program.is_slow else 1)

    def wait_ready(self):
        def check():
            assert self.process.poll() is None, f"ended with {self.process.returncode} at start:\n{self.log()[-3000:]}"
            return self.accepts()

        wait_until(check, self.seconds(20), "the listening socket")
        # The socket listens before the application is loaded; the lines of the start come after that.
        if self.log_path.exists() and "--daemonize" not in " ".join(self.args):
            wait_until(lambda: re.search(r"spawned uWSGI worker|respawned|OOPS|GAME OVER", self.log())
                       or self.process.poll() is not None or self.has_own_log(), self.seconds(20), "the worker's line in the log")

    def wait_ready_by_socket(self):
        """For a log that the test does not see: a first answer tells that the application is loaded."""
        wait_until(self.accepts, self.seconds(20), "the listening socket")
        self.get("/ready")

    def has_own_log(self):
        text = " ".join(self.args) + (self.ini_path.read_text() if hasattr(self, "ini_path") else "")
        return "logto" in text or "--logger" in text or "--log-encoder" in text or "daemonize" in text or "set-logger" in text or "--cheap" in text

    def connect(self, **more):
        return Connection(self.address, **more)

    def get(self, target="/", **more):
        return self.request("GET", target, **more)

    def request(self, method="GET", target="/", **more):
        """One request on a connection of its own, by the protocol of the front."""
        if self.front in ("socket", "unix"):
            return packet.request(self.address, method, target, **more)
        with self.connect(timeout=self.seconds(LEAST)) as connection:
            return connection.request(method, target, **more)

    # -- what it is made of

    def workers(self):
        """The children of the master, or the process itself where there is none."""
        return processes.children(self.pid) if self.has_master else [self.pid]

    def log(self):
        return "".join(path.read_text(errors="replace") for path in self.log_files if path.exists())

    def wait_log(self, pattern, timeout=10, count=1):
        wait_until(lambda: len(re.findall(pattern, self.log(), re.M)) >= count, self.seconds(timeout),
                   lambda: f"{count} x {pattern!r} in the log:\n{self.log()[-2000:]}")
        return list(re.finditer(pattern, self.log(), re.M))[-1]

    def allow(self, *patterns):
        """These patterns of BAD_LOG may stand in the log of this run."""
        self.allowed += patterns

    # -- its end

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=45):
        return self.process.wait(self.seconds(timeout))

    def ended(self, status=None):
        """The server has ended, or is about to, by itself: nothing is to be stopped on the way out."""
        code = self.wait()
        self.expected_status = code if status is None else status
        assert status is None or code == status, f"exit status {code}, expected {status}\n{self.log()[-2000:]}"
        return code

    def stop(self, check=True):
        if self.stopped:
            return
        self.stopped = True
        try:
            if self.process.poll() is None:
                self.process.send_signal(self.stop_signal)
            status = self.wait() if self.program.is_ours else self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill_all()
            if not self.program.is_ours:
                return  # its workers miss a signal that comes early; how it stops is not what is compared
            raise AssertionError(f"did not stop on {self.stop_signal!r}:\n{self.log()[-3000:]}") from None
        finally:
            self.output.close()
            left = self.left_over()
            self.kill_all()
        if not check or not self.program.is_ours:
            return
        expected = self.expected_status
        if expected is None:
            expected = 0
        assert status == expected, f"exit status {status}, expected {expected}:\n{self.log()[-3000:]}"
        assert not left, f"processes left over: {left}"
        self.check_log()
        assert not list(self.temporary.iterdir()), f"temporary files left: {list(self.temporary.iterdir())}"

    def left_over(self):
        """Processes still there after a grace of half a minute."""
        deadline = time.monotonic() + self.seconds(30)
        while True:
            left = processes.marked(self.mark, self.pid)
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.02)

    def check_log(self):
        for pattern in BAD_LOG:
            if any(allowed in pattern or re.search(allowed, pattern) for allowed in self.allowed):
                continue
            match = re.search(pattern, self.log())
            if match:
                start = max(0, match.start() - 500)
                raise AssertionError(f"{match[0]!r} in the log:\n{self.log()[start:match.start() + 3000]}")

    def kill_all(self):
        """Ends what this run started, found by its mark, each by its pid."""
        for pid in processes.marked(self.mark, self.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
