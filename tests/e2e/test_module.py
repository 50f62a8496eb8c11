# SPDX-License-Identifier: Apache-2.0
"""The `uwsgi` module as an application sees it."""
import os
import socket
from urllib.parse import quote

import pytest

APP = '''
import json, uwsgi
loaded = {name: repr(getattr(uwsgi, name, None)) for name in ("numproc", "version", "hostname")}
def application(environ, start_response):
    expression = environ["QUERY_STRING"]
    from urllib.parse import unquote
    try:
        value = eval(unquote(expression), {"uwsgi": uwsgi, "environ": environ, "loaded": loaded})
    except Exception as problem:
        value = type(problem).__name__ + ": " + str(problem)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(value).encode()]
'''


@pytest.fixture(scope="module")
def srv(module_server):
    return module_server(app=APP, args=["--master", "--processes", "2", "--threads", "2", "--set", "mine=1", "--log-format", "%(uri) %(who)"])


def value(srv, expression):
    return srv.get("/?" + quote(expression)).text


@pytest.mark.parity
@pytest.mark.parametrize("expression, expected", [
    ("uwsgi.numproc", "2"), ("uwsgi.cores", "2"), ("uwsgi.worker_id() in (1, 2)", "True"),
    ("type(uwsgi.opt).__name__", "'dict'"), ("uwsgi.opt['mine']", "b'1'"), ("uwsgi.opt['master']", "True"),
    ("uwsgi.SPOOL_OK, uwsgi.SPOOL_RETRY, uwsgi.SPOOL_IGNORE", "(-2, -1, 0)"),
    ("len(uwsgi.workers())", "2"), ("sorted(w['id'] for w in uwsgi.workers())", "[1, 2]"),
    ("uwsgi.masterpid() > 1", "True"), ("uwsgi.total_requests() >= 0", "True"), ("uwsgi.log('said')", "True"),
    ("uwsgi.set_logvar('who', 'me')", "None"), ("uwsgi.cl()", "0"),
    ("uwsgi.numproc.__class__.__name__", "'int'"), ("uwsgi.buffer_size > 0", "True"),
    ("uwsgi.mule_id()", "0"), ("uwsgi.is_connected(12345)", "False"),
])
def test_values(srv, expression, expected):
    assert value(srv, expression) == expected


@pytest.mark.parity
def test_version_and_host(srv):
    assert value(srv, "uwsgi.version") == repr(srv.program.version.encode())
    assert value(srv, "uwsgi.hostname") == repr(socket.gethostname().encode())


@pytest.mark.parity
def test_log_line(srv):
    value(srv, "uwsgi.log('a line of the application')")
    srv.wait_log("^a line of the application$")


@pytest.mark.parity
def test_logvar_shows_in_the_request_line(srv):
    value(srv, "uwsgi.set_logvar('who', 'carol')")
    srv.wait_log(" carol$")


@pytest.mark.parity
def test_workers_tell_their_state(srv):
    workers = eval(value(srv, "uwsgi.workers()"))
    assert {"id", "pid", "requests", "exceptions", "status", "rss", "vsz", "running_time", "last_spawn", "respawn_count", "tx",
            "avg_rt", "apps"} <= set(workers[0])


def test_services_that_are_off_raise_clearly(srv):
    for expression in ("uwsgi.cache_keys()", "uwsgi.queue_push(b'x')", "uwsgi.send_to_spooler({})"):
        text = value(srv, expression)
        assert "Error" in text, (expression, text)


def test_module_is_there_before_the_fork(srv):
    loaded = eval(value(srv, "loaded"))
    assert loaded["numproc"] == "2"


def test_sendfile(server, tmp_path):
    (tmp_path / "file.txt").write_text("sent by path")
    srv = server(app=f"import uwsgi\ndef application(e, s):\n    s('200 OK', [])\n    return uwsgi.sendfile({str(tmp_path / 'file.txt')!r})\n")
    assert srv.get().text == "sent by path"


def test_stop_from_the_application(server):
    srv = server(app="import uwsgi\ndef application(e, s):\n    uwsgi.stop()\n    s('200 OK', [])\n    return [b'bye']\n",
                 args=["--master"])
    assert srv.get().text == "bye"
    srv.ended(0)


@pytest.mark.parametrize("data, expected", [
    (b"\x00\x0c\x00\x00\x01\x00a\x02\x00bc\x01\x00d\x00\x00", "{b'a': b'bc', b'd': b''}"),
    (b"\x11\x00\x00\x00left over", "{}"),
    (b"\x00\x0c\x00\x00\x01\x00a\x02\x00bc\x01\x00d\x00", "None"), (b"\x00\x03\x00\x00\x01\x00a", "None"),
    (b"\x00\xff\x00\x00\x01\x00a\x00\x00", "None"), (b"\x05\x00\x00\x00", "None"), (b"\x00\x00", "None"),
])
def test_parsefile(srv, tmp_path, data, expected):
    (tmp_path / "packet").write_bytes(data)
    assert value(srv, f"uwsgi.parsefile('{tmp_path}/packet')") == expected


@pytest.mark.parametrize("family", ["tcp", "unix"])
def test_listen_queue_counts_who_waits(server, tmp_path, family):
    """One thread, which runs the application: whoever connects meanwhile waits."""
    path = str(tmp_path / "socket")
    own = path if family == "unix" else ""
    srv = server(app=f"""
import socket, uwsgi
def application(environ, start_response):
    path = {own!r}
    kind, address = (socket.AF_UNIX, path) if path else (socket.AF_INET, ("127.0.0.1", int(environ["SERVER_PORT"])))
    waiting = [socket.socket(kind) for _ in range(3)]
    for one in waiting:
        one.connect(address)
    told = uwsgi.listen_queue(1 if path else 0)
    for one in waiting:
        one.close()
    start_response("200 OK", [])
    return [str(told).encode()]
""", args=["--master", *(["--socket", path] if own else [])])
    assert srv.get("/").text == "3"


@pytest.mark.parametrize("call, expected", [("extract", "b'\\x00\\x00\\x00\\x00'"), ("parsefile", "{}")])
def test_a_file_that_takes_its_time_holds_up_no_other_thread(server, tmp_path, call, expected):
    """The file is a FIFO, which another thread of the same process fills."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    srv = server(app=f"""
import threading, uwsgi
def application(environ, start_response):
    read = []
    reader = threading.Thread(target=lambda: read.append(uwsgi.{call}({str(path)!r})))
    reader.start()
    with open({str(path)!r}, "wb") as pipe:
        pipe.write(bytes(4))
    reader.join()
    start_response("200 OK", [])
    return [repr(read[0]).encode()]
""", args=["--enable-threads", "--harakiri", "10", "--master"])
    assert srv.get("/").text == expected
