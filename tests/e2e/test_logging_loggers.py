# SPDX-License-Identifier: Apache-2.0
"""Loggers, routes and encoders, rotation, and consumers that take nothing."""
import contextlib
import fcntl
import gzip
import json
import os
import re
import select
import signal
import socket
import termios
import time
import zlib
from pathlib import Path

import pytest

from support import processes
from support.load import Load
from support.processes import LEAST, wait_until

REQUEST = re.compile(r"^\[pid: \d+\|app: 0\|req: \d+/\d+\] .* GET (\S+) => generated", re.M)


def text_of(path):
    return path.read_text(errors="replace") if path.exists() else ""


def unpack_each(data):
    """Zlib streams one behind the other; the last may be incomplete yet."""
    text = b""
    while data:
        stream = zlib.decompressobj()
        text += stream.decompress(data)
        data = stream.unused_data
    return text


def wait_text(srv, path, pattern, count=1):
    """The text of a file once it holds the pattern."""
    wait_until(lambda: len(re.findall(pattern, text_of(path), re.M)) >= count, srv.seconds(10),
               lambda: f"{count} x {pattern!r} in {path}:\n{text_of(path)[-1500:]}")
    return text_of(path)


class Datagrams:
    """A socket of the test's own."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.received = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def address(self):
        name = self.socket.getsockname()
        return name if isinstance(name, str) else f"{name[0]}:{name[1]}"

    def wait(self, pattern):
        deadline = time.monotonic() + LEAST
        while not any(re.search(pattern, message) for message in self.received):
            left = deadline - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.received[-5:]}"
            if select.select([self.socket], [], [], left)[0]:
                self.received.append(self.socket.recv(1 << 20).decode())
        return next(message for message in self.received if re.search(pattern, message))


# -- where lines go


@pytest.mark.parity
def test_a_file_logger_gets_everything(server):
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/one.log"])
    srv.log_files.append(srv.folder / "one.log")
    srv.get("/print?x")
    text = wait_text(srv, srv.folder / "one.log", "GET /print")
    assert "spawned uWSGI worker 1" in text and re.search(r"^printed by \d+ x$", text, re.M)
    assert "printed by" not in srv.log_path.read_text()


@pytest.mark.parity
def test_routes_take_lines_to_named_loggers_only(server):
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/one.log", "--logger", "prints file:{folder}/prints.log",
                                   "--log-route", "prints ^printed", "--log-route", "nobody GET"])
    srv.log_files.append(srv.folder / "one.log")
    srv.get("/print")
    wait_text(srv, srv.folder / "prints.log", "^printed by")
    assert "printed" not in wait_text(srv, srv.folder / "one.log", "GET /print")
    assert "GET" not in text_of(srv.folder / "prints.log")


@pytest.mark.parity
def test_only_named_loggers_leave_the_rest_where_it_was(server):
    srv = server(app="talk", args=["--master", "--logger", "prints file:{folder}/prints.log", "--log-route", "prints ^printed"])
    srv.get("/print")
    wait_text(srv, srv.folder / "prints.log", "^printed by")
    srv.wait_log("GET /print")


@pytest.mark.parity
def test_requests_have_loggers_of_their_own(server):
    srv = server(app="talk", args=["--master", "--req-logger", "file:{folder}/req.log", "--req-logger", "slash file:{folder}/slash.log",
                                   "--log-req-route", "slash GET /other", "--log-req-encoder", "prefix R ", "--log-master"])
    srv.get("/print")
    srv.get("/other")
    text = wait_text(srv, srv.folder / "req.log", r"^R \[pid: .* GET /print")
    other = wait_text(srv, srv.folder / "slash.log", r"^R \[pid: .* GET /other")
    assert "/other" not in text and "/print" not in other
    srv.wait_log("^printed by")
    assert "GET /" not in srv.log()


@pytest.mark.parity
def test_drain_and_filter(server):
    srv = server(app="talk", args=["--master", "--log-filter", "print|spawned", "--log-drain", "secret"])
    srv.get("/print?secret")
    srv.get("/print?open")
    srv.get("/other")
    srv.wait_log("^printed by .* open")
    srv.stop()
    assert "secret" not in srv.log() and "/other" not in srv.log()


@pytest.mark.parity
def test_encoders(server):
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/json.log", "--log-encoder",
                                   'json {{"m":"${{msg}}","u":${{unix}},"n":"${{strftime:%Y}}"}}', "--log-encoder", "nl"])
    srv.log_files.append(srv.folder / "json.log")
    srv.get("/bytes" if srv.program.is_ours else "/print")
    text = wait_text(srv, srv.folder / "json.log", "GET /")
    for line in text.split("\n")[:-1]:
        found = json.loads(line)
        assert set(found) == {"m", "u", "n"} and found["n"] == time.strftime("%Y")


@pytest.mark.parity
def test_encoders_without_loggers_change_the_log(server):
    srv = server(app="talk", args=["--master", "--log-encoder", "prefix P "])
    srv.get("/print")
    srv.wait_log("^P printed by")
    srv.wait_log(r"^P \[pid: ")


@pytest.mark.parity
@pytest.mark.parametrize("args, message", [
    (["--logger", "nothing:x"], "unable to find logger nothing"),
    (["--log-encoder", "nothing x", "--log-master"], 'log encoder "nothing" not found')])
def test_mistakes_end_the_start(program, tmp_path, args, message):
    done = program.run("--http-socket", "127.0.0.1:0", "--master", *args, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stdout


@pytest.mark.parametrize("args", [
    ["--logger", "file:"], ["--logger", "fd:x"], ["--logger", "socket:no.such.host.invalid:1"], ["--logger", "syslog:a,nofacility"],
    ["--log-route", "name (open"], ["--log-drain", "["]])
def test_mistakes_are_named_with_their_option(program, tmp_path, args):
    done = program.run("--http-socket", "127.0.0.1:0", *args, cwd=tmp_path)
    assert done.returncode == 1 and f"{args[0][2:]} = {args[1]}" in done.stdout, done.stdout


def test_a_log_that_cannot_be_opened_ends_the_start(program, tmp_path):
    done = program.run("--http-socket", "127.0.0.1:0", "--logger", f"file:{tmp_path}/no/such/folder.log", cwd=tmp_path)
    assert done.returncode == 1 and "no/such/folder.log" in done.stdout, done.stdout


def test_errors_of_the_start_reach_the_logger(program, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        done = program.run("--http-socket", f"127.0.0.1:{busy.getsockname()[1]}", "--logger", f"file:{tmp_path}/one.log", cwd=tmp_path)
    assert done.returncode == 1
    assert "Address already in use" in text_of(tmp_path / "one.log")


# -- kinds of loggers


@pytest.mark.parity
@pytest.mark.parametrize("option", ["--logger=socket:{}", "--log-socket={}"])
def test_udp(server, option):
    with Datagrams(("127.0.0.1", 0)) as log:
        srv = server(app="talk", args=["--master", option.replace("{}", log.address)], ready=False)
        srv.wait_ready_by_socket()
        srv.get("/print?by-udp")
        assert re.fullmatch(r"printed by \d+ by-udp\n", log.wait("by-udp"))
        log.wait(r"GET /print")


@pytest.mark.parity
def test_unix_datagrams(server, tmp_path):
    with Datagrams(str(tmp_path / "log.sock")) as log:
        srv = server(app="talk", args=["--master", "--logger", f"socket:{log.address}"], ready=False)
        srv.wait_ready_by_socket()
        srv.get("/print?by-unix")
        assert re.fullmatch(r"printed by \d+ by-unix\n", log.wait("by-unix"))


@pytest.mark.parity
@pytest.mark.parametrize("tag, expected", [(",myapp", r"^<29>\w{3} [ \d]\d \d\d:\d\d:\d\d myapp: printed by \d+ r$"),
                                           ("", r"^<29>\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ uwsgi: printed by \d+ r$")])
def test_rsyslog(server, tag, expected):
    with Datagrams(("127.0.0.1", 0)) as log:
        srv = server(app="talk", args=["--master", "--logger", f"rsyslog:{log.address}{tag}"], ready=False)
        srv.wait_ready_by_socket()
        srv.get("/print?r")
        assert re.search(expected, log.wait("printed by"))


def test_syslog(server, tmp_path):
    with Datagrams(str(tmp_path / "dev-log")) as log:
        srv = server(app="talk", args=["--logger", f"syslog:myapp,local3,{log.address}"], ready=False)
        srv.wait_ready_by_socket()
        srv.get("/print?s")
        assert re.search(r"^<158>\w{3} [ \d]\d \d\d:\d\d:\d\d myapp: printed by \d+ s\n$", log.wait("printed by"))


def test_redis(server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LEAST)
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        srv = server(app="talk", args=["--master", "--logger", f"redislog:{address},rpush list,P"], ready=False)
        connection, _ = listener.accept()
        received = b""
        connection.settimeout(LEAST)
        asked = False
        while b"printed by" not in received:
            received += connection.recv(65536)
            connection.sendall(b":1\r\n" * received.count(b"*3\r\n"))
            if not asked and b"spawned uWSGI worker 1" in received:
                asked = True
                srv.wait_ready_by_socket()
                srv.get("/print")
        assert re.search(rb"\*3\r\n\$5\r\nrpush\r\n\$4\r\nlist\r\n\$\d+\r\nPprinted by \d+", received)
        connection.close()


@pytest.mark.parity
def test_a_command(server):
    srv = server(app="talk", args=["--master", "--logger", "pipe:cat > {folder}/piped.log"], ready=False)
    srv.log_files.append(srv.folder / "piped.log")
    srv.wait_ready_by_socket()
    srv.get("/print?c")
    wait_text(srv, srv.folder / "piped.log", "^printed by")


def test_a_command_that_has_ended_is_started_again(server):
    srv = server(app="talk", args=["--master", "--logger", "pipe:exec cat >> {folder}/piped.log"], ready=False)
    piped = srv.folder / "piped.log"
    srv.log_files.append(piped)
    srv.wait_ready_by_socket()
    srv.get("/print?before")
    wait_text(srv, piped, "^printed by .* before")
    [reader] = [pid for child in processes.children(srv.pid) for pid in processes.children(child)]
    os.kill(reader, signal.SIGKILL)
    wait_until(lambda: not processes.alive(reader), 10, "its end")
    srv.get("/print?after")
    wait_text(srv, piped, "^printed by .* after")


def test_stdio_and_logger_list(server, program):
    srv = server(app="talk", args=["--logger", "stdio"])
    srv.get("/print")
    srv.wait_log("^printed by")
    listed = program.run("--logger-list").stdout.split()
    assert {"file", "socket", "syslog", "rsyslog", "stdio", "fd", "redislog"} <= set(listed)


# -- lines


def test_what_is_printed_arrives_as_lines(server):
    srv = server(app="talk", args=["--log-master", "--processes", "2", "--log-master-bufsize", "100000"])
    for path in ("/parts", "/long", "/child", "/print"):
        srv.get(path)
    srv.wait_log("GET /print")
    assert re.search("^one two three$", srv.log(), re.M)
    assert re.search("^from a child$", srv.log(), re.M) and re.search("^by name$", srv.log(), re.M)
    pieces = [line for line in srv.log().splitlines() if "xxxx" in line]
    assert [len(piece) for piece in pieces] == [100_000, 100_000, 100_000, 7]
    assert "".join(pieces) == "long" + "x" * 300_000 + "end"


def lost_in_a_flood(server):
    """How many lines; all the others are in the log, whole."""
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/one.log", "--processes", "2", "--threads", "2"])
    srv.log_files.append(srv.folder / "one.log")
    with Load(srv, 4, target="/flood") as load:
        wait_until(load.after(12), srv.seconds(60), "12 answers")
    assert not load.failures
    assert srv.get("/other").status == 200
    srv.stop()
    text = text_of(srv.folder / "one.log")
    lost = sum(int(count) for count in re.findall(r"^.*\*\*\* (\d+) log lines? (?:was|were) lost: ", text, re.M))
    lines = [line for line in text.splitlines() if re.fullmatch(r"flood \d+ y{100}", line)]
    assert len(lines) + len(REQUEST.findall(text)) + lost == 2001 * load.answers + 1
    return lost


def test_no_line_is_lost_in_a_flood(server):
    """Unless the log process stands still meanwhile: nobody waits for it for more than a moment."""
    assert any(lost_in_a_flood(server) == 0 for _ in range(5))


def test_the_log_process_is_replaced_and_nothing_is_lost(server):
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/one.log"], allow=["WARNING"])
    srv.log_files.append(srv.folder / "one.log")
    srv.get("/print?before")
    wait_text(srv, srv.folder / "one.log", "GET /print.before")
    [log_process] = [pid for pid in processes.children(srv.pid) if pid not in worker_pids(srv)]
    os.kill(log_process, signal.SIGKILL)
    for _ in range(20):
        srv.get("/print?during")
    text = wait_text(srv, srv.folder / "one.log", "GET /print.during", 20)
    assert len(re.findall("^printed by .* during", text, re.M)) == 20
    wait_text(srv, srv.folder / "one.log", "the process that writes the log had died")


PATIENT = """
import os, time
def application(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        print("waiting", flush=True)
        while not os.path.exists("go"): time.sleep(0.01)
        for i in range(100): print("line %d of 100" % i, flush=True)
    start_response("200 OK", [])
    return [b"ok"]
"""


def test_the_log_process_is_replaced_while_a_worker_drains(server):
    srv = server(app=PATIENT, args=["--master", "--log-master", "--touch-workers-reload", "{folder}/touched"])
    before = set(worker_pids(srv))
    [log_process] = [pid for pid in processes.children(srv.pid) if pid not in before]
    with srv.connect(timeout=60) as slow:
        slow.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("^waiting")
        (srv.folder / "touched").touch()
        srv.wait_log(r"Gracefully killing worker 1")
        os.kill(log_process, signal.SIGKILL)
        (srv.folder / "go").touch()
        assert slow.response().status == 200
    srv.wait_log("^line 99 of 100")
    assert srv.log().count(" of 100") == 100


def log_process_of(srv):
    found = []

    def look():
        found[:] = [pid for pid in processes.children(srv.pid) if pid not in worker_pids(srv)]
        return len(found) == 1

    wait_until(look, srv.seconds(20), "one log process")
    return found[0]


def test_a_log_process_that_dies_again_and_again_is_started_after_growing_pauses(server):
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/one.log"], allow=["WARNING"])
    srv.log_files.append(srv.folder / "one.log")
    for count in (1, 2, 3):
        os.kill(log_process_of(srv), signal.SIGKILL)
        text = wait_text(srv, srv.folder / "one.log", "the process that writes the log had died", count)
    ends = re.findall(r"was started again \(pid: \d+\)(.*) \*\*\*$", text, re.M)
    assert ends == ["", " after 1 seconds", " after 2 seconds"]


def test_what_is_said_while_there_is_no_log_process_is_written_at_the_end(server):
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/one.log"], allow=["WARNING"])
    srv.log_files.append(srv.folder / "one.log")
    os.kill(log_process_of(srv), signal.SIGKILL)
    wait_text(srv, srv.folder / "one.log", "had died")
    os.kill(log_process_of(srv), signal.SIGKILL)  # this time there is a pause
    srv.get("/print?late")
    srv.stop()
    assert "GET /print?late" in text_of(srv.folder / "one.log")


def test_a_log_process_that_could_not_open_its_file_reads_each_pipe_once(server, tmp_path):
    """Two readers of one pipe would tear its lines apart."""
    folder, away = tmp_path / "logs", tmp_path / "away"
    folder.mkdir()
    srv = server(app="talk", args=["--master", "--logger", f"file:{folder}/one.log"], allow=["WARNING"])
    srv.log_files.append(folder / "one.log")
    first = log_process_of(srv)
    folder.rename(away)
    os.kill(first, signal.SIGKILL)
    seen = set()

    def has_failed_twice():
        seen.update(processes.zombies(srv.pid))
        return len(seen - {first}) >= 2

    wait_until(has_failed_twice, srv.seconds(30), "starts without a folder")
    away.rename(folder)
    wait_text(srv, folder / "one.log", "the process that writes the log had died", 3)
    srv.get("/print?after")
    wait_text(srv, folder / "one.log", "printed by .* after")
    links = [os.readlink(link) for link in Path(f"/proc/{log_process_of(srv)}/fd").iterdir()]
    pipes = [link for link in links if link.startswith("pipe:")]
    assert len(pipes) >= 2 and len(pipes) == len(set(pipes))


def test_a_reload_while_there_is_no_log_process_loses_nothing_that_is_still_said(server, inside):
    folder = inside({"late.py": "import os, time\ndef application(e, s):\n    open('begun', 'w').close()\n"
                                "    while not os.path.exists('go'): time.sleep(0.01)\n"
                                "    print('said late', flush=True)\n    s('200 OK', [])\n    return [b'done']\n"})
    srv = server(args=["--master", "--logger", "file:{folder}/one.log", "-w", "late"], cwd=folder, allow=["WARNING"])
    log = srv.folder / "one.log"
    srv.log_files.append(log)
    with srv.connect() as slow:
        slow.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(Path(folder, "begun").exists, srv.seconds(10), "the request")
        for count in (1, 2, 3):
            os.kill(log_process_of(srv), signal.SIGKILL)
            wait_text(srv, log, "had died", count)
        os.kill(log_process_of(srv), signal.SIGKILL)  # there is a pause of four seconds now
        srv.signal(signal.SIGHUP)
        wait_text(srv, log, r"\(RE\)spawned uWSGI master")
        Path(folder, "go").touch()
        assert slow.response().body == b"done"
    wait_text(srv, log, "^said late")


def worker_pids(srv):
    return [int(pid) for pid in re.findall(r"spawned uWSGI worker \d+ \(pid: (\d+)", srv.log())]


def test_reload_goes_on_in_the_same_log(server):
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/one.log"])
    log = srv.folder / "one.log"
    srv.log_files.append(log)
    srv.get("/print?before")
    wait_text(srv, log, "GET /print.before")
    for times in (1, 2):
        srv.signal(signal.SIGHUP)
        wait_text(srv, log, r"^gracefully \(RE\)spawned uWSGI master process", times)
        wait_text(srv, log, r"^worker 1 buried after", times)
    srv.get("/print?after")
    wait_text(srv, log, "GET /print.after")
    wait_until(lambda: len(processes.children(srv.pid)) == 2, srv.seconds(10), "one worker and one log process")
    srv.stop()
    assert text_of(log).rstrip().endswith("goodbye to uWSGI.")


@pytest.mark.parametrize("encoder, read", [("gzip", gzip.decompress), ("compress", unpack_each)])
def test_compressed_messages(server, encoder, read):
    """Each message is compressed by itself, so a reader may begin with any of them."""
    srv = server(app="talk", args=["--master", "--logger", "file:{folder}/one.log", "--log-encoder", encoder], ready=False)
    srv.wait_ready_by_socket()
    srv.get("/print?packed")
    path = srv.folder / "one.log"
    for line in (rb"^printed by \d+ packed$", rb"^spawned uWSGI worker 1 "):
        wait_until(lambda: path.exists() and re.search(line, read(path.read_bytes()), re.M), srv.seconds(10), line)
    assert b"spawned" not in path.read_bytes()


@pytest.mark.parametrize("options", [["--log-master"], ["--log-master", "--threaded-logger"], ["--threaded-logger"]])
def test_log_master_and_threaded_logger(server, options):
    """Somebody else writes, lines of all workers stay whole, and X-Forwarded-For is the address."""
    srv = server(app="talk", args=["--master", "--processes", "2", "--log-x-forwarded-for", *options])
    for number in range(20):
        srv.get(f"/print?n{number}", headers={"X-Forwarded-For": "192.0.2.9"})
    srv.wait_log("GET /print", count=20)
    assert len(re.findall(r"^printed by \d+ n\d+$", srv.log(), re.M)) == 20
    assert len(re.findall(r"^\[pid: \d+\|app: 0\|req: \d+/\d+\] 192\.0\.2\.9 \(\)", srv.log(), re.M)) == 20


# -- rotation


@pytest.mark.parity
def test_rotation_by_size(server):
    srv = server(app="talk", args=["--master", "--logto", "{folder}/to.log", "--log-maxsize", "3000", "--log-backupname", "{folder}/old.log"])
    srv.log_files += [srv.folder / "to.log", srv.folder / "old.log"]
    for _ in range(30):
        srv.get("/print")
    old = wait_text(srv, srv.folder / "old.log", "triggering rotation to")
    assert re.search(r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} - logsize: \d+, triggering rotation to .*old\.log\.\.\.$", old.splitlines()[-1])
    wait_until((srv.folder / "to.log").exists, what="the new file")
    assert (srv.folder / "to.log").stat().st_mode & 0o777 == 0o640


@pytest.mark.parity
@pytest.mark.parametrize("more", [[], ["--log-json"]])
def test_touched_files_rotate_and_reopen(server, program, more):
    if more and not program.is_ours:
        pytest.skip("an option of ours")
    srv = server(app="talk", args=["--master", "--logto", "{folder}/to.log", "--touch-logrotate", "{folder}/rotate",
                                   "--touch-logreopen", "{folder}/reopen", "--processes", "2", *more])
    log, moved = srv.folder / "to.log", srv.folder / "moved.log"
    srv.log_files.append(log)
    srv.get("/print?first")
    wait_text(srv, log, "GET /print.first|\"uri\":\"/print.first")
    (srv.folder / "rotate").write_text("")
    wait_until(lambda: list(srv.folder.glob("to.log.*")), srv.seconds(10), "the old file")
    [old] = srv.folder.glob("to.log.*")
    assert "first" in wait_text(srv, old, r"triggering rotation to .*to\.log\.\d+\.\.\.")
    srv.get("/print?second")
    wait_text(srv, log, "^printed by .* second|by \\d+ second\"")
    log.rename(moved)
    (srv.folder / "reopen").write_text("")
    wait_text(srv, log, r"\[\d+\] .*to\.log reopened\.")
    assert re.search(r"\[\d+\] logsize: \d+, triggering log-reopen\.\.\.", text_of(moved).split("\n")[-2])
    srv.get("/print?third")
    wait_text(srv, log, "^printed by .* third|by \\d+ third\"")
    assert "third" not in text_of(moved)


@pytest.mark.parametrize("letter, phrase", [("l", "reopened."), ("L", "triggering rotation")])
def test_the_fifo_without_a_log_process(server, letter, phrase):
    """Every process opens the file again before it writes its next line."""
    srv = server(app="hello", args=["--master", "--logto", "{folder}/to.log", "--master-fifo", "{folder}/fifo", "--processes", "2"])
    log, moved = srv.folder / "to.log", srv.folder / "moved.log"
    srv.log_files.append(log)
    wait_until(lambda: (srv.folder / "fifo").exists(), srv.seconds(10), "the FIFO")
    if letter == "l":
        log.rename(moved)
    (srv.folder / "fifo").write_text(letter)
    old = moved if letter == "l" else wait_until(lambda: list(srv.folder.glob("to.log.*")), srv.seconds(10), "the old file")[0]
    wait_until(log.exists, srv.seconds(10), "the new file")
    wait_text(srv, log if letter == "l" else old, phrase)
    with Load(srv, 4, target="/new") as load:
        wait_until(load.after(40), srv.seconds(20), "40 answers")
    srv.stop()
    assert len(re.findall("GET /new", text_of(log))) == load.answers
    assert "GET /new" not in text_of(old)


def test_rotation_under_load_loses_no_line(server):
    srv = server(app="talk", args=["--master", "--logto", "{folder}/to.log", "--log-maxsize", "20000", "--processes", "2"])
    logs = lambda: sorted(srv.folder.glob("to.log*"))
    with Load(srv, 4, target="/print?x") as load:
        wait_until(lambda: len(logs()) >= 4, srv.seconds(30), "three rotations")
    assert not load.failures
    srv.log_files += logs()
    srv.stop()
    text = "".join(text_of(path) for path in logs())
    assert len(REQUEST.findall(text)) == load.answers
    assert len(re.findall(r"^printed by \d+ x$", text, re.M)) == load.answers


# -- consumers that take nothing


def ask_many(srv, count=300):
    """More than any queue holds is said, and every request is answered."""
    for _ in range(count):
        assert srv.get("/print?" + "z" * 2000).status == 200


@contextlib.contextmanager
def late_reader(fifo):
    """A function that gives everything that has come out of the pipe since it was opened."""
    with open(fifo, "rb", buffering=0) as pipe:
        os.set_blocking(pipe.fileno(), False)
        text = bytearray()

        def read():
            text.extend(pipe.read(1 << 20) or b"")
            return bytes(text)

        yield read


def test_a_fifo_that_nobody_reads(server, tmp_path):
    fifo = tmp_path / "log.fifo"
    os.mkfifo(fifo)
    srv = server(app="talk", args=["--logger", f"file:{fifo}", "--processes", "2"], ready=False)
    srv.wait_ready_by_socket()
    for _ in range(6):
        assert srv.get("/flood").status == 200
    with late_reader(fifo) as read:
        report = rb"\*\*\* (\d+) log lines were lost: .*log\.fifo took none \*\*\*"
        lost = int(wait_until(lambda: re.search(report, read()), srv.seconds(20), "the report of lost lines")[1])
        assert lost + read().count(b"\nflood ") >= 12000
        srv.get("/print?again")
        wait_until(lambda: b"again" in read(), srv.seconds(20), "lines of the time after")


def test_a_full_disk(server):
    srv = server(app="talk", args=["--logger", "file:/dev/full"], ready=False)
    srv.wait_ready_by_socket()
    ask_many(srv)
    srv.stop()


def unread(pid):
    """Bytes that a worker has written and the log process has not read yet."""
    with open(f"/proc/{pid}/fd/1", "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as pipe:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), "little")


class SmallDisk:
    """A file system of a few bytes, and the servers that log to it: they are stopped before it goes."""

    def __init__(self, server, place):
        self.server, self.place, self.started = server, place, []
        place.mkdir()

    def mount(self, size):
        if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size={size} tmpfs {self.place} 2>/dev/null") != 0:
            pytest.skip("no file system can be mounted here")
        return self.place

    def start(self, **more):
        self.started.append(self.server(ready=False, **more))
        self.started[-1].wait_ready_by_socket()
        return self.started[-1]

    def end(self):
        for srv in self.started:
            srv.stop(check=False)
        if os.path.ismount(self.place):
            assert os.system(f"umount {self.place} 2>/dev/null || umount -l {self.place}") == 0


@pytest.fixture
def small_disk(server, tmp_path):
    disk = SmallDisk(server, tmp_path / "disk")
    yield disk
    disk.end()


def test_a_disk_that_has_room_again(small_disk):
    mount = small_disk.mount("4m")
    (mount / "filler").write_bytes(b"x" * 4_050_000)
    srv = small_disk.start(app="talk", args=["--log-json", "--logger", f"file:{mount}/one.log"])
    for _ in range(6):
        srv.get("/flood")
    wait_until(lambda: unread(srv.workers()[0]) == 0, srv.seconds(20), "the log process to have read everything")
    (mount / "filler").unlink()
    # What comes while the lines in waiting are still those of the full disk is lost like them.
    wait_text(srv, mount / "one.log", "lines were lost")
    srv.get("/print?again")
    wait_text(srv, mount / "one.log", "printed by")
    for line in text_of(mount / "one.log").split("\n")[:-1]:
        json.loads(line)
    srv.stop()


@pytest.mark.parametrize("master", [[], ["--master", "--processes", "2"]], ids=["single", "master"])
def test_a_full_disk_under_the_plain_log(small_disk, master):
    """No log process between: the workers write to the file themselves."""
    mount = small_disk.mount("256k")
    srv = small_disk.start(app="hello", args=["--logto", f"{mount}/plain.log", *master])
    for _ in range(300):
        assert srv.get("/long?" + "z" * 2000).status == 200
    assert os.statvfs(mount).f_bavail == 0
    os.truncate(mount / "plain.log", 0)
    assert srv.get("/again").status == 200
    wait_text(srv, mount / "plain.log", "GET /again =>")
    srv.stop()


@pytest.mark.parametrize("unbuffered", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["", "unbuffered"])
def test_what_an_application_prints_onto_a_full_disk_raises_nothing(small_disk, unbuffered):
    mount = small_disk.mount("256k")
    srv = small_disk.start(app="talk", args=["--logto", f"{mount}/plain.log", "--disable-logging"], env=unbuffered)
    for _ in range(200):
        assert srv.get("/print?" + "z" * 2000).status == 200
    assert os.statvfs(mount).f_bavail == 0
    os.truncate(mount / "plain.log", 0)
    assert srv.get("/print?again").status == 200
    wait_text(srv, mount / "plain.log", r"^printed by .*again$")
    wait_text(srv, mount / "plain.log", r"writes of pid \d+ to <stdout> were lost")
    srv.stop()


def test_a_datagram_socket_that_nobody_reads(server, tmp_path):
    with Datagrams(str(tmp_path / "log.sock")) as log:
        srv = server(app="talk", args=["--logger", f"socket:{log.address}"], ready=False)
        srv.wait_ready_by_socket()
        ask_many(srv, 900)
        log.wait("log lines? (were|was) lost: socket:.*log.sock took none")


def test_a_datagram_socket_that_is_not_there_yet(server, tmp_path):
    path = str(tmp_path / "log.sock")
    srv = server(app="talk", args=["--logger", f"socket:{path}"], ready=False)
    srv.wait_ready_by_socket()
    srv.get("/print?early")
    with Datagrams(path) as log:
        log.wait("printed by .* early")


def test_udp_to_nobody(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    srv = server(app="talk", args=["--logger", f"socket:127.0.0.1:{port}"], ready=False)
    srv.wait_ready_by_socket()
    ask_many(srv, 50)


def test_a_log_pipe_that_nobody_reads_stops_no_request(server, tmp_path):
    """Without any option about loggers: lines are lost, and the log says so when it is read again."""
    fifo = tmp_path / "log.fifo"
    os.mkfifo(fifo)
    srv = server(app="hello", args=["--logto", fifo, "--master"], ready=False)
    srv.wait_ready_by_socket()
    for _ in range(1000):
        srv.get("/" + "z" * 200)
    with late_reader(fifo) as read:

        def is_told():
            return b"log lines were lost: nobody read them ***" in read() or (srv.get("/again") and False)

        wait_until(is_told, srv.seconds(20), "the report of lost lines")
