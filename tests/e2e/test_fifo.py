# SPDX-License-Identifier: Apache-2.0
"""The master FIFO, and pausing by FIFO, signal and command line."""
import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import ExitStack, contextmanager, nullcontext

import pytest

from support import processes
from support.processes import LEAST, wait_until
from support.slow import SLOW


def fifo_server(server, *args, **more):
    return server(app="workers", args=["--master", "--master-fifo", "{folder}/fifo", "--pidfile", "{folder}/pid", *args], **more)


def tell(srv, keys, name="fifo"):
    path = srv.folder / name

    def opened():
        try:  # it may be there and nobody have it open yet
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK) + 1
        except OSError:
            return 0

    fd = wait_until(opened, what=f"a reader of the fifo {path}") - 1
    try:
        os.write(fd, keys if isinstance(keys, bytes) else keys.encode())
    finally:
        os.close(fd)


def test_rotations_of_one_second_keep_all_files(server):
    srv = fifo_server(server, "--logto", "{folder}/to.log")
    tell(srv, "LL")
    wait_until(lambda: len(list(srv.folder.glob("to.log.*"))) == 2, srv.seconds(10), "two files of before")


@pytest.mark.parity
def test_only_the_owner_may_write(server):
    srv = fifo_server(server)
    path = srv.folder / "fifo"
    wait_until(path.exists, 10, "the fifo")
    found = path.stat()
    assert stat.S_ISFIFO(found.st_mode) and found.st_mode & 0o777 == 0o600


def test_a_rotated_log_keeps_its_mode(server):
    srv = fifo_server(server, "--logto", "{folder}/to.log", "--logfile-chmod", "606")
    log = srv.folder / "to.log"
    srv.log_files.append(log)
    tell(srv, "L")
    wait_until(lambda: list(srv.folder.glob("to.log.*")) and log.exists(), srv.seconds(10), "a new file")
    wait_until(lambda: log.stat().st_mode & 0o777 == 0o606, srv.seconds(10), "its mode")


@pytest.mark.parity
def test_an_old_file_is_replaced(server):
    srv = server(app="hello", ini="[uwsgi]\nmaster = true\nmaster-fifo = {folder}/fifo\nhook-asap = write:{folder}/fifo old\n")
    wait_until(lambda: (srv.folder / "fifo").is_fifo(), 10, "the fifo")


@pytest.mark.parity
def test_unknown_bytes_are_ignored(server):
    srv = fifo_server(server)
    tell(srv, b"\nz?!\x00\xff\n")
    tell(srv, "s")
    srv.wait_log(r"^\s*workers total requests: ")
    assert srv.get("/").status == 200


def test_graceful_stop(server):
    srv = fifo_server(server)
    go = srv.folder / "go"
    connection = srv.connect()
    connection.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
    srv.wait_log("waiting in")
    tell(srv, "q")
    srv.wait_log(r"^graceful shutdown triggered\.\.\.$")
    go.write_text("")
    assert connection.response().status == 200
    connection.close()
    srv.ended(0)


@pytest.mark.parity
def test_prompt_stop(server):
    srv = fifo_server(server)
    tell(srv, "Q")
    srv.ended(0)
    assert "goodbye to uWSGI." in srv.log()


def test_reload(server):
    srv = fifo_server(server)
    before = srv.get("/").text
    tell(srv, "r")
    srv.wait_log(r"gracefully \(RE\)spawned uWSGI master process")
    wait_until(lambda: srv.get("/").text != before, srv.seconds(10), "another worker")
    tell(srv, "s")  # the successor has a fifo of its own
    srv.wait_log(r"^\s*workers total requests: ")


def test_what_is_told_while_the_program_is_replaced_is_done_afterwards(server, inside):
    gate = inside({"slow.py": SLOW}) / "gate"
    srv = server(args=["--master", "--master-fifo", "{folder}/fifo", "--chdir", gate.parent, "--module", "slow"])
    tell(srv, "s")
    srv.wait_log(r"^\s*workers total requests: ")
    gate.write_text(str(srv.pid))
    tell(srv, "r")
    srv.wait_log("^loading$")
    fd = os.open(srv.folder / "fifo", os.O_WRONLY | os.O_NONBLOCK)  # a shell would wait here for a reader
    os.write(fd, b"s")
    os.close(fd)
    gate.unlink()
    srv.wait_log(r"^\s*workers total requests: ", count=2)
    tell(srv, "s")
    srv.wait_log(r"^\s*workers total requests: ", count=3)


def test_pidfiles_are_written_again(server):
    srv = fifo_server(server)
    (srv.folder / "pid").unlink()
    tell(srv, "P")
    wait_until(lambda: (srv.folder / "pid").exists(), srv.seconds(10), "the pidfile")
    wait_until(lambda: (srv.folder / "pid").read_text() == f"{srv.pid}\n", 5, "its content")


