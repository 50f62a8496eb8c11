# SPDX-License-Identifier: Apache-2.0
"""py-autoreload: the server is reloaded when the file of a module changes."""
import os
import re
import time

import pytest

from support.processes import wait_until

APP = """
import sys
sys.path.insert(0, {folder!r})
import first
def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/later":
        import later
        return [later.text.encode()]
    return [first.text.encode()]
"""


def start(server, tmp_path, *args):
    (tmp_path / "first.py").write_text("text = 'one'\n")
    (tmp_path / "later.py").write_text("text = 'one'\n")
    srv = server(app=APP.format(folder=str(tmp_path)), args=["--py-autoreload", "1", *args])
    srv.wait_log(r"^Python auto-reloader enabled$")
    srv.wait_log(r"^spawned uWSGI worker 1")
    assert srv.get("/").text == "one"
    return srv


def rewrite(path, text):
    """At once: a reload between the truncation and the writing would import an empty module."""
    fd = os.open(path, os.O_WRONLY)
    os.pwrite(fd, text.encode().ljust(os.fstat(fd).st_size, b"\n"), 0)
    os.close(fd)


def change(srv, path, text, expected_path="/"):
    """Until it is seen: the watch on a new module begins a moment after its import."""
    def served():
        rewrite(path, f"text = {text!r}\n")
        return srv.log().count(f"module/file {path} has been modified") >= 1
    wait_until(served, 20, "the change to be seen")
    wait_until(lambda: srv.get(expected_path).text == text, srv.seconds(20), f"{text!r} to be served")


def test_a_changed_module_is_served(server, tmp_path):
    srv = start(server, tmp_path)
    change(srv, tmp_path / "first.py", "two")
    srv.wait_log(rf"^\[uwsgi-python-reloader\] module/file {re.escape(str(tmp_path))}/first\.py has been modified$")


def test_the_application_file_counts(server, tmp_path):
    srv = start(server, tmp_path)
    path = srv.folder / "app_under_test.py"

    def served():
        path.write_text(path.read_text() + "\n")
        return "app_under_test.py has been modified" in srv.log()

    wait_until(served, 20, "the change to be seen")
    srv.wait_log(r"gracefully \(RE\)spawned")


def test_modules_that_are_imported_later_are_watched(server, tmp_path):
    srv = start(server, tmp_path)
    assert srv.get("/later").text == "one"
    change(srv, tmp_path / "later.py", "two", "/later")


def test_a_file_that_is_replaced(server, tmp_path):
    srv = start(server, tmp_path)

    def served():
        (tmp_path / "new").write_text("text = 'two'\n")
        (tmp_path / "new").rename(tmp_path / "first.py")
        return "first.py has been modified" in srv.log()

    wait_until(served, 20, "the change to be seen")
    wait_until(lambda: srv.get("/").text == "two", srv.seconds(20), "the new code")


def test_broken_code_leaves_the_server_as_it_is_until_it_is_mended(server, tmp_path):
    srv = start(server, tmp_path)
    srv.allow("Traceback")
    wait_until(lambda: rewrite(tmp_path / "first.py", "text = (\n") or "has been modified" in srv.log(), 20, "the change")
    srv.wait_log("the reload has been given up")
    assert srv.get("/").text == "one"
    rewrite(tmp_path / "first.py", "text = 'three'\n")
    wait_until(lambda: srv.get("/").text == "three", srv.seconds(20), "the mended code")


def test_ignored_modules_are(server, tmp_path):
    srv = start(server, tmp_path, "--py-auto-reload-ignore", "first", "--lazy-apps")
    assert srv.get("/later").text == "one"
    (tmp_path / "first.py").write_text("text = 'two'\n")
    change(srv, tmp_path / "later.py", "two", "/later")
    assert "first.py has been modified" not in srv.log()


GATED = APP.replace("import first\n", """import first, os
if os.path.exists({gate!r}):
    open({gate!r}).read()
""")


@pytest.mark.parametrize("more", [[], ["--lazy-apps"]], ids=["in-the-master", "lazy-apps"])
def test_a_change_between_the_import_and_the_watch_is_seen(server, tmp_path, more):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    (tmp_path / "first.py").write_text("text = 'one'\n")
    srv = server(app=GATED.format(folder=str(tmp_path), gate=str(gate)), args=["--py-autoreload", "1", *more], ready=False)
    with open(gate, "w"):  # somebody reads: `first` has been imported, and nothing is watched yet
        gate.unlink()
        (tmp_path / "first.py").write_text("text = 'two, changed meanwhile'\n")
    srv.wait_log(rf"^\[uwsgi-python-reloader\] module/file {re.escape(str(tmp_path))}/first\.py has been modified$", timeout=20)
    srv.wait_log(r"gracefully \(RE\)spawned", timeout=20)
    wait_until(lambda: srv.get("/").text == "two, changed meanwhile", srv.seconds(20), "the new code")


@pytest.mark.parametrize("content", ["'text = \"1\"'", "f'text = \"{__import__(\"time\").time_ns()}\"'"], ids=["the-same", "another-each-time"])
@pytest.mark.parametrize("more", [[], ["--lazy-apps"]], ids=["in-the-master", "lazy-apps"])
def test_modules_that_the_application_writes_itself_reload_it_not_for_ever(server, tmp_path, content, more):
    """The trial of a reload writes them too, under the eyes of the running server."""
    text = APP.replace("import first\n", "open({folder!r} + '/first.py', 'w').write(" + content.replace("{", "{{").replace("}", "}}") + ")\nimport first\n")
    (tmp_path / "later.py").write_text("text = 'one'\n")
    srv = server(app=text.format(folder=str(tmp_path)), args=["--py-autoreload", "1", *more])
    srv.wait_log(r"^Python auto-reloader enabled$")
    assert srv.get("/later").text == "one"
    change(srv, tmp_path / "later.py", "two", "/later")
    srv.wait_log(r"^Python auto-reloader enabled$", count=2)

    def rests():
        before = srv.log().count("reload requested")
        time.sleep(1)
        return srv.log().count("reload requested") == before

    wait_until(rests, srv.seconds(10), "the end of the reloads")
    assert srv.get("/later").text == "two"
    assert re.fullmatch(r"\d+", srv.get("/").text)
    modified = re.findall(r"module/file (\S+) has been modified", srv.log())
    assert modified[0] == f"{tmp_path}/later.py"


def test_a_touched_module_is_reloaded(server, tmp_path):
    srv = start(server, tmp_path)

    def seen():
        (tmp_path / "first.py").touch()
        return f"module/file {tmp_path}/first.py has been modified" in srv.log()

    wait_until(seen, 20, "the touch to be seen")
    srv.wait_log(r"gracefully \(RE\)spawned")
