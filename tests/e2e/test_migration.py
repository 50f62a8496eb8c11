# SPDX-License-Identifier: Apache-2.0
"""Kept connections of a worker that is busy are served by workers that are not."""
import threading

from support.http import Connection
from support.processes import wait_until

FOUR = ["--master", "--processes", "4"]


def served_by(connection, path="/", body=b""):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    connection.send(head + body)
    answer = connection.response().body.split(b" ", 2)
    assert answer[1] == path.encode() and answer[2] == body
    return int(answer[0])


def occupy(srv, connection, go):
    """Has the worker of this connection wait for the file `go`."""
    before = srv.log().count("waiting in")
    connection.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: srv.log().count("waiting in") > before, srv.seconds(10), "the request to begin")


def test_requests_on_kept_connections_leave_a_busy_worker(server, tmp_path):
    srv = server(app="migrating", args=FOUR)
    connections = [Connection(srv.address, timeout=srv.seconds(20)) for _ in range(24)]
    homes = [served_by(connection) for connection in connections]
    busy = homes[0]
    same = [connection for connection, home in zip(connections, homes) if home == busy]
    while len(same) < 3:  # connections spread as the kernel likes
        connection = Connection(srv.address, timeout=srv.seconds(20))
        connections.append(connection)
        if served_by(connection) == busy:
            same.append(connection)
    go = tmp_path / "go"
    occupy(srv, same[0], go)
    # They are answered while their worker is inside the slow request, by others, whole and in order.
    for connection in same[1:]:
        assert served_by(connection, "/body", b"x" * 20_000) != busy
        assert served_by(connection) != busy
    go.touch()
    assert int(same[0].response().body.split(b" ", 1)[0]) == busy
    for connection in connections:
        connection.close()


def test_pipelined_requests_move_together(server, tmp_path):
    srv = server(app="migrating", args=FOUR)
    first = Connection(srv.address, timeout=srv.seconds(20))
    busy = served_by(first)
    second = Connection(srv.address, timeout=srv.seconds(20))
    while served_by(second) != busy:
        second = Connection(srv.address, timeout=srv.seconds(20))
    go = tmp_path / "go"
    occupy(srv, first, go)
    second.send(b"".join(f"GET /{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for i in range(20)))
    answers = [second.response().body.split(b" ") for _ in range(20)]
    assert [answer[1] for answer in answers] == [f"/{i}".encode() for i in range(20)]
    assert str(busy).encode() not in {answer[0] for answer in answers}
    go.touch()
    first.response()


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
            with Connection(srv.address, timeout=srv.seconds(30)) as connection:
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