def test_slots(server):
    srv = server(app="hello", args=["--master", "--master-fifo", "{folder}/a", "--master-fifo", "{folder}/b"])
    wait_until(lambda: (srv.folder / "a").is_fifo(), 10, "the first fifo")
    assert not (srv.folder / "b").exists()
    tell(srv, "1", "a")
    srv.wait_log(rf"active master fifo is now {srv.folder}/b$")
    tell(srv, "s", "b")
    srv.wait_log(r"^\s*workers total requests: ")
    tell(srv, "70", "b")  # there is no slot 7
    srv.wait_log(rf"active master fifo is now {srv.folder}/a$")


def test_vacuum_removes_it(server):
    srv = fifo_server(server, "--vacuum")
    wait_until((srv.folder / "fifo").exists, 10, "the fifo")
    srv.stop()
    assert not (srv.folder / "fifo").exists()
    assert f"VACUUM: fifo {srv.folder}/fifo removed." in srv.log()


def test_a_path_that_cannot_be_is_told(program, tmp_path):
    done = program.run("--http-socket", "127.0.0.1:0", "--master-fifo", f"{tmp_path}/no/fifo")
    assert done.returncode == 1
    assert "master-fifo" in done.stdout


# -- pause


def accepted(srv):
    """Whether a new connection gets an answer."""
    with srv.connect(timeout=0.3) as connection:
        try:
            return connection.request("GET", "/").status == 200
        except (TimeoutError, socket.timeout):
            return False


def pause_by_fifo(srv):
    tell(srv, "p")


def pause_by_signal(srv):
    srv.signal(signal.SIGTSTP)


@pytest.mark.parametrize("toggle", [pause_by_fifo, pause_by_signal])
def test_clients_of_a_paused_server_wait(server, toggle):
    srv = fifo_server(server, "--processes", "2", "--threads", "2")
    srv.wait_log("spawned uWSGI worker 2")
    assert srv.get("/").status == 200
    wait_until((srv.folder / "fifo").exists, 10, "the fifo")
    toggle(srv)
    srv.wait_log(r"- \*\*\* PAUSE \(press start to resume, \.\.\.\) \*\*\*$")
    srv.wait_log(r"- \*\*\* worker \d suspended \*\*\*$", count=2)
    with srv.connect(timeout=srv.seconds(LEAST)) as waiting:
        waiting.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not accepted(srv)
        toggle(srv)
        srv.wait_log(r"- \*\*\* worker \d resumed \*\*\*$", count=2)
        assert waiting.response().status == 200
    assert srv.get("/").status == 200


def test_requests_that_run_are_finished_in_a_pause(server):
    srv = fifo_server(server)
    go = srv.folder / "go"
    with srv.connect(timeout=srv.seconds(LEAST)) as connection:
        connection.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("waiting in")
        tell(srv, "p")
        srv.wait_log("PAUSE")
        go.write_text("")
        assert connection.response().status == 200


def test_words_of_the_command_line_do_what_they_say(server, program):
    srv = fifo_server(server)

    def order(word):
        done = program.run(f"--{word}", srv.folder / "pid")
        assert done.returncode == 0, done.stdout

    order("resume")  # of one that is not paused: nothing
    order("pause")
    srv.wait_log(r"worker 1 suspended")
    order("suspend")  # still
    order("pause")
    assert not accepted(srv)
    assert srv.log().count("PAUSE (press start") == 1
    order("resume")
    srv.wait_log(r"worker 1 resumed")
    assert srv.get("/").status == 200


def test_a_word_that_comes_before_the_last_one_is_heard_is_not_lost(server, program):
    srv = fifo_server(server)
    os.kill(srv.pid, signal.SIGSTOP)
    assert program.run("--resume", srv.folder / "pid").returncode == 0
    pausing = subprocess.Popen(program.command(["--pause", str(srv.folder / "pid")]), env=program.environment(), stdout=subprocess.DEVNULL)
    since = time.monotonic()
    wait_until(lambda: pausing.poll() is not None or time.monotonic() > since + 1, what="the second word to be said too early, if at all")
    os.kill(srv.pid, signal.SIGCONT)
    assert pausing.wait(LEAST) == 0
    srv.wait_log(r"worker 1 suspended")
    assert program.run("--resume", srv.folder / "pid").returncode == 0
    srv.wait_log(r"worker 1 resumed")


def test_a_worker_born_in_a_pause_is_paused(server):
    srv = fifo_server(server)
    tell(srv, "p")
    srv.wait_log(r"worker 1 suspended")
    srv.allow("DAMN !")
    os.kill(srv.workers()[0], signal.SIGKILL)
    srv.wait_log(r"worker 1 suspended", count=2)
    assert not accepted(srv)
    tell(srv, "p")
    srv.wait_log(r"worker 1 resumed")
    assert srv.get("/").status == 200


