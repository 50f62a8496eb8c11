# SPDX-License-Identifier: Apache-2.0
"""Attached daemons: run, replaced, restarted, stopped; smart ones found by their pidfiles."""
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from support import processes
from support.processes import wait_until
from support.slow import SLOW

SLEEPER = "import os, signal, sys, time\nsignal.signal(signal.SIGHUP, lambda *a: open(sys.argv[1], 'a').write('hup\\n'))\n" \
          "open(sys.argv[1], 'a').write('%d\\n' % os.getpid())\nwhile True: time.sleep(60)\n"


@pytest.fixture
def sleeper(tmp_path):
    """The command of a daemon, and the pids that ran it, in order."""
    script, notes = tmp_path / "sleeper.py", tmp_path / "notes"
    script.write_text(SLEEPER)

    class Sleeper:
        command = f"/usr/bin/python3 {script} {notes}"

        @staticmethod
        def lines():
            return notes.read_text().split() if notes.exists() else []

        def pids(self, count=1):
            return wait_until(lambda: len(found := [int(x) for x in self.lines() if x != "hup"]) >= count and found, 20,
                              f"{count} starts")

    yield Sleeper()
    for pid in [int(x) for x in Sleeper.lines() if x != "hup"]:
        if pid > 1 and processes.alive(pid) and str(script) in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)


def can_unshare():
    return subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False).returncode == 0


def gone(pid):
    wait_until(lambda: not processes.alive(pid), 20, f"the end of {pid}")


def test_a_daemon_lives_as_long_as_the_server(server, sleeper):
    srv = server(app="hello", args=["--attach-daemon", sleeper.command], ready=False)
    srv.has_master = True
    srv.wait_ready()
    pid = sleeper.pids()[0]
    srv.wait_log(rf'^\[uwsgi-daemons\] spawning "{re.escape(sleeper.command)}" \(uid: {os.getuid()} gid: {os.getgid()}\)$')
    assert os.getsid(pid) == pid, "a session of its own"
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    srv.stop()
    assert not processes.alive(pid)
    assert f"[uwsgi-daemons] stopping daemon (pid: {pid}): {sleeper.command}" in srv.log()


def test_it_dies_with_a_killed_master(server, sleeper):
    srv = server(app="hello", args=["--attach-daemon", sleeper.command], exit_status=-9)
    pid = sleeper.pids()[0]
    srv.signal(signal.SIGKILL)
    srv.ended(-9)
    gone(pid)


def test_it_is_replaced(server, sleeper):
    srv = server(app="hello", args=["--attach-daemon", sleeper.command])
    os.kill(sleeper.pids()[0], signal.SIGKILL)
    assert len(set(sleeper.pids(2))) == 2
    srv.wait_log(r"^\[uwsgi-daemons\] respawning ")


def test_one_that_ends_early_is_given_pauses(server, tmp_path):
    srv = server(app="hello", args=["--attach-daemon", f"echo run >> {tmp_path}/runs; exit 3"])
    srv.wait_log(r'^\[uwsgi-daemons\] throttling ".*exit 3" for 1 seconds$', timeout=20, count=2)
    assert srv.get("/").status == 200
    runs = (tmp_path / "runs").read_text().count("run")
    assert runs <= srv.log().count("] throttling ") + 1, "a pause between any two"


def test_a_group_is_ended_as_a_whole(server, sleeper):
    srv = server(app="hello", args=["--attach-daemon", f"true; {sleeper.command} & {sleeper.command}; true"])
    pids = sleeper.pids(2)
    srv.stop()
    for pid in pids:
        gone(pid)


def test_one_that_does_not_end_is_killed(server, sleeper):
    srv = server(app="hello", args=["--attach-daemon", f"trap '' TERM; {sleeper.command} & while :; do wait; done",
                                    "--reload-mercy", "1"])
    sleeper.pids()
    srv.stop()
    assert re.search(r"^\[uwsgi-daemons\] daemon did not die in time, killing \(pid: \d+\): trap", srv.log(), re.M)


def test_the_end_of_a_control_daemon_stops_the_server(server, sleeper):
    srv = server(app="hello", args=["--attach-control-daemon", sleeper.command])
    os.kill(sleeper.pids()[0], signal.SIGTERM)
    srv.ended(0)
    assert "goodbye to uWSGI." in srv.log()


def test_a_reload_restarts_it(server, sleeper):
    srv = server(app="hello", args=["--attach-daemon", sleeper.command])
    first = sleeper.pids()[0]
    srv.signal(signal.SIGHUP)
    second = sleeper.pids(2)[1]
    gone(first)
    assert processes.alive(second)
    srv.wait_log(r"gracefully \(RE\)spawned")


def test_one_with_a_reload_signal_gets_that_instead(server, sleeper):
    srv = server(app="hello", args=["--attach-daemon2", f"cmd={sleeper.command},reloadsignal=1"])
    first = sleeper.pids()[0]
    srv.signal(signal.SIGHUP)
    wait_until(lambda: "hup" in sleeper.lines(), 20, "the signal")
    srv.wait_log(r"^spawned uWSGI worker 1", count=2)
    assert processes.alive(first) and len(sleeper.pids()) == 1
    srv.stop()
    assert not processes.alive(first), "the successor has taken it over"


def test_one_that_is_not_wanted_any_more_goes_at_a_reload(server, sleeper, tmp_path):
    srv = server(app="hello", ini=f"[uwsgi]\nmaster = true\nattach-daemon = {sleeper.command}\n")
    pid = sleeper.pids()[0]
    srv.ini_path.write_text("[uwsgi]\nmaster = true\n")
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"gracefully \(RE\)spawned")
    gone(pid)


