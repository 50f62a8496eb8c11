# SPDX-License-Identifier: Apache-2.0
"""What a service manager gives and hears: activated sockets, notifications, the watchdog; the delay before a stop."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from support import processes
from support.processes import LEAST, wait_until
from support.server import free_port

# Passes descriptors 3.. and LISTEN_PID on, as systemd does: argv is COUNT DOMAIN ADDRESS... -- COMMAND.
LAUNCHER = """
import os, socket, sys
split = sys.argv.index("--")
sockets = []
for text in sys.argv[1:split]:
    kind = socket.AF_UNIX if text.startswith("/") else socket.AF_INET
    made = socket.socket(kind)
    made.bind(text if kind == socket.AF_UNIX else ("127.0.0.1", int(text)))
    made.listen(16)
    sockets.append(made)
kept = [os.dup(made.fileno()) for made in sockets]
for number, fd in enumerate(kept):
    os.dup2(fd, 3 + number)
    os.set_inheritable(3 + number, True)
os.environ["LISTEN_FDS"] = str(len(kept))
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
"""


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.heard = []

    def listen(self):
        while True:
            try:
                self.heard.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return self.heard

    def wait(self, line, count=1):
        return wait_until(lambda: [text for text in self.listen() if line in text.split("\n")][count - 1:], 20, f"{count} x {line}")

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path)
    yield made
    made.close()


def test_ready_stopping_and_the_main_pid(server, manager):
    srv = server(app="hello", args=["--master", "--processes", "2"], env={"NOTIFY_SOCKET": manager.path})
    text = manager.wait("READY=1")[0]
    assert f"MAINPID={srv.pid}" in text.split("\n")
    assert "STATUS=serving with 2 workers" in text
    assert srv.get("/").status == 200
    srv.stop()
    manager.wait("STOPPING=1")


def test_ready_only_when_the_application_is_loaded(server, manager, tmp_path):
    go = tmp_path / "go"
    app = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n" \
          "def application(e, s):\n    s('200 OK', [])\n    return [b'x']\n"
    srv = server(app=app, args=["--master"], env={"NOTIFY_SOCKET": manager.path}, ready=False)
    wait_until(srv.accepts, 20, "the socket")
    assert not manager.listen()
    go.touch()
    manager.wait("READY=1")


def test_ready_without_a_master(server, manager):
    server(app="hello", env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")


def test_a_reload_is_told_from_beginning_to_end(server, manager):
    srv = server(app="hello", args=["--master"], env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")
    before = time.monotonic_ns() // 1000
    srv.signal(signal.SIGHUP)
    text = manager.wait("RELOADING=1")[0]
    stamp = int(re.search(r"MONOTONIC_USEC=(\d+)", text)[1])
    assert before <= stamp <= time.monotonic_ns() // 1000
    manager.wait("READY=1", count=2)
    order = [line for text in manager.listen() for line in text.split("\n") if line in ("READY=1", "RELOADING=1")]
    assert order == ["READY=1", "RELOADING=1", "READY=1"]


def test_a_reload_that_is_given_up_ends_too(server, manager):
    srv = server(app="hello", ini="[uwsgi]\nmaster = true\n", env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")
    srv.ini_path.write_text("[uwsgi]\nmaster = true\nhook-asap = nosuch:x\n")
    srv.signal(signal.SIGHUP)
    manager.wait("RELOADING=1")
    assert "the last reload was given up" in manager.wait("READY=1", count=2)[-1]
    assert srv.get("/").status == 200


def test_a_reload_of_the_workers_alone_ends_when_they_are_replaced(server, manager):
    srv = server(app="workers", args=["--master", "--processes", "2", "--lazy"], env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")
    before = set(processes.children(srv.pid))
    srv.signal(signal.SIGHUP)
    manager.wait("RELOADING=1")
    manager.wait("READY=1", count=2)
    wait_until(lambda: not before & set(processes.children(srv.pid)), srv.seconds(20), "the workers of before to end")


def test_a_pause_is_shown(server, manager):
    srv = server(app="hello", args=["--master"], env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")
    srv.signal(signal.SIGTSTP)
    manager.wait("STATUS=paused")
    srv.signal(signal.SIGTSTP)
    manager.wait("STATUS=serving with 1 workers")


def test_the_watchdog_hears_us(server, manager):
    server(app="hello", args=["--master"], env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"})
    manager.wait("WATCHDOG=1", count=3)


def test_the_watchdog_is_off_while_a_reload_loads(server, manager):
    srv = server(app="hello", args=["--master"], env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"})
    manager.wait("WATCHDOG=1")
    srv.signal(signal.SIGHUP)
    manager.wait("READY=1", count=2)
    told = [line for text in manager.listen() for line in text.split("\n") if line.startswith("WATCHDOG_USEC=")]
    assert told == ["WATCHDOG_USEC=0", "WATCHDOG_USEC=200000"]
    manager.wait("WATCHDOG=1", count=3)


def test_somebody_elses_watchdog_does_not(server, manager):
    srv = server(app="hello", args=["--master"], env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    manager.wait("READY=1")
    srv.stop()
    assert not [text for text in manager.listen() if "WATCHDOG" in text]


def test_an_abstract_socket(server, tmp_path):
    name = f"\0uwsgi-test-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name)
        heard.settimeout(LEAST)
        server(app="hello", args=["--master"], env={"NOTIFY_SOCKET": "@" + name[1:]})
        assert b"READY=1" in heard.recv(4096)


# -- activated sockets


def activated(program, tmp_path, addresses, args, command=None):
    """Runs the server with sockets that somebody else has bound."""
    log = open(tmp_path / "activated.log", "wb")
    command = command or [sys.executable, "-c", LAUNCHER, *addresses, "--"]
    return subprocess.Popen([*command, *program.command([*args, "--wsgi-file", "app.py"])], cwd=tmp_path, stdin=subprocess.DEVNULL,
                            stdout=log, stderr=log, env=program.environment())


def write_app(tmp_path):
    (tmp_path / "app.py").write_text("def application(e, s):\n    s('200 OK', [])\n    return [b'activated']\n")


def answer(address):
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as client:
        client.settimeout(LEAST)
        client.connect(address)
        client.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        text = b""
        while chunk := client.recv(4096):
            text += chunk
        return text


@pytest.mark.parametrize("master", [["--master"], []])
def test_activated_sockets_are_served(program, tmp_path, master):
    write_app(tmp_path)
    port, path = free_port(), str(tmp_path / "app.sock")
    process = activated(program, tmp_path, [str(port), path], [*master, "--protocol", "http", "--vacuum"])
    try:
        # The first ones wait in the sockets of the manager.
        wait_until(lambda: os.path.exists(path), 20, "the sockets")
        assert answer(("127.0.0.1", port)).endswith(b"activated")
        assert answer(path).endswith(b"activated")
        if master:
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: "gracefully (RE)spawned" in (tmp_path / "activated.log").read_text(), 20, "the reload")
            assert answer(("127.0.0.1", port)).endswith(b"activated")
            assert answer(path).endswith(b"activated")
    finally:
        process.terminate()
        assert process.wait(LEAST) == 0
    assert os.path.exists(path), "it is the manager's"


@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="systemd is not installed")
def test_activated_by_systemd(program, tmp_path):
    write_app(tmp_path)
    port = free_port()
    process = activated(program, tmp_path, [], ["--master", "--protocol", "http"],
                        ["systemd-socket-activate", "-l", f"127.0.0.1:{port}"])
    try:
        wait_until(lambda: "Listening on" in (tmp_path / "activated.log").read_text(), 20, "the socket")
        assert answer(("127.0.0.1", port)).endswith(b"activated")
    finally:
        process.terminate()
        process.wait(LEAST)


# -- shutdown-delay


def test_a_delayed_stop_serves_on(server):
    srv = server(app="hello", args=["--master", "--shutdown-delay", "8"])
    srv.signal(signal.SIGTERM)
    srv.wait_log(r"the server is going to stop in 8 seconds and serves until then")
    assert srv.get("/").status == 200, "on a new connection"
    srv.ended(0)
    assert srv.log().index("is going to stop") < srv.log().index("SIGINT/SIGTERM received")


def test_asked_once_more_it_stops_at_once(server):
    srv = server(app="hello", args=["--master", "--shutdown-delay", "1000"])
    srv.signal(signal.SIGTERM)
    srv.wait_log("is going to stop")
    srv.signal(signal.SIGTERM)
    srv.ended(0)


def test_a_stop_that_is_delayed_is_not_forgotten_in_a_reload(server):
    srv = server(app="hello", args=["--master", "--shutdown-delay", "1000"])
    srv.signal(signal.SIGTERM)
    srv.wait_log("is going to stop")
    srv.signal(signal.SIGHUP)
    srv.wait_log("is not reloaded any more")
    srv.signal(signal.SIGTERM)
    srv.ended(0)


def test_a_prompt_stop_is_not_delayed(server):
    srv = server(app="hello", args=["--master", "--shutdown-delay", "1000"])
    srv.signal(signal.SIGINT)
    srv.ended(0)
    assert "is going to stop" not in srv.log()
