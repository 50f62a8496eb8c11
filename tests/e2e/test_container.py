# SPDX-License-Identifier: Apache-2.0
"""As the first process of a container."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from support import processes
from support.processes import LEAST, wait_until
from support.server import free_port

pytestmark = pytest.mark.skipif(os.getuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare")

APP = """
import os, subprocess, time
def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/orphan":
        # A grandchild whose parent ends first becomes the child of process 1.
        pid = subprocess.run(["/bin/sh", "-c", "sleep 0.2 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True).stdout.strip()
        return [pid.encode()]
    if environ["PATH_INFO"].startswith("/alive/"):
        return [str(os.path.exists("/proc/" + environ["PATH_INFO"][7:])).encode()]
    if environ["PATH_INFO"] == "/slow":
        open("begun", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
    return [str(os.getpid()).encode()]
"""


class Container:
    def __init__(self, program, folder, args):
        self.folder, self.port = folder, free_port()
        (folder / "app.py").write_text(APP)
        self.log_path = folder / "log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc",
                 *program.command(["--http-socket", f"127.0.0.1:{self.port}", "--wsgi-file", "app.py", *args])],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=program.environment())
        wait_until(self.accepts, 20, "the server")
        self.init = processes.children(self.process.pid)[0]

    def accepts(self):
        try:
            return self.get("/")
        except OSError:
            return False

    def get(self, path):
        with_path = answer_at(self.port, path)
        return with_path.partition(b"\r\n\r\n")[2].decode()

    def log(self):
        return self.log_path.read_text()


def answer_at(port, path):
    import socket
    with socket.create_connection(("127.0.0.1", port), timeout=LEAST) as client:
        client.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        text = b""
        while chunk := client.recv(4096):
            text += chunk
        return text


@pytest.fixture
def container(program, tmp_path):
    made = []

    def start(*args):
        made.append(Container(program, tmp_path, args))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(LEAST)


def test_orphans_are_reaped(container):
    it = container("--master", "--processes", "2")
    pid = it.get("/orphan")
    assert int(pid) > 1
    wait_until(lambda: it.get(f"/alive/{pid}") == "False", 20, "the orphan to be gone, not a zombie")
    assert not processes.zombies(it.init)


@pytest.mark.parametrize("args", [["--master"], []])
def test_sigterm_lets_requests_finish(container, args):
    import threading
    it = container(*args, "--threads", "2")
    got = []
    client = threading.Thread(target=lambda: got.append(it.get("/slow")))
    client.start()
    wait_until(lambda: (it.folder / "begun").exists(), 20, "the request")
    os.kill(it.init, signal.SIGTERM)
    wait_until(lambda: "SIGINT/SIGTERM received" in it.log(), 20, "the stop")
    (it.folder / "go").touch()
    client.join(LEAST)
    assert got and got[0].isdigit()
    assert it.process.wait(LEAST) == 0


def test_a_dead_worker_is_replaced(container):
    it = container("--master")
    before = it.get("/")
    os.kill(processes.children(it.init)[0], signal.SIGKILL)
    wait_until(lambda: it.accepts() and it.get("/") != before, 20, "another worker")
    assert re.search(r"DAMN ! worker 1", it.log())