def test_a_touched_file_restarts_it(server, sleeper, tmp_path):
    flag = tmp_path / "flag"
    flag.touch()
    srv = server(app="hello", args=["--attach-daemon2", f"cmd={sleeper.command},touch={flag}"])
    first = sleeper.pids()[0]
    flag.write_text("x")
    sleeper.pids(2)
    gone(first)
    srv.wait_log(rf'{flag} has been touched\.\.\. reloading daemon ".*" \(pid: {first}\) !!! \*\*\*$')


def test_a_file_touched_during_a_reload_is_noticed(server, sleeper, tmp_path):
    """When the program of before has gone, and that of after is still loading."""
    flag = tmp_path / "flag"
    flag.touch()
    srv = server(app=SLOW, args=["--attach-daemon2", f"cmd={sleeper.command},reloadsignal=1,touch={flag}"])
    [pid] = sleeper.pids()
    gate = srv.folder / "gate"
    gate.write_text(str(srv.pid))
    srv.signal(signal.SIGHUP)
    srv.wait_log("^loading")
    wait_until(lambda: sleeper.lines().count("hup") == 1, what="the signal of the reload")
    flag.write_text("x")
    gate.unlink()
    srv.wait_log(rf'{flag} has been touched\.\.\. reloading daemon ".*" \(pid: {pid}\) !!! \*\*\*$')
    wait_until(lambda: sleeper.lines().count("hup") == 2, what="the signal of the touch")
    assert sleeper.pids() == [pid]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_user_of_its_own(server):
    srv = server(app="hello", args=["--attach-daemon2",
                                    "cmd=echo I am $(id -u) $(id -G) in $(pwd); sleep 60,uid=65534,gid=65534,chdir=/usr"])
    srv.wait_log("^I am 65534 65534 in /usr$")


# -- smart ones


def pid_in(path):
    return wait_until(lambda: path.exists() and (text := path.read_text().strip()).isdigit() and int(text), what=f"a pid in {path}")


def test_a_smart_one_outlives_the_server_and_is_found_again(server, sleeper, tmp_path):
    pidfile = tmp_path / "d.pid"
    option = ["--smart-attach-daemon2", f"{pidfile} {sleeper.command}"]
    srv = server(app="hello", args=option)
    pid = pid_in(pidfile)
    assert sleeper.pids() == [pid]
    srv.wait_log(rf"^writing pidfile to {pidfile}$")
    os.kill(srv.pid, signal.SIGTERM)
    srv.wait()
    assert processes.alive(pid)
    again = server(app="hello", args=option)
    again.wait_log("spawned uWSGI worker 1")
    assert sleeper.pids() == [pid], "not started again"
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid_in(pidfile) != pid, 20, "the next one")
    assert len(sleeper.pids(2)) == 2
    os.kill(again.pid, signal.SIGTERM)
    again.wait()
    os.kill(pid_in(pidfile), signal.SIGKILL)


def test_a_smart_one_without_a_pidfile_is_not_left_behind(server, sleeper, tmp_path):
    srv = server(app="hello", args=["--smart-attach-daemon2", f"{tmp_path}/missing/d.pid {sleeper.command}"])
    srv.wait_log(r'^\[uwsgi-daemons\] ".*": create .*/missing/d\.pid.*: No such file or directory$', 20, count=3)
    wait_until(lambda: not [pid for pid in sleeper.lines() if processes.alive(int(pid))], 10, "the end of all of them")


def test_who_waits_for_a_namespace_has_nothing_of_the_master(server, sleeper):
    if os.geteuid() != 0 or not can_unshare():
        pytest.skip("it takes root and a system that lets him")
    srv = server(app="hello", args=["--attach-daemon2", f"cmd={sleeper.command},ns_pid=1"])
    assert sleeper.pids() == [1], "the first of its namespace"
    outside = [pid for pid in processes.children(srv.pid) if processes.children(pid)]
    assert len(outside) == 1
    wait_until(lambda: sorted(os.listdir(f"/proc/{outside[0]}/fd")) == ["0", "1", "2"], what="what it has of the master to be closed")
    srv.stop()
    gone(outside[0])


def test_a_smart_one_that_goes_to_the_background_itself(server, sleeper, tmp_path):
    pidfile = tmp_path / "d.pid"
    srv = server(app="hello", args=["--smart-attach-daemon", f"{pidfile},1 {sleeper.command} & echo $! > {pidfile}"])
    pid = sleeper.pids()[0]
    assert pid_in(pidfile) == pid
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"^spawned uWSGI worker 1", count=2)
    os.kill(pid, signal.SIGKILL)
    assert len(sleeper.pids(2)) == 2
    os.kill(srv.pid, signal.SIGTERM)
    srv.wait()
    os.kill(sleeper.pids(2)[1], signal.SIGKILL)


@pytest.mark.parametrize("option, value, message", [
    ("attach-daemon2", "freq=1", "the key cmd is missing"), ("attach-daemon2", "cmd=x,nosuch=1", "there is no key nosuch"),
    ("attach-daemon2", "cmd", "the key cmd has no value"),
    ("smart-attach-daemon", "/only/pidfile", "PIDFILE[,SECONDS] COMMAND is expected")])
def test_mistakes_are_told(program, option, value, message):
    done = program.run("--http-socket", "127.0.0.1:0", f"--{option}", value)
    assert done.returncode == 1
    assert f"{option} = {value}: {message} (command line)" in done.stdout
