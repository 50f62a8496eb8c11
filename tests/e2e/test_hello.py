# SPDX-License-Identifier: Apache-2.0
"""The first thing anybody does."""
import pytest

from support.server import ROOT

FRONTS = ["http", "http-socket", "socket", "unix"]


@pytest.mark.parity
@pytest.mark.parametrize("front", FRONTS)
def test_hello_world_on_every_front(server, front):
    response = server(app=ROOT / "examples" / "foobar.py", front=front).get()
    assert (response.status, response.reason, response.body) == (200, "OK", b"Hello World")
    assert response.get("content-type") == "text/html"


@pytest.mark.parity
@pytest.mark.parametrize("front", FRONTS)
def test_master_processes_and_threads(server, front):
    srv = server(app="hello", front=front, args=["--master", "--processes", "2", "--threads", "2"])
    assert [srv.get().body for _ in range(10)] == [b"Hello World"] * 10
