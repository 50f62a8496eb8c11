# SPDX-License-Identifier: Apache-2.0
"""The servers of the comparison: how each is found, what it can do and how it is started."""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
IDLE_SECONDS = 3600  # keep-alive time where a server wants one: idle connections must not be closed while counted


@dataclass
class Setup:
    """What a scenario asks of a server."""

    app: str = "apps:tiny"
    body_size: int = 11  # of the answer, for the floor
    processes: int = 1
    threads: int = 1
    master: bool = False
    front: str = "http"  # or "nginx": behind nginx, by the uwsgi protocol where the server speaks it
    port: int = 0
    unix_path: str = ""  # where the uwsgi protocol listens


class Server:
    name = ""
    uwsgi_protocol = False

    def version(self):
        """Text for the table, or None when it is not on this machine."""
        raise NotImplementedError

    def command(self, setup):
        """The argument list, or None when this server cannot do what the setup asks."""
        raise NotImplementedError


def output_of(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else None


class Floor(Server):
    name = "floor"

    def __init__(self, build):
        self.program = build / "floor"

    def version(self):
        source = HERE / "floor.c"
        self.program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(self.program), str(source)], check=True)
        return "bare C epoll loop"

    def command(self, setup):
        if setup.app not in ("apps:tiny", "apps:body64k", "apps:post") or setup.front != "http" or setup.threads > 2:
            return None
        return [str(self.program), str(setup.port), str(setup.body_size), str(setup.processes)]


class Ours(Server):
    name = "this"
    uwsgi_protocol = True

    def __init__(self, path):
        self.path = path

    def version(self):
        return output_of([str(self.path), "--version"])

    def listen(self, setup):
        if setup.front == "nginx":
            return ["--socket", setup.unix_path, "--chmod-socket=666"]
        return ["--http", f"127.0.0.1:{setup.port}"]

    def workers(self, setup):
        arguments = ["--processes", str(setup.processes)] if setup.processes > 1 else []
        arguments += ["--threads", str(setup.threads)] if setup.threads > 1 else []
        return (["--master"] if setup.master else []) + arguments

    def command(self, setup):
        return [str(self.path), *self.listen(setup), "--pythonpath", str(HERE), "-w", setup.app, "--disable-logging",
                "--listen", "1024", "--http-keepalive=%d" % IDLE_SECONDS, *self.workers(setup)]


class Uwsgi(Ours):
    """The predecessor, with its http router in front as `--http` does."""

    name = "uwsgi"
    plugins = "python3,http"

    def version(self):
        return output_of([str(self.path), "--version"]) if self.path else None

    def listen(self, setup):
        if setup.front == "nginx":
            return super().listen(setup)
        return ["--http", f"127.0.0.1:{setup.port}"]

    def command(self, setup):
        return [str(self.path), "--plugin", self.plugins, *self.listen(setup), "--pythonpath", str(HERE), "-w", setup.app,
                "--disable-logging", "--listen", "1024", *self.workers(setup)]


class UwsgiKeepAlive(Uwsgi):
    name = "uwsgi-keepalive"

    def command(self, setup):
        if setup.front == "nginx":
            return None
        return super().command(setup) + ["--http-keepalive=%d" % IDLE_SECONDS]


class UwsgiHttpSocket(Uwsgi):
    name = "uwsgi-http-socket"
    plugins = "python3"

    def listen(self, setup):
        return ["--http-socket", f"127.0.0.1:{setup.port}"]

    def command(self, setup):
        return None if setup.front == "nginx" else super().command(setup)


class Unit(Server):
    """NGINX Unit wants a state directory and a configuration over its control socket."""

    name = "unit"

    def version(self):
        self.program = shutil.which("unitd")
        return output_of([self.program, "--version"]) if self.program else None

    def command(self, setup):
        state = Path(setup.unix_path).parent / "unit"
        state.mkdir(exist_ok=True)
        module, callable_name = setup.app.split(":")
        (state / "conf.json").write_text(
            '{"listeners": {"127.0.0.1:%d": {"pass": "applications/app"}}, "settings": {"http": {"idle_timeout": %d}},'
            ' "applications": {"app": {"type": "python", "path": "%s", "module": "%s", "callable": "%s",'
            ' "processes": %d, "threads": %d}}}'
            % (setup.port, IDLE_SECONDS, HERE, module, callable_name, setup.processes, setup.threads))
        return [self.program, "--no-daemon", "--control", f"unix:{state}/control.sock", "--statedir", str(state),
                "--state", str(state), "--pid", f"{state}/unit.pid", "--log", f"{state}/unit.log"]


class PythonPeer(Server):
    """A peer that is a Python module, found in one of the interpreters given."""

    def __init__(self, interpreters):
        self.interpreters = interpreters

    def version(self):
        code = ("import {0}\nfrom importlib import metadata\ntry:\n print(metadata.version('{0}'))\n"
                "except Exception:\n print(getattr({0}, '__version__', 'unknown'))").format(self.name)
        for python in self.interpreters:
            found = output_of([python, "-c", code])
            if found:
                self.python = python
                return f"{self.name} {found}"
        return None


class Gunicorn(PythonPeer):
    name = "gunicorn"

    def command(self, setup):
        return [self.python, "-m", "gunicorn.app.wsgiapp", "-k", "gthread", "--workers", str(setup.processes), "--threads",
                str(max(setup.threads, 2 if setup.front == "http" else 1)), "--keep-alive", str(IDLE_SECONDS), "--backlog",
                "4096", "--worker-connections", "12000", "--chdir", str(HERE), "--bind", f"127.0.0.1:{setup.port}",
                setup.app]


class Granian(PythonPeer):
    name = "granian"

    def command(self, setup):
        return [self.python, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--workers",
                str(setup.processes), "--blocking-threads", str(setup.threads), "--backlog", "4096", "--host", "127.0.0.1",
                "--port", str(setup.port), "--log-level", "warning", setup.app]


class Launched(PythonPeer):
    def command(self, setup):
        return [self.python, str(HERE / "launch_peer.py"), self.name, setup.app, str(setup.port), str(setup.processes),
                str(setup.threads)]


class Bjoern(Launched):
    name = "bjoern"


class FastPySGI(Launched):
    name = "fastpysgi"


class Waitress(Launched):
    name = "waitress"

    def command(self, setup):
        return super().command(setup) if setup.processes == 1 else None  # it has one process only


def interpreters_of(peers_python):
    candidates = [peers_python] if peers_python else []
    candidates += ["/usr/bin/python3", sys.executable, shutil.which("python3")]
    found = []
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK) and candidate not in found:
            found.append(candidate)
    return found


def all_servers(server_path, peers_python, build):
    interpreters = interpreters_of(peers_python)
    theirs = shutil.which("uwsgi")
    if theirs and os.path.realpath(theirs) == os.path.realpath(server_path):
        theirs = None
    return [Floor(build), Ours(server_path), Uwsgi(theirs), UwsgiKeepAlive(theirs), UwsgiHttpSocket(theirs),
            Gunicorn(interpreters), Waitress(interpreters), Granian(interpreters), FastPySGI(interpreters),
            Bjoern(interpreters), Unit()]
