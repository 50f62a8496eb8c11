# SPDX-License-Identifier: Apache-2.0
"""uwsgi.sharedarea_* over several workers."""
import pytest

from support.ask import app, value

ARGS = ["--master", "--processes", "2", "--sharedarea", "1"]


@pytest.fixture(scope="module")
def srv(module_server):
    return module_server(app=app(), args=ARGS)


@pytest.mark.parity
@pytest.mark.parametrize("expression, expected", [
    ("uwsgi.sharedarea_write(0, 10, b'hello'), uwsgi.sharedarea_read(0, 10, 5)", "(None, b'hello')"),
    ("len(uwsgi.sharedarea_read(0, 4000))", "96"),
    ("uwsgi.sharedarea_write8(0, 0, 200), uwsgi.sharedarea_read8(0, 0)", "(None, -56)"),
    ("uwsgi.sharedarea_write16(0, 0, 60000), uwsgi.sharedarea_read16(0, 0)", "(None, -5536)"),
    ("uwsgi.sharedarea_write64(0, 8, 1 << 40), uwsgi.sharedarea_inc64(0, 8), uwsgi.sharedarea_read64(0, 8), uwsgi.sharedarea_readlong(0, 8)",
     "(None, None, 1099511627777, 1099511627777)"),
    ("uwsgi.sharedarea_write32(0, 20, 5), uwsgi.sharedarea_dec32(0, 20, 7), uwsgi.sharedarea_read32(0, 20)", "(None, None, -2)"),
    ("uwsgi.sharedarea_rlock(9)", "'ValueError: error calling uwsgi_sharedarea_rlock()'"),
    ("uwsgi.sharedarea_memoryview(9)", "'ValueError: cannot get a memoryview object from sharedarea 9'"),
    ("uwsgi.sharedarea_read(0, 5000, 1)", "'ValueError: error calling uwsgi_sharedarea_read()'"),
    ("uwsgi.sharedarea_write(0, 4095, b'xx')", "'ValueError: error calling uwsgi_sharedarea_write()'"),
    ("uwsgi.sharedarea_write32(0, 4093, 1)", "'ValueError: error calling uwsgi_sharedarea_write32()'"),
    ("uwsgi.sharedarea_wlock(0), uwsgi.sharedarea_unlock(0), uwsgi.sharedarea_rlock(0), uwsgi.sharedarea_unlock(0)", "(None, None, None, None)"),
    ("uwsgi.sharedarea_write(0, 30, b'view') or bytes(uwsgi.sharedarea_memoryview(0)[30:34])", "b'view'"),
    ("uwsgi.sharedarea_memoryview(0).__setitem__(40, 65) or uwsgi.sharedarea_read(0, 40, 1)", "b'A'"),
])
def test_functions(srv, expression, expected):
    assert value(srv, expression) == expected


def test_both_workers_see_the_same(srv):
    pids = set()
    for _ in range(50):
        pids.add(value(srv, "uwsgi.sharedarea_inc32(0, 100) or os.getpid()"))
    assert value(srv, "uwsgi.sharedarea_read32(0, 100)") == "50"


def test_numbers_stay_inside(srv):
    for call in ("sharedarea_inc64(0, 4092)", "sharedarea_read64(0, 4090)", "sharedarea_read(0, -1, 2)", "sharedarea_write8(0, -1, 2)"):
        assert "error calling" in value(srv, f"uwsgi.{call}")
    assert "error calling" in value(srv, "uwsgi.sharedarea_read(1, 0)")
    assert "error calling" in value(srv, "uwsgi.sharedarea_read(-1, 0)")


def test_numbers_that_have_no_room_are_refused(srv):
    for size in 8, 16, 32, 64:
        for least in -(1 << (size - 1)), (1 << size) - 1:
            assert value(srv, f"uwsgi.sharedarea_write{size}(0, 0, {least})") == "None"
        for beyond in -(1 << (size - 1)) - 1, 1 << size, 1 << 100:
            assert "OverflowError" in value(srv, f"uwsgi.sharedarea_write{size}(0, 0, {beyond})")


def test_the_holder_of_the_lock_is_not_locked_out(srv):
    assert value(srv, "uwsgi.sharedarea_wlock(0), uwsgi.sharedarea_write(0, 0, b'in'), uwsgi.sharedarea_unlock(0)") == "(None, None, None)"


def test_areas_of_files_and_sizes(server, tmp_path):
    srv = server(app=app(), args=["--master", "--sharedarea", f"file={tmp_path}/area,size=100", "--py-sharedarea", "50"])
    value(srv, "uwsgi.sharedarea_write(0, 0, b'in the file')")
    assert (tmp_path / "area").read_bytes().startswith(b"in the file")
    assert value(srv, "len(uwsgi.sharedarea_memoryview(0)), len(uwsgi.sharedarea_object(1))") == "(100, 50)"


@pytest.mark.parity
def test_there_is_none_unless_configured(server):
    assert value(server(app=app(), args=["--master"]), "hasattr(uwsgi, 'sharedarea_read')") == "False"


@pytest.mark.parametrize("setting", ["0", "nonsense", "size=x", "colour=1", "file=/nonexistent/area,size=10"])
def test_mistakes(program, setting):
    done = program.run("--http-socket", "127.0.0.1:0", "--sharedarea", setting)
    assert done.returncode == 1 and "sharedarea" in done.stdout
