# SPDX-License-Identifier: Apache-2.0
"""The uwsgi packet: what is served, what is refused, and that a refusal harms nobody else."""
import struct

import pytest

from support import packet
from support.http import Connection


@pytest.fixture(scope="module", params=["socket", "unix"])
def srv(request, module_server):
    return module_server(app="cases", front=request.param, allow=["Traceback"])


@pytest.mark.parity
def test_answer_is_an_http_message_and_the_connection_closes(srv):
    answer = packet.exchange(srv.address, packet.encode(packet.web_vars("GET", "/one")))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
    assert answer.endswith(b"\r\n\r\none")


@pytest.mark.parity
def test_body_follows_the_packet(srv):
    assert packet.request(srv.address, "POST", "/echo", body=b"\0body\xff").body == b"\0body\xff"


@pytest.mark.parity
def test_packet_byte_by_byte(srv):
    with Connection(srv.address) as connection:
        connection.send_slowly(packet.encode(packet.web_vars("POST", "/echo", b"slow"), b"slow"))
        assert connection.read_to_close().endswith(b"\r\n\r\nslow")


@pytest.mark.parity
def test_generators_are_not_chunked(srv):
    """The front server frames; a uwsgi answer ends with the connection."""
    answer = packet.exchange(srv.address, packet.encode(packet.web_vars("GET", "/generator")))
    assert answer.endswith(b"\r\n\r\nonetwo")
    assert b"chunked" not in answer


@pytest.mark.parity
def test_protocol_of_the_status_line(srv):
    variables = packet.web_vars("GET", "/one", SERVER_PROTOCOL="HTTP/1.0")
    assert packet.exchange(srv.address, packet.encode(variables)).startswith(b"HTTP/1.0 200 OK")


@pytest.mark.parity
def test_many_variables_up_to_the_buffer(server):
    srv = server(app="environ", front="socket", args=["--buffer-size", "32768"])
    more = {f"HTTP_X_{number}": "v" * 500 for number in range(40)}
    assert packet.request(srv.address, **more).status == 200


def test_ping_is_answered(srv):
    assert packet.exchange(srv.address, packet.header(0, 100)) == b"\x64\x00\x00\x01"


@pytest.mark.parametrize("modifier", [1, 5, 9, 17, 22, 98, 111, 173, 224, 255])
def test_what_is_not_enabled_is_refused_and_logged(srv, modifier):
    assert packet.exchange(srv.address, packet.encode({"key": "value"}, modifier1=modifier)) == b""
    srv.wait_log(f"-- unavailable modifier requested: {modifier} --")
    assert packet.request(srv.address, target="/one").body == b"one"


VALID = packet.encode_vars(packet.web_vars("GET", "/one"))

BAD = {
    "too big for the buffer": packet.header(65535) + b"x" * 4096,
    "key past the end": packet.header(4) + struct.pack("<H", 100) + b"ab",
    "value past the end": packet.header(8) + struct.pack("<H", 1) + b"a" + struct.pack("<H", 200) + b"xyz",
    "odd byte at the end": packet.header(len(VALID) + 1) + VALID + b"x",
    "zero length key": packet.header(len(VALID) + 4) + VALID + b"\0\0\0\0",
    "sixteen bit wrap": packet.header(len(VALID) + 4) + VALID + b"\xff\xff\xff\xff",
    "http on a uwsgi socket": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "negative length": packet.encode(packet.web_vars("POST", "/echo", CONTENT_LENGTH="-5")),
    "letters in the length": packet.encode(packet.web_vars("POST", "/echo", CONTENT_LENGTH="5abc"), b"abcde"),
    "nothing": packet.header(0),
    "truncated header": b"\0\x10",
    "truncated block": packet.header(200) + b"\x0e\0REQ",
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_packets_are_dropped(srv, name):
    answer = packet.exchange(srv.address, BAD[name], finish=True)
    assert not answer.startswith(b"HTTP/1.1 2"), answer
    assert packet.request(srv.address, target="/one").body == b"one", "the next connection is not affected"


@pytest.mark.parametrize("name", ["UWSGI_FILE", "UWSGI_SCRIPT", "UWSGI_MODULE"])
def test_code_is_not_loaded_for_a_client(server, name, tmp_path):
    trace = tmp_path / "loaded"
    (tmp_path / "evil.py").write_text(f"open({str(trace)!r}, 'w')\ndef application(e, s): s('200 OK', []); return []\n")
    srv = server(app="cases", front="socket", args=["--pythonpath", tmp_path], allow=["Traceback"])
    value = str(tmp_path / "evil.py") if name == "UWSGI_FILE" else "evil"
    packet.exchange(srv.address, packet.encode(packet.web_vars("GET", "/one", **{name: value, "UWSGI_APPID": "evil"})))
    assert not trace.exists()


def test_limit_post(server):
    srv = server(app="cases", front="socket", args=["--limit-post", "10"])
    assert packet.request(srv.address, "POST", "/echo", body=b"x" * 11).status == 413


def test_a_client_that_leaves_early_harms_nobody(srv):
    for data in (b"\0", packet.header(100), packet.header(len(VALID)) + VALID[:20]):
        with Connection(srv.address) as connection:
            connection.send(data)
    assert packet.request(srv.address, target="/one").body == b"one"
