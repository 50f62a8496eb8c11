# SPDX-License-Identifier: Apache-2.0
"""What the operator gets wrong: one line that says what and where, the traceback last, a non-zero exit, nothing left behind."""
import socket

import pytest

from support import processes
from support.server import APPS, free_port

HELLO = ["--wsgi-file", APPS / "hello.py"]


@pytest.fixture
def fails(program):
    """fails(args..., cwd=, env=) -> output of a run that must end by itself with an error and leave no process."""

    def run(*args, status=None, **more):
        mark = f"bad-input-{free_port()}-{id(more)}"
        done = program.run(*args, env={"E2E_MARK": mark, **more.pop("env", {})}, **more)
        assert done.returncode not in (0, None), done.stdout
        assert done.returncode > 0, f"killed by signal {-done.returncode}:\n{done.stdout}"
        if status is not None:
            assert done.returncode == status, done.stdout
        assert not processes.marked(mark), "a half-started process is left"
        for bad in ("Sanitizer", "runtime error:", "terminate called", "Segmentation"):
            assert bad not in done.stdout, done.stdout
        return done.stdout

    return run


def line_with(output, *words):
    """One line that holds all the words."""
    found = [line for line in output.splitlines() if all(word in line for word in words)]
    assert found, f"no line with {words} in:\n{output}"
    return found[0]


@pytest.mark.parametrize("master", [[], ["--master", "--processes", "2"]])
@pytest.mark.parametrize("front", ["--http", "--http-socket", "--socket"])
def test_port_taken(fails, master, front):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = "127.0.0.1:%d" % other.getsockname()[1]
        output = fails(front, address, *HELLO, *master, status=1)
    line_with(output, f"probably another instance of uWSGI is running on the same address ({address}).")
    line_with(output, "bind(): Address already in use")


@pytest.mark.parity
def test_port_taken_as_the_predecessor_says_it(fails):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = "127.0.0.1:%d" % other.getsockname()[1]
        output = fails("--http-socket", address, *HELLO, status=1)
    line_with(output, f"probably another instance of uWSGI is running on the same address ({address}).")
    line_with(output, "bind(): Address already in use")


@pytest.mark.parity
def test_no_socket_at_all(fails):
    fails(*HELLO, status=1)


def test_no_socket_says_so(fails):
    output = fails(*HELLO, status=1)
    assert "socket" in output.splitlines()[-1] or line_with(output, "socket")


def test_nothing_at_all(fails):
    fails()


def test_bad_address(fails):
    line_with(fails("--http-socket", "127.0.0.1:notaport", *HELLO), "127.0.0.1:notaport")
    line_with(fails("--http-socket", "127.0.0.1:99999", *HELLO), "99999")


def test_socket_in_a_missing_folder(fails, tmp_path):
    line_with(fails("--socket", tmp_path / "none" / "a.sock", *HELLO, status=1), "none/a.sock")


def test_socket_path_too_long(fails, tmp_path):
    assert "long" in fails("--socket", tmp_path / ("x" * 200), *HELLO)


def test_application_file_missing(fails):
    output = fails("--http-socket", "127.0.0.1:0", "--wsgi-file", "/nowhere/app.py", status=22)
    line_with(output, "/nowhere/app.py")


