# SPDX-License-Identifier: Apache-2.0
"""uwsgi.rpc: functions of this server and of another."""
import struct

import pytest

from support import packet
from support.ask import app, value
from support.server import free_port

FUNCTIONS = '''
def hello(*args): return b"hello " + b"+".join(args)
uwsgi.register_rpc("hello", hello)
uwsgi.register_rpc("long", lambda size: b"x" * int(size))
uwsgi.register_rpc("raises", lambda: 1 / 0)
uwsgi.register_rpc("number", lambda: 5)
uwsgi.register_rpc("empty", lambda: b"")
'''


@pytest.fixture(scope="module")
def srv(module_server):
    return module_server(app=app(FUNCTIONS), args=["--master", "--processes", "2"], allow=["Traceback"])


@pytest.fixture(scope="module")
def open_srv(module_server):
    """One that answers calls from outside, and its uwsgi address."""
    port = free_port()
    srv = module_server(app=app(FUNCTIONS), args=["--master", "--processes", "2", "--socket", f"127.0.0.1:{port}", "--remote-services", "rpc"],
                        allow=["Traceback"])
    return srv, ("127.0.0.1", port)


@pytest.mark.parity
@pytest.mark.parametrize("expression, expected", [
    ("uwsgi.call(b'hello', b'a', b'b')", "b'hello a+b'"), ("uwsgi.rpc(None, b'hello')", "b'hello '"), ("uwsgi.rpc('', b'hello', b'x')", "b'hello x'"),
    ("uwsgi.call(b'unknown')", "None"), ("uwsgi.call(b'number')", "None"), ("uwsgi.call(b'empty')", "None"), ("uwsgi.call(b'raises')", "None"),
    ("uwsgi.rpc_list()[:2]", "(b'hello', b'long')"), ("uwsgi.register_rpc('mine', lambda: b'm'), uwsgi.call(b'mine')", "(True, b'm')"),
    ("uwsgi.rpc('127.0.0.1:1', b'hello')", "None"),
])
def test_local_calls(srv, expression, expected):
    assert value(srv, expression) == expected


@pytest.mark.parity
def test_registrations_are_logged(srv):
    srv.wait_log('^registered shared/inherited RPC function "hello"')
    value(srv, "uwsgi.register_rpc('late', lambda: b'l')")
    srv.wait_log('registered RPC function "late" on worker [12]')


def test_names_and_arguments_may_be_text(srv):
    assert value(srv, "uwsgi.call('hello', 'a', b'b')") == "b'hello a+b'"


@pytest.mark.parity
@pytest.mark.parametrize("call", ["call()", "call(b'hello', 1)", "call(None)", "rpc()", "rpc('')", "rpc(None, b'hello', 1)"])
def test_calls_that_cannot_be_raise(srv, call):
    assert value(srv, f"uwsgi.{call}").startswith("'ValueError: unable to call rpc function")


def test_there_are_only_so_many(server):
    more = "results = []\nfor i in range(5):\n    try: results.append(uwsgi.register_rpc('f%d' % i, len))\n    except ValueError as problem: results.append(str(problem))\n"
    srv = server(app=app(more), args=["--master", "--rpc-max", "2"])
    assert value(srv, "results[1:3]") == "[True, 'unable to register rpc function']"


def test_remote_calls(srv, open_srv):
    address = "127.0.0.1:%d" % open_srv[1][1]
    assert value(srv, f"uwsgi.rpc('{address}', 'hello', 'from', 'afar')") == "b'hello from+afar'"
    assert value(srv, f"uwsgi.rpc('{address}', 'unknown'), uwsgi.rpc('{address}', 'raises')") == "(None, None)"
    assert value(srv, f"[len(uwsgi.rpc('{address}', 'long', str(n))) for n in (1, 65535, 65536, 3000000)]") == "[1, 65535, 65536, 3000000]"


def call(*items, modifier2=0):
    block = b"".join(struct.pack("<H", len(item)) + item for item in items)
    return packet.header(len(block), 173, modifier2) + block


def test_the_packets(open_srv):
    _, address = open_srv
    assert packet.exchange(address, call(b"hello", b"x")) == b"\xad\x07\0\0hello x"
    assert packet.exchange(address, call(b"hello", b"x", modifier2=1)) == b"hello x"
    assert packet.exchange(address, call(b"unknown")) == b""
    assert packet.exchange(address, call(b"")) == b""
    assert packet.exchange(address, packet.header(3, 173) + b"\5\0x") == b""
    answer = packet.request(address, target="/hello/x/y", modifier1=173, modifier2=2)
    assert (answer.status, answer.body, answer.get("Content-Type"), answer.get("Content-Length")) == (200, b"hello x+y", "application/binary", "9")
    assert packet.request(address, target="/unknown", modifier1=173, modifier2=2).status == 404


def test_nobody_calls_from_outside_unless_allowed(server):
    srv = server(app=app(FUNCTIONS), front="socket", args=["--master"])
    assert packet.exchange(srv.address, call(b"hello", b"x")) == b""
    srv.wait_log("unavailable modifier requested: 173")


def test_unknown_services_are_named(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--remote-services", "cache,telnet")
    assert done.returncode == 1 and "remote-services" in done.stdout


def test_with_the_predecessor(predecessor, open_srv, server):
    """It calls us, and we call it."""
    port = free_port()
    other = server(program=predecessor, app=app(FUNCTIONS), front="http-socket",
                   args=["--plugin", "rpc", "--master", "--socket", f"127.0.0.1:{port}"])
    ours, address = open_srv
    assert value(other, f"uwsgi.rpc('127.0.0.1:{address[1]}', b'hello', b'a')") == "b'hello a'"
    assert value(ours, f"uwsgi.rpc('127.0.0.1:{port}', 'hello', 'a')") == "b'hello a'"
    assert value(ours, f"len(uwsgi.rpc('127.0.0.1:{port}', 'long', '100000'))") == "100000"
    assert value(other, f"len(uwsgi.rpc('127.0.0.1:{address[1]}', b'long', b'100000'))") == "100000"


@pytest.mark.parametrize("threads", [1, 2])
def test_a_request_that_takes_too_long_ends_inside_a_call(server, threads):
    srv = server(app="""
import time, uwsgi
def slow():
    while True: time.sleep(0.01)
uwsgi.register_rpc("slow", slow)
def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/slow": uwsgi.call("slow")
    return [b"went on"]
""", args=["--master", "--threads", threads, "--harakiri", "3", "--harakiri-graceful-timeout", "60"], allow=["Traceback"])
    pid, = srv.workers()
    assert srv.get("/slow").status == 500
    assert srv.workers() == [pid]
