# SPDX-License-Identifier: Apache-2.0
"""wsgiref.validate around the sample applications finds nothing."""
import pytest

from support.http import chunked, make_request


@pytest.mark.parametrize("front", ["http", "http-socket", "socket"])
@pytest.mark.parametrize("path, status, body, answer", [
    ("/listed", 200, None, b"ab"), ("/generated", 200, None, b"ab"), ("/written", 200, None, b"ab"),
    ("/reading", 200, b"a\nbcd\ne", b"a\n|bc|d\ne|"), ("/iterating", 200, b"a\nb", b"a\n|b"), ("/nothing", 204, None, b""),
])
def test_validator_is_content(server, front, path, status, body, answer):
    response = server(app="validated", front=front).request("POST" if body else "GET", path, body=body)
    assert (response.status, response.body) == (status, answer)


def test_validator_is_content_with_chunks_in(server):
    with server(app="validated").connect() as connection:
        connection.send(make_request("POST", "/reading", [("Transfer-Encoding", "chunked")]) + chunked(b"a\nb", b"cd\ne"))
        assert connection.response().body == b"a\n|bc|d\ne|"


def test_validator_is_content_with_threads_and_processes(server):
    srv = server(app="validated", args=["--master", "--processes", "2", "--threads", "2"])
    assert srv.get("/listed").body == b"ab"