def test_a_paused_server_stops(server):
    srv = fifo_server(server)
    tell(srv, "p")
    srv.wait_log(r"worker 1 suspended")
    srv.stop()


@pytest.mark.parametrize("content", ["", "0", "1", "-1", "x", "12x"])
@pytest.mark.parametrize("word", ["pause", "resume", "suspend", "stop", "reload"])
def test_a_pidfile_without_a_pid_signals_nobody(program, tmp_path, word, content):
    pidfile = tmp_path / "pid"
    pidfile.write_text(content)
    done = program.run(f"--{word}", pidfile)
    assert done.returncode == 1
    assert f"--{word}" in done.stdout and "process id" in done.stdout


def dump(srv, count):
    tell(srv, "s")
    srv.wait_log(r"^\s*workers total requests: ", count=count)


def test_a_connection_brings_a_worker_as_soon_as_those_of_before_leave_room(server):
    """Two that finish their requests are as many as a worker has places."""
    srv = fifo_server(server)
    go = srv.folder / "go"
    def ask(target):
        connection = clients.enter_context(srv.connect(timeout=60))
        connection.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection

    with ExitStack() as clients:
        asked = []
        for count in (1, 2):
            asked.append(ask(f"/wait?{go}"))
            srv.wait_log("waiting in", count=count)
            tell(srv, "C")
            srv.wait_log("cheap mode enabled", count=count)
        asked.append(ask("/"))
        for count in (1, 2):  # by the second one it has seen the connection
            dump(srv, count)
        go.write_text("")
        assert [connection.response().status for connection in asked] == [200, 200, 200]


def test_a_request_that_waits_in_a_worker_of_before_brings_a_worker(server):
    """It was taken in before the worker was told to end, and waits for the only core."""
    srv = fifo_server(server)
    go = srv.folder / "go"
    with srv.connect(timeout=60) as long, srv.connect(timeout=60) as waiting:
        long.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("waiting in")
        waiting.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(waiting.is_accepted, what="the worker to take it in")
        tell(srv, "C")
        assert waiting.response().status == 200
        go.write_text("")
        assert long.response().status == 200


GATED = """
import os, time, uwsgi
from pathlib import Path
folder = Path(__file__).parent
if uwsgi.worker_id() == 2 and (folder / "gate").exists():
    print("loading\\n", end="", flush=True)
    while (folder / "gate").exists(): time.sleep(0.01)
def application(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        print("waiting\\n", end="", flush=True)
        while not (folder / "go").exists(): time.sleep(0.01)
    start_response("200 OK", [])
    return [str(uwsgi.worker_id()).encode()]
"""


@contextmanager
def as_nohup_does():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("started", [nullcontext, as_nohup_does])
def test_a_worker_that_goes_while_it_is_being_replaced_goes_with_its_replacement(server, started):
    with started():
        srv = server(app=GATED, args=["--master", "--processes", "2", "--lazy-apps", "--master-fifo", "{folder}/fifo"])
    srv.wait_log("WSGI app 0 .* ready", count=2)
    (srv.folder / "gate").write_text("")
    tell(srv, "c")
    srv.wait_log("chain next victim is worker 2")
    srv.wait_log("^loading$")
    with srv.connect(timeout=60) as one, srv.connect(timeout=60) as other:
        for connection in one, other:
            connection.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("^waiting$", count=2)
        tell(srv, "-")
        srv.wait_log("uWSGI worker 2 cheaped")
        srv.wait_log("chain reloading complete")
        (srv.folder / "go").write_text("")
        assert sorted(connection.response().text for connection in (one, other)) == ["1", "2"]
    assert srv.get("/").text == "1"
    (srv.folder / "gate").unlink()
    tell(srv, "c")
    srv.wait_log("chain reloading complete", count=2)


def test_a_worker_that_is_taken_away_during_a_reload_does_not_keep_those_of_before(server):
    srv = server(app=GATED, args=["--master", "--processes", "2", "--lazy-apps", "--master-fifo", "{folder}/fifo"])
    srv.wait_log("WSGI app 0 .* ready", count=2)
    before = set(processes.children(srv.pid))
    (srv.folder / "gate").write_text("")
    srv.signal(signal.SIGHUP)
    srv.wait_log("^loading$")
    tell(srv, "-")
    srv.wait_log(r"uWSGI worker \d cheaped")
    (srv.folder / "gate").unlink()
    wait_until(lambda: not before & set(processes.children(srv.pid)), srv.seconds(20), "those of before to end")
    assert srv.get("/").status == 200