def test_syntax_error_in_the_application_names_file_and_line(fails, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("x = 1\ndef application(e, s)\n    return []\n")
    output = fails("--http-socket", "127.0.0.1:0", "--wsgi-file", path, status=22)
    line_with(output, str(path), "line 2")
    line_with(output, "SyntaxError")


def test_callable_missing(fails, tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("x = 1\n")
    output = fails("--http-socket", "127.0.0.1:0", "--wsgi-file", path, status=22)
    line_with(output, 'unable to find "application" callable in file', str(path))


def test_traceback_of_the_application_is_whole(fails, tmp_path):
    path = tmp_path / "raising.py"
    path.write_text("def inner():\n    raise RuntimeError('from the app')\n\ninner()\n")
    output = fails("--http-socket", "127.0.0.1:0", "--wsgi-file", path, status=22)
    assert "Traceback (most recent call last)" in output
    line_with(output, str(path), "line 4")
    line_with(output, "RuntimeError: from the app")


@pytest.mark.parity
def test_ini_missing(fails):
    line_with(fails("--ini", "/nowhere/uwsgi.ini", status=1), "/nowhere/uwsgi.ini")


def test_positional_ini_missing(fails):
    line_with(fails("/nowhere/uwsgi.ini", status=1), "/nowhere/uwsgi.ini")


def test_unreadable_ini(fails, tmp_path):
    (tmp_path / "folder.ini").mkdir()
    line_with(fails("--ini", tmp_path / "folder.ini", status=1), "folder.ini")


@pytest.mark.parametrize("text, word", [
    ("[uwsgi]\nhttp-socket = 127.0.0.1:0\nprocesses = many\n", "processes"),
    ("[uwsgi]\nhttp-socket = 127.0.0.1:0\nharakiri = soon\n", "harakiri"),
    ("[uwsgi]\nhttp-socket = 127.0.0.1:0\nbuffer-size = -1\n", "buffer-size"),
])
def test_wrong_value_in_an_ini_names_file_and_line(fails, tmp_path, text, word):
    path = tmp_path / "site.ini"
    path.write_text(text)
    line_with(fails("--ini", path, status=1), f"{path}:3", word)


def test_wrong_value_on_the_command_line(fails):
    line_with(fails("--http-socket", "127.0.0.1:0", "--processes", "many", *HELLO, status=1), "processes", "many")


@pytest.mark.parity
def test_missing_value(fails):
    fails("--http-socket", status=1)


def test_strict_refuses_unknown_options_in_files(fails, tmp_path):
    path = tmp_path / "site.ini"
    path.write_text("[uwsgi]\nstrict = true\nhttp-socket = 127.0.0.1:0\nprocesess = 2\n")
    output = fails("--ini", path, status=1)
    line_with(output, "procesess", f"{path}:4")
    line_with(output, "processes")


def test_unknown_option_in_a_file_warns_with_a_suggestion(server):
    srv = server(front="none", ini="[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nwsgi-file = {apps}/hello.py\nthreds = 2\n")
    assert srv.get().status == 200
    line_with(srv.log(), "threds", "threads", f"{srv.ini_path}:4")


def test_options_of_the_predecessor_not_served_yet_warn_once(server):
    srv = server(app="hello", args=["--emperor-magic-exec"], env={})
    assert srv.get().status == 200
    assert srv.log().count("emperor-magic-exec") == 1


def test_chdir_to_nowhere(fails):
    line_with(fails("--http-socket", "127.0.0.1:0", "--chdir", "/nowhere/at/all", *HELLO, status=1), "/nowhere/at/all")


def test_pidfile_that_cannot_be_written(fails):
    line_with(fails("--http-socket", "127.0.0.1:0", "--pidfile", "/nowhere/a.pid", *HELLO, status=1), "/nowhere/a.pid")


@pytest.mark.parametrize("option", ["pidfile", "pidfile2", "safe-pidfile", "safe-pidfile2", "logto", "logto2", "daemonize", "daemonize2", "chdir"])
def test_a_file_that_cannot_be_is_told_with_the_place_that_names_it(fails, tmp_path, option):
    ini = tmp_path / "site.ini"
    ini.write_text(f"[uwsgi]\nhttp-socket = 127.0.0.1:0\nmaster = true\nwsgi-file = {HELLO[1]}\n{option} = /nowhere/at/all\n")
    output = fails("--ini", ini, status=1)
    line_with(output, "No such file or directory", f"[{option} = /nowhere/at/all, {ini}:5]")
    assert "more is in" not in output


def test_no_processes(fails):
    output = fails("--http-socket", "127.0.0.1:0", "--processes", "0", *HELLO, status=1)
    line_with(output, "processes = 0")
    assert "cheaper" not in output


def test_log_file_that_cannot_be_written(fails):
    line_with(fails("--http-socket", "127.0.0.1:0", "--logto", "/nowhere/a.log", *HELLO, status=1), "/nowhere/a.log")


def test_second_listener_fails_and_the_first_is_not_left(fails, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = free_port()
        fails("--http-socket", f"127.0.0.1:{port}", "--socket", "127.0.0.1:%d" % other.getsockname()[1], *HELLO, "--master",
              status=1)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), 1)
