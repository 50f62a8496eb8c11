# SPDX-License-Identifier: Apache-2.0
"""Replays tests/wire against the running server: in one piece, byte by byte, and behind a valid pipelined request."""
import pytest

from support import corpus
from support.http import Closed, make_request

CASES = corpus.load()


@pytest.fixture(scope="module")
def srv(module_server):
    return module_server(app="corpus", allow=["Traceback"])


def deliver(connection, data, bytewise):
    try:
        if bytewise:
            connection.send_slowly(data)
        else:
            connection.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the answer came before all was sent


@pytest.mark.parametrize("way", ["whole", "bytewise", "behind"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(srv, case, way):
    if way == "bytewise" and case.is_big:
        pytest.skip("byte by byte it says no more than a smaller case")
    with srv.connect() as connection:
        first = make_request("GET", "/before") if way == "behind" else b""
        deliver(connection, first + case.data, way == "bytewise")
        if case.ends_early:
            connection.finish_sending()
        if first:
            assert b"/before" in connection.response().body
        try:
            case.check(connection)
        except Closed:
            if not case.is_big:
                raise  # for a big one the kernel may have thrown the answer away: the rest was still on its way
    with srv.connect() as connection:
        assert connection.get("/after").status == 200, "the next connection is not affected"
