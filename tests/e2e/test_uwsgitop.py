# SPDX-License-Identifier: Apache-2.0
"""The monitor: driven in a terminal, its screen read; servers that misbehave; its reports for scripts."""
import json
import os
import re
import shutil
import signal
import select
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support.processes import LEAST, wait_until
from support.server import free_port

PREDECESSOR_PATH = "/usr/bin/uwsgi"


@pytest.fixture(scope="module")
def monitor(program):
    path = Path(program.path).with_name("uwsgitop")
    if not program.is_ours or not path.exists():
        pytest.skip("no uwsgitop beside the server")
    return str(path)


def worker(number, **more):
    return {"id": number, "pid": 100 + number, "accepting": 1, "requests": 10 * number, "exceptions": 0, "harakiri_count": 0,
            "signals": 0, "status": "idle", "rss": 1048576, "vsz": 2097152, "running_time": 1000, "last_spawn": 1795328489,
            "respawn_count": 1, "tx": 2048, "avg_rt": 2500, "cores": [{"id": 0, "requests": 10 * number, "in_request": 0, "vars": [],
                                                                       "req_info": {}}], **more}


def document(*workers, **more):
    return {"version": "9.9", "listen_queue": 0, "pid": 77, "uid": 1, "gid": 2, "cwd": "/srv", "workers": list(workers), **more}


