# SPDX-License-Identifier: Apache-2.0
"""Requests that wait behind long ones of a worker that is replaced are answered by its successor at once."""
import signal

import pytest

from support import processes
from support.http import Connection
from support.processes import LEAST, wait_until

ONE = ["--master", "--processes", "1", "--worker-reload-mercy", "60"]


def sockets(pid):
    """How many sockets a process has open."""
    return sum(file.startswith("socket:") for file in processes.open_files(pid).values())


class Waiting:
    """Requests to /wait, each of which occupies a thread until it is let go."""

    def __init__(self, srv, tmp_path):
        self.srv, self.folder, self.running = srv, tmp_path, []

    def begin(self, address=None):
        """The process id of the worker that is occupied now."""
        go = self.folder / f"go{len(self.running)}"
        before = self.srv.log().count("waiting in")
        connection = ask(self.srv, f"/wait?{go}", address)
        self.running.append((connection, go))
        last = self.srv.wait_log(r"waiting in (\d+)", 20, before + 1)
        return int(last[1])

    def end(self):
        """All of them are let go; the process ids that they are answered by."""
        for _, go in self.running:
            go.touch()
        return [answered_by(connection) for connection, _ in self.running]


def ask(srv, path, address=None, body=b""):
    connection = Connection(address or srv.address, timeout=srv.seconds(LEAST))
    send(connection, path, body)
    return connection


def send(connection, path, body=b""):
    connection.send(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def answered_by(connection, body=b""):
    pid, _, rest = connection.response().body.split(b" ", 2)
    assert rest == body
    return int(pid)


def ask_behind(srv, worker, count, address=None, body=b""):
    """Connections with a request each that this worker has accepted but cannot run."""
    before = sockets(worker)
    asked = [ask(srv, "/behind", address, body) for _ in range(count)]
    wait_until(lambda: sockets(worker) >= before + count, srv.seconds(10), "the connections to be accepted")
    return asked


def reload_by_fifo(letter):
    def reload(srv):
        (srv.folder / "fifo").write_bytes(letter)
    return reload


def reload_by_signal(srv):
    srv.signal(signal.SIGHUP)


RELOADS = {"hup": reload_by_signal, "workers": reload_by_fifo(b"w"), "chain": reload_by_fifo(b"c")}


@pytest.mark.parametrize("how", sorted(RELOADS))
def test_the_successor_answers_what_waits_behind_a_long_request(server, tmp_path, how):
    srv = server(app="migrating", args=[*ONE, "--master-fifo", "{folder}/fifo"])
    waiting = Waiting(srv, tmp_path)
    kept = Connection(srv.address, timeout=srv.seconds(LEAST))
    send(kept, "/first")
    old = answered_by(kept)
    assert waiting.begin() == old
    behind = ask_behind(srv, old, 2, body=b"b" * 30_000)
    RELOADS[how](srv)
    send(kept, "/again")
    heirs = {answered_by(connection, b"b" * 30_000) for connection in behind} | {answered_by(kept)}
    assert len(heirs) == 1 and old not in heirs
    assert waiting.end() == [old]


def test_all_workers_may_be_occupied(server, tmp_path):
    srv = server(app="migrating", args=["--master", "--processes", "2", "--worker-reload-mercy", "60"])
    waiting = Waiting(srv, tmp_path)
    old = {waiting.begin(), waiting.begin()}
    assert len(old) == 2
    total = sum(map(sockets, old))
    behind = [ask(srv, "/behind") for _ in range(6)]
    wait_until(lambda: sum(map(sockets, old)) >= total + 2, srv.seconds(10), "a connection behind each")
    srv.signal(signal.SIGHUP)
    assert not old & {answered_by(connection) for connection in behind}
    assert set(waiting.end()) == old


def test_what_was_handed_on_may_be_handed_on_again(server, tmp_path):
    srv = server(app="migrating", args=ONE)
    waiting = Waiting(srv, tmp_path)
    first = waiting.begin()
    before = sockets(first)
    second_go = tmp_path / "second"
    runs_in_second = ask(srv, f"/wait?{second_go}")
    wait_until(lambda: sockets(first) > before, srv.seconds(10), "the connection to be accepted")
    srv.signal(signal.SIGHUP)
    second = int(srv.wait_log(r"waiting in (\d+)", 20, 2)[1])
    assert second != first
    behind = ask_behind(srv, second, 2)
    srv.signal(signal.SIGHUP)
    assert not {first, second} & {answered_by(connection) for connection in behind}
    second_go.touch()
    assert answered_by(runs_in_second) == second
    assert waiting.end() == [first]


def test_a_stop_waits_for_what_was_handed_on(server, tmp_path):
    srv = server(app="migrating", args=ONE)
    waiting = Waiting(srv, tmp_path)
    old = waiting.begin()
    go = tmp_path / "second"
    second = ask(srv, f"/wait?{go}")
    behind = ask_behind(srv, old, 3)
    srv.signal(signal.SIGHUP)
    new = int(srv.wait_log(r"waiting in (\d+)", 20, 2)[1])
    srv.signal(signal.SIGTERM)
    go.touch()
    assert {answered_by(connection) for connection in [second, *behind]} == {new}
    assert waiting.end() == [old]
    srv.ended(0)


def test_what_nobody_else_listens_for_stays(server, tmp_path):
    ini = "[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nmaster = true\nworker-reload-mercy = 60\n"
    srv = server(app="migrating", front="none", ini=ini + "http-socket = {unix}\n")
    waiting = Waiting(srv, tmp_path)
    old = waiting.begin()
    stays, = ask_behind(srv, old, 1, srv.unix_path)
    moves, = ask_behind(srv, old, 1)
    srv.ini_path.write_text(srv.fill(ini))
    srv.signal(signal.SIGHUP)
    assert answered_by(moves) != old
    assert waiting.end() == [old]
    assert answered_by(stays) == old
