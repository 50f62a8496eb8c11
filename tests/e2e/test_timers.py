# SPDX-License-Identifier: Apache-2.0
"""Timers raise user signals."""
import os
import re
import signal
import time

import pytest

from support.asking import ASKED, ask
from support.processes import wait_until

TELLING = '''
import uwsgi
def told(number):
    print("RANG %d in worker %d mule %d" % (number, uwsgi.worker_id(), uwsgi.mule_id()), flush=True)
''' + ASKED


def rang(srv, number):
    return len(re.findall(rf"^RANG {number} ", srv.log(), re.M))


@pytest.mark.parity
def test_a_timer_rings_again_and_again(server):
    srv = server(app=TELLING + "\nuwsgi.register_signal(1, '', told)\nuwsgi.add_timer(1, 1)\n"
                               "uwsgi.register_signal(2, '', told)\nuwsgi.add_rb_timer(2, 1)\n", args=["--master"])
    srv.wait_log("^RANG 1 in worker 1", count=2)
    srv.wait_log("^RANG 2 in worker 1", count=2)


@pytest.mark.parity
def test_a_timer_of_so_many_times(server):
    srv = server(app=TELLING + "\nuwsgi.register_signal(1, '', told)\nuwsgi.add_rb_timer(1, 1, 2)\n"
                               "uwsgi.register_signal(2, '', told)\nuwsgi.add_timer(2, 1)\n", args=["--master"])
    srv.wait_log("^RANG 1 ", count=2)
    srv.wait_log("^RANG 2 ", count=4)
    assert rang(srv, 1) == 2


def test_milliseconds(server):
    srv = server(app=TELLING + "\nuwsgi.register_signal(1, '', told)\nuwsgi.add_ms_timer(1, 20)\n", args=["--master"])
    srv.wait_log("^RANG 1 ", count=20)


@pytest.mark.parity
def test_timers_of_the_configuration(server):
    srv = server(app=TELLING + "\nuwsgi.register_signal(1, '', told)\nuwsgi.register_signal(2, '', told)\n",
                 args=["--master", "--timer", "1 1", "--rbtimer", "2 1"])
    srv.wait_log("^RANG 1 ")
    srv.wait_log("^RANG 2 ")


@pytest.mark.parity
def test_a_worker_may_add_timers(server):
    srv = server(app=TELLING + "\nuwsgi.register_signal(1, '', told)\n", args=["--master"])
    assert ask(srv, "uwsgi.add_timer(1, 1)") == "None"
    srv.wait_log("^RANG 1 ", count=2)


def test_the_same_timer_of_several_workers_is_one(server):
    """With lazy-apps each worker registers it; the job is done once for each period all the same."""
    begun = time.monotonic()
    srv = server(app=TELLING + "\nuwsgi.register_signal(1, '', told)\nuwsgi.add_timer(1, 1)\n"
                               "uwsgi.register_signal(2, 'worker1', told)\nuwsgi.add_timer(2, 1)\n",
                 args=["--master", "--processes", "3", "--lazy-apps"])
    srv.wait_log("^RANG 2 ", count=4)
    # Three timers of a second each would have rung three times as often.
    assert rang(srv, 1) <= time.monotonic() - begun + 1


def test_a_timer_goes_on_when_workers_end(server):
    srv = server(app=TELLING + "\nuwsgi.register_signal(1, '', told)\nuwsgi.add_ms_timer(1, 50)\n",
                 args=["--master", "--processes", "2"])
    srv.allow("DAMN")
    for round_ in range(3):
        wait_until(lambda: len(srv.workers()) == 2, srv.seconds(10))
        for pid in srv.workers():
            os.kill(pid, signal.SIGKILL)
        srv.wait_log("Respawned uWSGI worker", count=2 * (round_ + 1))
        before = rang(srv, 1)
        wait_until(lambda: rang(srv, 1) > before + 3, srv.seconds(10))
    assert srv.log().count("DAMN") == 6


def test_what_cannot_be(server):
    srv = server(app=TELLING, args=["--master"])
    for call in ("uwsgi.add_timer(1, 0)", "uwsgi.add_timer(1, -1)", "uwsgi.add_rb_timer(1, 0)", "uwsgi.add_ms_timer(1, 0)",
                 "uwsgi.add_rb_timer(1, 1, -1)", "uwsgi.add_timer(256, 1)"):
        assert "ValueError" in ask(srv, call), call
    for number in range(64):
        assert ask(srv, f"uwsgi.add_timer({number}, 9999)") == "None"
    assert "unable to add timer" in ask(srv, "uwsgi.add_timer(64, 9999)")
    srv.wait_log("you can register max 64 timers !!!")


@pytest.mark.parametrize("line", ["timer = 5", "timer = 256 1", "rbtimer = 1 0", "signal-timer = x y"])
def test_bad_lines(server, program, tmp_path, line):
    ini = tmp_path / "bad.ini"
    ini.write_text(f"[uwsgi]\nmaster = true\n{line}\n")
    done = program.run("--ini", ini)
    assert done.returncode == 1
    assert f"{line}: SIGNAL SECONDS is expected" in done.stdout and "bad.ini:3" in done.stdout
