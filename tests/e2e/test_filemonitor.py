# SPDX-License-Identifier: Apache-2.0
"""Files that raise user signals when they change."""
import os
import re
import signal

import pytest

from support.asking import ASKED, ask
from support.processes import wait_until

MONITOR = ASKED + '''
def told(number): print("CHANGED", number, flush=True)
for number in (1, 2, 3, 4): uwsgi.register_signal(number, "", told)
'''


def changes(srv, number=1):
    return len(re.findall(rf"^CHANGED {number}$", srv.log(), re.M))


def expect_change(srv, change, number=1):
    before = changes(srv, number)
    change()
    wait_until(lambda: changes(srv, number) > before, srv.seconds(10), f"change {number}:\n{srv.log()[-1000:]}")


@pytest.mark.parity
def test_writing_touching_deleting(server, tmp_path):
    path = tmp_path / "watched"
    path.write_text("1")
    srv = server(app=MONITOR + f"\nuwsgi.add_file_monitor(1, {str(path)!r})\n", args=["--master"])
    expect_change(srv, lambda: path.open("a").write("2"))
    expect_change(srv, lambda: os.utime(path))
    expect_change(srv, path.unlink)


@pytest.mark.parity
def test_directories(server, tmp_path):
    folder = tmp_path / "watched"
    folder.mkdir()
    srv = server(app=MONITOR + f"\nuwsgi.add_file_monitor(1, {str(folder)!r})\n", args=["--master"])
    expect_change(srv, (folder / "new").touch)
    expect_change(srv, (folder / "new").unlink)


def test_a_file_that_editors_replace_is_followed(server, tmp_path):
    path = tmp_path / "watched"
    path.write_text("1")
    srv = server(app=MONITOR + f"\nuwsgi.add_file_monitor(1, {str(path)!r})\n", args=["--master"])

    def replace():
        (tmp_path / "new").write_text("2")
        os.replace(tmp_path / "new", path)

    for _ in range(3):
        expect_change(srv, replace)
    expect_change(srv, lambda: path.open("a").write("3"))


def test_a_file_that_comes_later(server, tmp_path):
    path = tmp_path / "folder" / "later"
    srv = server(app=MONITOR, args=["--master"])
    assert ask(srv, f"uwsgi.add_file_monitor(1, {str(path)!r})") == "None"

    def create():
        path.parent.mkdir()
        path.touch()

    expect_change(srv, create)


def test_a_change_before_the_master_has_heard_of_the_file_counts(server, tmp_path):
    there, later = tmp_path / "there", tmp_path / "later"
    there.write_text("1")
    srv = server(app=MONITOR, args=["--master"])
    os.kill(srv.pid, signal.SIGSTOP)
    for number, path in enumerate((there, later), 1):
        assert ask(srv, f"uwsgi.add_file_monitor({number}, {str(path)!r})") == "None"
    there.write_text("12")
    later.touch()
    os.kill(srv.pid, signal.SIGCONT)
    srv.wait_log("^CHANGED 1$")
    srv.wait_log("^CHANGED 2$")


def test_files_of_the_configuration(server, tmp_path):
    srv = server(app=MONITOR, args=["--master", "--fs-signal", f"{tmp_path}/a 1", "--touch-signal", f"{tmp_path}/b 2"])
    expect_change(srv, (tmp_path / "a").touch, 1)
    expect_change(srv, (tmp_path / "b").touch, 2)


def test_bad_calls(server):
    srv = server(app=MONITOR, args=["--master"])
    assert "unable to add file monitor" in ask(srv, "uwsgi.add_file_monitor(1, 'x' * 255)")
    assert "ValueError" in ask(srv, "uwsgi.add_file_monitor(300, '/tmp')")


def test_bad_lines(program, tmp_path):
    ini = tmp_path / "bad.ini"
    ini.write_text("[uwsgi]\nmaster = true\nfs-signal = /tmp/x\n")
    done = program.run("--ini", ini)
    assert done.returncode == 1 and "bad.ini:3" in done.stdout and "FILE SIGNAL is expected" in done.stdout
