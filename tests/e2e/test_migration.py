# SPDX-License-Identifier: Apache-2.0
"""Kept connections of a worker that is busy are served by workers that are not."""
import os
import re
import threading

import pytest

from support.http import Connection
from support.processes import LEAST, wait_until

FOUR = ["--master", "--processes", "4"]


def served_by(connection, path="/", body=b""):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    connection.send(head + body)
    answer = connection.response().body.split(b" ", 2)
    assert answer[1] == path.encode() and answer[2] == body
    return int(answer[0])


def occupy(srv, connection, go):
    """Has a worker wait for the file `go`, the one of this connection if nothing has moved; its process id."""
    before = srv.log().count("waiting in")
    connection.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: srv.log().count("waiting in") > before, srv.seconds(10), "the request to begin")
    return int(re.findall(r"waiting in (\d+)", srv.log())[-1])


def two_at_one_worker(srv, tmp_path):
    """Two connections of one worker, which waits for a file in a request of the first; its process id and the file."""
    for attempt in range(20):
        first, second = (Connection(srv.address, timeout=srv.seconds(LEAST)) for _ in range(2))
        busy = served_by(first)
        while served_by(second) != busy:
            second = Connection(srv.address, timeout=srv.seconds(LEAST))
        go = tmp_path / f"go{attempt}"
        if occupy(srv, first, go) == busy:
            return first, second, busy, go
        go.touch()  # it has moved: the worker was not quick enough to see that it was free
        first.response()
    raise AssertionError("no connection has stayed where it was")


def test_requests_on_kept_connections_leave_a_busy_worker(server, tmp_path):
    srv = server(app="migrating", args=FOUR)
    first, second, busy, go = two_at_one_worker(srv, tmp_path)
    # It is answered while its worker is inside the slow request, by others, whole and in order.
    assert served_by(second, "/body", b"x" * 20_000) != busy
    assert served_by(second) != busy
    go.touch()
    assert int(first.response().body.split(b" ", 1)[0]) == busy


def test_pipelined_requests_move_together(server, tmp_path):
    srv = server(app="migrating", args=FOUR)
    first, second, busy, go = two_at_one_worker(srv, tmp_path)
    second.send(b"".join(f"GET /{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for i in range(20)))
    answers = [second.response().body.split(b" ") for _ in range(20)]
    assert [answer[1] for answer in answers] == [f"/{i}".encode() for i in range(20)]
    assert str(busy).encode() not in {answer[0] for answer in answers}
    go.touch()
    first.response()


@pytest.mark.crashes
def test_a_request_gets_the_descriptor_of_an_idle_connection(server, tmp_path):
    srv = server(app="migrating", args=["--master", "--processes", "2", "--max-fd", "64"], allow=["raise max-fd"])
    workers = wait_until(lambda: len(found := srv.workers()) == 2 and found, srv.seconds(20), "two workers")
    kept = {worker: [] for worker in workers}
    while any(len(os.listdir(f"/proc/{worker}/fd")) < 64 for worker in workers):
        connection = Connection(srv.address, timeout=srv.seconds(LEAST))
        kept[served_by(connection)].append(connection)
    # The last ones may have taken the place of others already.
    kept = {worker: [each for each in connections if each.stays_open()] for worker, connections in kept.items()}
    busy, idle = workers
    go = tmp_path / "go"
    assert occupy(srv, kept[busy][0], go) == busy
    assert served_by(kept[busy][1]) == idle
    assert kept[idle][0].is_closed() and kept[idle][1].stays_open()
    go.touch()
    assert kept[busy][0].response().status == 200


def ask_often(address, count, name, seconds, answers):
    with Connection(address, timeout=seconds) as connection:
        for i in range(count):
            path = f"/maybe/{name}/{i}"
            answers.append((path, served_by(connection, path, b"b" * (i % 50))))


def test_nothing_is_lost_or_answered_twice_while_connections_move(server):
    srv = server(app="migrating", args=FOUR)
    answers = [[] for _ in range(16)]
    threads = [threading.Thread(target=ask_often, args=(srv.address, 300, name, srv.seconds(30), answers[name]))
               for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(mine) == 300 for mine in answers)
    moved = sum(len({pid for _, pid in mine}) > 1 for mine in answers)
    assert moved > 0, "no connection has moved: the test has tested nothing"


def test_a_recycled_worker_answers_what_was_given_to_it(server):
    srv = server(app="migrating", args=[*FOUR, "--max-requests", "50", "--min-worker-lifetime", "0"])
    answers = [[] for _ in range(8)]

    def ask(mine, name):
        for round_ in range(20):
            with Connection(srv.address, timeout=srv.seconds(LEAST)) as connection:
                for i in range(10):
                    path = f"/maybe/{name}/{round_}/{i}"
                    connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                    response = connection.response()
                    mine.append(response.body.split(b" ")[1] == path.encode())
                    if response.get("Connection") == "close":
                        break

    threads = [threading.Thread(target=ask, args=(mine, name)) for name, mine in enumerate(answers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(mine and all(mine) for mine in answers)