class StatsServer:
    """Sends what it is given to everybody who connects; None: accepts and says nothing."""

    def __init__(self, address=None):
        self.answer, self.asked, self.silent = b"", 0, []
        self.address = address or ("127.0.0.1", free_port())
        self.open()

    def open(self):
        family = socket.AF_INET if isinstance(self.address, tuple) else socket.AF_UNIX
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        self.listener.listen(16)
        self.thread = threading.Thread(target=self.serve, args=(self.listener,), daemon=True)
        self.thread.start()

    def serve(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.asked += 1
            answer = self.answer() if callable(self.answer) else self.answer
            if answer is None:
                self.silent.append(client)
                continue
            try:
                if isinstance(answer, dict):
                    answer = json.dumps(answer).encode()
                if answer.startswith(b"HTTP/"):
                    # Closing before the request is read, if there is one, would reset the connection.
                    if select.select([client], [], [], 3)[0]:
                        client.recv(65536)
                client.sendall(answer)
            except OSError:
                pass
            client.close()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(LEAST)
        for client in self.silent:
            client.close()

    @property
    def text(self):
        if isinstance(self.address, tuple):
            return "%s:%d" % self.address
        return self.address.replace("\0", "@")


@pytest.fixture
def stats_server():
    started = []

    def start(answer, address=None):
        made = StatsServer(address)
        made.answer = answer
        started.append(made)
        return made

    yield start
    for made in started:
        made.close()


class Terminal:
    """The monitor in tmux, on a server of its own."""

    def __init__(self, folder, command, environment, width, height, locale="C.UTF-8"):
        self.tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self.status = folder / "status"
        environment = {key: value for key, value in environment.items() if not key.startswith(("TMUX", "LC_", "LANG"))}
        environment.update(LC_ALL=locale, TERM="xterm-256color")
        shell = f"LC_ALL={locale} {command}; echo $? >{self.status}; sleep 1000"
        subprocess.run([*self.tmux, "-u", "new-session", "-d", "-x", str(width), "-y", str(height), shell], check=True,
                       env=environment, timeout=LEAST)
        self.call("set-option", "-g", "status", "off")
        self.resize(width, height)

    def call(self, *args):
        return subprocess.run([*self.tmux, *args], capture_output=True, text=True, timeout=LEAST).stdout

    def resize(self, width, height):
        self.call("set-option", "-g", "window-size", "manual")
        self.call("resize-window", "-x", str(width), "-y", str(height))

    def screen(self):
        return self.call("capture-pane", "-p")

    def colours(self):
        return self.call("capture-pane", "-p", "-e")

    def keys(self, *keys):
        self.call("send-keys", *keys)

    def wait(self, what, timeout=20, gone=False):
        """Until the text is (no longer) on the screen; returns the screen."""
        found = {}

        def check():
            found["screen"] = self.screen()
            present = what(found["screen"]) if callable(what) else what in found["screen"]
            return present != gone

        try:
            wait_until(check, timeout)
        except AssertionError:
            raise AssertionError(f"waited for {what!r}:\n{found['screen']}") from None
        return found["screen"]

    def ended(self):
        wait_until(lambda: self.status.exists() and self.status.read_text().strip(), 20, "the end of the monitor")
        return int(self.status.read_text())

    def close(self):
        self.call("kill-server")


@pytest.fixture
def terminal(tmp_path, monitor, program):
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    opened = []

    def start(arguments, width=80, height=24, **more):
        opened.append(Terminal(tmp_path, f"{monitor} {arguments}", program.environment(), width, height, **more))
        return opened[-1]

    yield start
    for made in opened:
        made.close()


def running(number, uri, since):
    core = {"id": 0, "requests": 5, "in_request": 1, "vars": ["REQUEST_METHOD=GET", f"REQUEST_URI={uri}", "REMOTE_ADDR=127.0.0.1", ""],
            "req_info": {"request_start": since}}
    return worker(number, status="busy", cores=[core, {"id": 1, "requests": 1, "in_request": 0, "vars": [], "req_info": {}}])


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_shows_the_server_on_a_screen_of_that_size(terminal, stats_server, size):
    source = stats_server(document(
        worker(1), running(2, "/slow?x=1", int(time.time()) - 65), worker(3, status="cheap", pid=0),
        sockets=[{"name": "127.0.0.1:80", "proto": "http", "queue": 7, "max_queue": 100}],
        spoolers=[{"dir": "/sp", "pid": 5, "tasks": 12, "respawns": 0, "running": 1}],
        caches=[{"name": "c", "max_items": 10, "items": 4, "hits": 3, "miss": 1, "full": 0}]))
    screen = terminal(f"{source.text} --frequency 0.2", *size)
    text = screen.wait("running now: 1")
    lines = text.rstrip("\n").split("\n")
    assert len(lines) == size[1] and all(len(line) <= size[0] for line in lines)
    for part in ["uwsgi-9.9 - ", "req: 60", "lq: 0", "cwd: /srv", "masterpid: 77", "workers: 1/3 busy", "cores: 1/4 busy",
                 "127.0.0.1:80 7/100", "/sp 12 tasks, running", "c 4/10 items, hits 75.0% of 4", "GET /slow?x=1 (127.0.0.1)",
                 "q quit"]:
        assert part in text
    assert re.search(r"\b1m\d\d", text), "since when it runs"
    titles = next(line for line in lines if line.startswith("WID"))
    wanted = "WID % PID REQ RPS EXC STATUS AVG RSS TX ReSpwn HC RunT RPS/min" if size[0] == 80 else \
        "WID % PID REQ RPS EXC SIG STATUS AVG RSS VSZ TX ReSpwn HC RunT LastSpwn RPS/min REQUEST"
    assert titles.split() == wanted.split()
    # sorted by requests, downwards
    first = [line.split()[0] for line in lines[lines.index(titles) + 1:][:3]]
    assert first == ["3", "2", "1"]
    screen.keys("q")
    assert screen.ended() == 0


def test_keys_change_what_is_shown(terminal, stats_server):
    source = stats_server(document(worker(1, exceptions=9), running(2, "/a", 0)))
    screen = terminal(f"{source.text} --frequency 0.2")
    screen.wait("running now: 1")
    screen.keys("a")
    text = screen.wait("\n :1")
    assert "\n2 " in text
    screen.keys("a")
    text = screen.wait("\n2:0")
    assert "\n2 " not in text
    screen.keys("a")
    screen.wait("\n2 ")
    screen.keys("r")
    screen.wait("sort:REQ+")
    screen.wait(lambda shown: "\n1 " in shown and shown.index("\n1 ") < shown.index("\n2 "))
    screen.keys("s", "s")
    screen.wait("sort:EXC+")
    screen.keys("r")
    screen.wait("sort:EXC-")
    screen.wait(lambda shown: shown.index("\n1 ") < shown.index("\n2 "))
    screen.keys("h")
    screen.wait("any key goes back")
    screen.keys("x")
    screen.wait("q quit")
    screen.keys("F")
    screen.wait("[x] WID")
    screen.keys("Down", "Down", "Space")
    screen.wait("[ ] PID")
    screen.keys("F")
    screen.wait("REQ  RPS")
    assert " PID " not in screen.screen()
    screen.keys("f")
    screen.wait("f slow")
    asked = source.asked
    wait_until(lambda: source.asked > asked + 10, 20, "more questions")


def test_pause_keeps_what_is_shown(terminal, stats_server):
    source = stats_server(document(worker(1)))
    screen = terminal(f"{source.text} --frequency 0.1")
    screen.wait("req: 10 ")
    screen.keys("p")
    screen.wait("paused")
    source.answer = document(worker(1, requests=5000))
    asked = source.asked
    wait_until(lambda: source.asked > asked + 3, 20, "more questions")
    assert "req: 10 " in screen.screen()
    screen.keys("p")
    screen.wait("req: 5000 ")


def test_follows_the_size_of_the_window(terminal, stats_server):
    source = stats_server(document(worker(1)))
    screen = terminal(f"{source.text} --frequency 0.2", 120, 40)
    screen.wait("LastSpwn")
    screen.resize(80, 24)
    screen.wait("no room for: LastSpwn")
    screen.resize(20, 5)
    screen.wait(lambda shown: "LastSpwn" not in shown and "uwsgi-9.9" in shown)
    screen.resize(120, 40)
    screen.wait("REQUEST")
    screen.keys("q")
    assert screen.ended() == 0


def test_rates_and_their_course(terminal, stats_server):
    count = {"requests": 0}

    def answer():
        count["requests"] += 50
        return document(worker(1, requests=count["requests"]))

    source = stats_server(answer)
    screen = terminal(f"{source.text} --frequency 1")
    screen.wait(lambda shown: "█" in shown)
    # One that was asked for late is another.
    screen.wait(lambda shown: "RPS: " in shown and 20 <= int(shown.split("RPS: ")[1].split()[0]) <= 60)


def test_terminals_without_utf8_get_ascii(terminal, stats_server):
    source = stats_server(lambda: document(worker(1, requests=int(time.time() * 100)), cwd="/srv/grüße"))
    screen = terminal(f"{source.text} --frequency 1", locale="C")
    text = screen.wait(lambda shown: "#" in shown)
    assert text.isascii()
    assert "/srv/gr??e" in text


def test_colours_tell_the_status(terminal, stats_server):
    source = stats_server(document(worker(1, status="busy"), worker(2, status="cheap"), worker(3, status="sig7"),
                                   worker(4, status="pause")))
    screen = terminal(f"{source.text} --frequency 0.2")
    screen.wait("pause")
    for status, colour in {"busy": 32, "cheap": 35, "sig7": 33, "pause": 34}.items():
        line = next(line for line in screen.colours().split("\n") if f" {status} " in line)
        assert f"{colour}m" in line, line


def test_says_that_the_server_is_gone_and_comes_back(terminal, stats_server):
    source = stats_server(document(worker(1)))
    screen = terminal(f"{source.text} --frequency 0.2")
    screen.wait("req: 10 ")
    source.close()
    text = screen.wait("Connection refused - trying again")
    assert "masterpid: 77" in text
    source.answer = document(worker(1, requests=4444), pid=78)
    source.open()
    text = screen.wait("masterpid: 78", timeout=LEAST)
    assert "refused" not in text


def test_waits_for_a_server_that_is_not_there_yet(terminal, stats_server):
    address = ("127.0.0.1", free_port())
    screen = terminal("%s:%d --frequency 0.2" % address)
    screen.wait("no answer from the server yet")
    stats_server(document(worker(1)), address)
    screen.wait("masterpid: 77", timeout=LEAST)


def test_a_silent_server_does_not_hold_the_screen(terminal, stats_server):
    source = stats_server(None)
    screen = terminal(f"{source.text} --frequency 0.2 --timeout 6")
    screen.wait("asking the server")
    screen.keys("h")  # heard while the answer is awaited
    screen.wait("any key goes back")
    screen.keys("x")
    screen.wait("no whole answer in time")
    screen.keys("q")
    assert screen.ended() == 0


@pytest.mark.parametrize("answer, message", [
    (b"<html>", "not JSON at byte 1"), (b"[" * 5_000_000, "JSON nested more than 64 deep"),
    (b'"' + b"x" * (33 << 20), "an answer of more than 32 MiB"), (b"", "closed without an answer"), (b"[1,2]", "not the document"),
    (b"HTTP/1.0 503 Busy\r\n\r\n", "answered HTTP/1.0 503 Busy"), (b"[" + b"1," * 2_000_000 + b"1]", "more than 1000000 values")],
    ids=["html", "deep", "huge", "nothing", "array", "error", "many"])
def test_nonsense_gives_a_message(monitor, stats_server, answer, message):
    source = stats_server(answer)
    done = subprocess.run([monitor, source.text, "--once"], capture_output=True, text=True, timeout=LEAST)
    assert done.returncode == 1
    assert done.stderr.startswith(f"uwsgitop: {source.text}: ") and message in done.stderr
    assert done.stdout == ""


def test_hostile_text_does_not_reach_the_terminal(monitor, stats_server):
    hostile = document(worker(1, status="\x1b[2Jbusy\x07"), running(2, "/\x1b]0;title\x07\u202e\x9b31m", 5), cwd="\x1b[31m")
    source = stats_server(hostile)
    done = subprocess.run([monitor, source.text, "--once", "-f", "0.1"], capture_output=True, timeout=LEAST)
    assert done.returncode == 0
    assert not set(done.stdout) & (set(range(0x20)) - {0x0A})


def test_wrong_types_count_as_nothing(monitor, stats_server):
    source = stats_server({"workers": [worker(1, requests="many", cores={"a": 1}, status=7, rss=-1, tx=1e300), 3, None], "pid": []})
    done = subprocess.run([monitor, source.text, "--once", "--json", "-f", "0.1"], capture_output=True, text=True, timeout=LEAST)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert len(shown["workers"]) == 1 and shown["workers"][0]["requests"] == 0 and shown["workers"][0]["rss"] == 0


def test_once_prints_a_table(monitor, stats_server):
    source = stats_server(document(worker(1), running(2, "/slow", 5)))
    done = subprocess.run([monitor, source.text, "--once", "--frequency=0.1"], capture_output=True, text=True, timeout=LEAST)
    titles, *rows = done.stdout.splitlines()
    assert titles.split() == "WID % PID REQ RPS EXC SIG STATUS AVG RSS VSZ TX ReSpwn HC RunT LastSpwn REQUEST".split()
    assert rows[0].split()[:4] == ["2", "66.7", "102", "20"] and rows[0].endswith("GET /slow")
    assert rows[1].split()[8:12] == ["2ms", "1.0M", "2.0M", "2.0K"]


def test_once_json_has_the_documented_fields(monitor, stats_server):
    source = stats_server(document(running(2, "/slow", int(time.time()) - 9), sockets=[], spoolers=[], caches=[]))
    done = subprocess.run([monitor, source.text, "--once", "--json", "-f", "0.1"], capture_output=True, text=True, timeout=LEAST)
    shown = json.loads(done.stdout)
    page = (Path(__file__).resolve().parents[2] / "docs" / "uwsgitop.md").read_text()
    for key in [*shown, *shown["workers"][0], *shown["workers"][0]["running"][0]]:
        assert f"`{key}`" in page, key
    assert shown["workers"][0]["running"][0]["seconds"] >= 9
    assert shown["busy_cores"] == 1 and shown["cores"] == 2


@pytest.mark.parametrize("kind", ["unix", "abstract", "http", "port"])
def test_knows_every_form_of_address(monitor, stats_server, tmp_path, kind):
    address = {"unix": str(tmp_path / "stats.sock"), "abstract": f"\0uwsgitop-test-{os.getpid()}"}.get(kind)
    source = stats_server(document(worker(1)), address)
    text = source.text
    if kind == "http":
        text = f"http://{text}/stats"
        source.answer = b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" + json.dumps(document(worker(1))).encode()
    if kind == "port":
        text = text[text.index(":"):]
    done = subprocess.run([monitor, text, "--once", "-f", "0.1"], capture_output=True, text=True, timeout=LEAST)
    assert done.returncode == 0 and " 101 " in done.stdout, done.stderr


def test_an_emperor_shows_its_vassals(terminal, stats_server):
    source = stats_server({"version": "9.9", "pid": 5, "emperor": ["/etc/vassals"], "emperor_tyrant": 1, "vassals": [
        {"id": "site.ini", "pid": 6, "ready": 1, "accepting": 1, "loyal": 1, "last_run": int(time.time()) - 70, "respawns": 3},
        {"id": "bad.ini", "pid": 7, "cursed": 1}], "blacklist": [{"id": "bad.ini", "attempt": 2, "throttle_level": 3000}]})
    screen = terminal(f"{source.text} --frequency 0.2")
    text = screen.wait("site.ini")
    assert "emperor: /etc/vassals (tyrant) - vassals: 2" in text
    assert "loyal" in text and "cursed" in text and "blacklisted: bad.ini (attempt 2, waits 3000 ms)" in text


@pytest.mark.parametrize("arguments, message", [
    ([], "address of a stats server is missing"), (["x", "--json"], "--json needs --once"), (["a:b"], "not a port"),
    (["127.0.0.1:1", "--frequency", "x"], "--frequency takes seconds"), (["127.0.0.1:1"], "no terminal here")])
def test_mistakes_are_named(monitor, arguments, message):
    done = subprocess.run([monitor, *arguments], capture_output=True, text=True, timeout=LEAST, stdin=subprocess.DEVNULL)
    assert done.returncode != 0 and message in done.stderr


def test_an_interrupt_gives_the_terminal_back(terminal, stats_server, monitor):
    source = stats_server(document(worker(1)))
    screen = terminal(f"{source.text} --frequency 0.2")
    screen.wait("req: 10 ")
    screen.keys("C-c")
    assert screen.ended() == 0
    assert "req: 10 " not in screen.wait("req: 10 ", gone=True)


@pytest.fixture
def predecessor_with_stats(tmp_path):
    """The server whose statistics are the measure, where it is installed."""
    if not os.access(PREDECESSOR_PATH, os.X_OK):
        pytest.skip("the predecessor is not installed")
    port, stats = free_port(), free_port()
    (tmp_path / "app.py").write_text("def application(env, start_response):\n    start_response('200 OK', [])\n    return [b'hi']\n")
    process = subprocess.Popen([PREDECESSOR_PATH, "--plugin", "python3", "--master", "--processes", "2", "--threads", "2", "--stats",
                                f"127.0.0.1:{stats}", "--http-socket", f"127.0.0.1:{port}", "--wsgi-file", "app.py"], cwd=tmp_path,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    yield port, stats
    process.send_signal(signal.SIGINT)
    try:
        process.wait(LEAST)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def test_reads_the_statistics_of_the_predecessor(terminal, predecessor_with_stats):
    port, stats = predecessor_with_stats
    screen = terminal(f"127.0.0.1:{stats} --frequency 0.5")
    screen.wait("workers: 0/2 busy - cores: 0/4 busy", timeout=LEAST)
    for _ in range(7):
        with socket.create_connection(("127.0.0.1", port), LEAST) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while client.recv(4096):
                pass
    screen.wait("req: 7 ")
