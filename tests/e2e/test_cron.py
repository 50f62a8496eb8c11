# SPDX-License-Identifier: Apache-2.0
"""Commands and signals by the calendar. Which minutes match is tested in service/cron_test.cc, with a clock that turns."""
import os
import signal
import time

import pytest

from support.asking import ASKED, ask
from support.processes import alive, wait_until

EVERY = "-1 -1 -1 -1 -1"


@pytest.fixture
def mid_minute():
    """The minute shall not change while the test runs: what a command has begun outlives the server."""
    wait_until(lambda: time.time() % 60 < 30, what="the first half of a minute")


@pytest.mark.parity
def test_a_command_runs(server):
    srv = server(app="hello", args=["--master", "--cron", f"{EVERY} echo IT RUNS in $PWD"])
    srv.wait_log(r"^IT RUNS in /")
    pid = srv.wait_log(r'\[uwsgi-cron\] running "echo IT RUNS in \$PWD" \(pid (\d+)\)')[1]
    assert '[uwsgi-cron] command "echo IT RUNS in $PWD" registered as cron task' in srv.log()
    srv.wait_log(rf'\[uwsgi-cron\] command "echo IT RUNS in \$PWD" running with pid {pid} exited after \d+ second\(s\)')


@pytest.mark.parity
def test_settings(server):
    srv = server(app="hello", args=["--master", "--cron2", "minute=-1,hour=-1 echo WITH SETTINGS", "--cron2",
                                    "month=-13 echo NEVER", "--unique-cron", f"{EVERY} echo UNIQUE"])
    srv.wait_log("^WITH SETTINGS$")
    srv.wait_log("^UNIQUE$")
    assert "\nNEVER" not in srv.log()


@pytest.mark.parity
def test_signals(server):
    srv = server(app=ASKED + '''
def told(number): print("CRON", number, uwsgi.worker_id(), flush=True)
uwsgi.register_signal(3, "", told)
print("ADDED", uwsgi.add_cron(3, -1, -1, -1, -1, -1), flush=True)
''', args=["--master"])
    srv.wait_log("^ADDED True$")
    srv.wait_log(r"\[uwsgi-cron\] routing signal 3")
    srv.wait_log("^CRON 3 1$")


def test_bad_calls(server):
    srv = server(app=ASKED, args=["--master"])
    for fields in ("60, 0, 1, 1, 1", "0, 24, 1, 1, 1", "0, 0, 0, 1, 1", "0, 0, 1, 13, 1", "0, 0, 1, 1, 8"):
        assert "unable to add cron" in ask(srv, f"uwsgi.add_cron(1, {fields})")


@pytest.mark.parametrize("line, why", [
    ("cron = 5 5", "invalid cron syntax"), ("cron = 60 -1 -1 -1 -1 x", "minute 60 never comes"),
    ("unique-cron = a b c d e f", "a is no minute"), ("cron2 = second=1 x", "unknown key second"),
    ("cron2 = minute=1", "unable to parse cron definition: minute=1"), (f"cron = {EVERY}", "no command"),
])
def test_bad_lines(program, tmp_path, line, why):
    ini = tmp_path / "bad.ini"
    ini.write_text(f"[uwsgi]\nmaster = true\n{line}\n")
    done = program.run("--ini", ini)
    assert done.returncode == 1
    assert why in done.stdout and "bad.ini:3" in done.stdout and line.split(" ")[0] + " = " in done.stdout


def test_harakiri_ends_the_whole_group(server, mid_minute):
    srv = server(app="hello", args=["--master", "--cron", f"{EVERY} sleep 600 & echo $! > child; wait", "--cron-harakiri", "4"])
    srv.wait_log(r"\*\*\* HARAKIRI ON CRON \"sleep 600 & echo \$! > child; wait\" \(pid: \d+\) \*\*\*")
    srv.wait_log(r"exited after \d+ second")
    child = int((srv.folder / "child").read_text())
    wait_until(lambda: not alive(child), srv.seconds(5))


def test_a_reload_within_the_minute_runs_nothing_again(server, mid_minute):
    srv = server(app="hello", args=["--master", "--cron", f"{EVERY} echo ONCE", "--unique-cron",
                                    f"{EVERY} while ! test -e go; do sleep 0.05; done"])
    srv.wait_log(r"\"echo ONCE\" running with pid \d+ exited")
    pid = srv.wait_log(r'running "while.*\(pid (\d+)\)')[1]
    for reload_ in (1, 2):
        srv.signal(signal.SIGHUP)
        srv.wait_log("gracefully killing workers", count=reload_)
        srv.wait_log("Respawned uWSGI worker|spawned uWSGI worker 1", count=reload_ + 1)
    (srv.folder / "go").touch()
    # The new master knows the command of the old one.
    srv.wait_log(rf'" running with pid {pid} exited after')
    assert srv.log().count('[uwsgi-cron] running "echo ONCE"') == 1
    assert srv.log().count('[uwsgi-cron] running "while') == 1


def test_a_command_outlives_the_server(server):
    srv = server(app="hello", args=["--master", "--cron", f"{EVERY} touch begun; while ! test -e go; do sleep 0.05; done; touch done"])
    wait_until(lambda: (srv.folder / "begun").exists(), srv.seconds(10))
    srv.signal(signal.SIGTERM)
    srv.ended(0)
    (srv.folder / "go").touch()
    wait_until(lambda: (srv.folder / "done").exists(), srv.seconds(10))


def test_commands_have_default_signals_and_no_descriptors(server):
    srv = server(app="hello", args=["--master", "--cron", f"{EVERY} ls -l /proc/self/fd; grep SigBlk /proc/self/status; trap"])
    srv.wait_log("SigBlk:\t0000000000000000")
    assert "socket:" not in srv.log()
    assert os.path.exists("/bin/sh")
