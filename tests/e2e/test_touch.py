# SPDX-License-Identifier: Apache-2.0
"""Files whose change makes the server do something."""
import os
import re
import signal

import pytest

from support.processes import wait_until
from support.slow import SLOW

RELOADED = r"gracefully \(RE\)spawned uWSGI master process"


def touch(path):
    """A later time in whole seconds, which is all that some compare; done at once, as it is to count once."""
    os.utime(path, (path.stat().st_mtime + 2,) * 2)


def ready(srv):
    srv.wait_log(r"spawned uWSGI worker 1")
    assert srv.get("/").status == 200
    return srv


@pytest.mark.parity
def test_touch_reload(server, tmp_path):
    flag = tmp_path / "flag"
    flag.touch()
    srv = ready(server(app="hello", args=["--touch-reload", str(flag)]))
    srv.has_master = True
    touch(flag)
    srv.wait_log(rf" - \*\*\* {re.escape(str(flag))} has been touched\.\.\. grace them all !!! \*\*\*$")
    srv.wait_log(RELOADED)
    assert srv.get("/").status == 200


@pytest.mark.parity
def test_a_file_that_is_missing_counts_when_it_appears(server, tmp_path):
    flag = tmp_path / "flag"
    srv = ready(server(app="hello", args=["--touch-reload", str(flag)]))
    srv.wait_log(rf"^unable to stat\(\) {re.escape(str(flag))}, events will be triggered as soon as the file is created$")
    flag.touch()
    srv.wait_log(RELOADED)


def test_each_touch_once(server, tmp_path):
    flag = tmp_path / "flag"
    flag.touch()
    srv = ready(server(app="hello", args=["--touch-reload", str(flag)]))
    for count in (1, 2, 3):
        touch(flag)
        srv.wait_log(RELOADED, count=count)
        srv.wait_log(r"^spawned uWSGI worker 1", count=count + 1)
    assert srv.log().count("has been touched") == 3


def test_a_touch_while_the_program_is_replaced(server, tmp_path, inside):
    flag = tmp_path / "flag"
    flag.touch()
    code = inside({"slow.py": SLOW})
    gate = code / "gate"
    srv = ready(server(args=["--touch-reload", str(flag), "--chdir", str(code), "--module", "slow"]))
    srv.has_master = True
    gate.write_text(str(srv.pid))
    touch(flag)
    srv.wait_log("^loading$")
    touch(flag)
    gate.unlink()
    srv.wait_log("has been touched", count=2)
    srv.wait_log(r"^spawned uWSGI worker 1", count=3)


def test_a_file_renamed_over_it_counts(server, tmp_path):
    flag, other = tmp_path / "flag", tmp_path / "other"
    flag.touch()
    srv = ready(server(app="hello", args=["--touch-reload", str(flag)]))
    other.write_text("x")
    other.rename(flag)
    srv.wait_log(RELOADED)
    srv.wait_log(r"^spawned uWSGI worker 1", count=2)
    other.write_text("y")
    other.rename(flag)
    srv.wait_log(RELOADED, count=2)


@pytest.mark.parity
def test_touch_exec(server, tmp_path):
    flag, made = tmp_path / "flag", tmp_path / "made"
    flag.touch()
    srv = ready(server(app="hello", args=["--touch-exec", f"{flag} echo done by hand > {made}"]))
    touch(flag)
    wait_until(lambda: made.exists() and made.read_text() == "done by hand\n", srv.seconds(10), "the command")


def test_touch_exec_does_not_hold_the_master(server, tmp_path):
    flag, go = tmp_path / "flag", tmp_path / "go"
    flag.touch()
    srv = ready(server(app="hello", args=["--touch-exec", f"{flag} echo begun; while ! test -e {go}; do sleep 0.05; done; exit 3"]))
    touch(flag)
    srv.wait_log("^begun$")
    os.kill(srv.pid, __import__("signal").SIGUSR1)
    srv.wait_log("workers total requests")
    go.touch()
    srv.wait_log(r"exited with non-zero code: 3$")


def test_hook_touch(server, tmp_path):
    flag, made = tmp_path / "flag", tmp_path / "made"
    flag.touch()
    srv = ready(server(app="hello", args=["--master", "--hook-touch", f"{flag} write:{made} by a hook"]))
    touch(flag)
    wait_until(lambda: made.exists() and made.read_text() == "by a hook", srv.seconds(10), "the hook")
    srv.wait_log(rf'^running "write:{re.escape(str(made))} by a hook" \(hook-touch\)\.\.\.$')


@pytest.mark.parametrize("action, sign", [("wait_for_file:{folder}/late", "waiting for "),
                                          ("retryrpc:nobody@127.0.0.1:1", "unable to call rpc function nobody")])
def test_a_hook_that_waits_does_not_hold_up_the_master(server, tmp_path, action, sign):
    flag = tmp_path / "flag"
    flag.touch()
    srv = ready(server(app="hello", args=["--master", "--hook-touch", f"{flag} {action}"], allow=["DAMN"]))
    touch(flag)
    srv.wait_log(sign)
    os.kill(srv.workers()[0], signal.SIGKILL)
    srv.wait_log("^Respawned uWSGI worker 1")
    if action.startswith("wait"):
        touch(flag)
        srv.wait_log(r"flag has been touched", count=2)
        (srv.folder / "late").touch()
        srv.wait_log("late found", count=2)


def test_a_touch_that_waits_for_the_action_of_the_one_before_outlives_a_reload(server, tmp_path):
    flag, pipe = tmp_path / "flag", tmp_path / "pipe"
    flag.touch()
    os.mkfifo(pipe)
    srv = ready(server(app="hello", args=["--master", "--hook-touch", f"{flag} spinningfifo:{pipe} told."]))
    touch(flag)
    srv.wait_log("spinningfifo")
    touch(flag)
    srv.wait_log(r"flag has been touched", count=2)
    srv.signal(signal.SIGHUP)
    srv.wait_log(RELOADED)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    told = []

    def both():
        try:
            told.append(os.read(reader, 100))
        except BlockingIOError:
            pass
        return b"".join(told) == b"told.told."

    wait_until(both, srv.seconds(20), "one action for each touch")
    os.close(reader)


def test_fs_reload_watches_directories_too(server, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    srv = ready(server(app="hello", args=["--master", "--fs-reload", str(folder)]))
    (folder / "new").write_text("x")
    srv.wait_log(RELOADED)


@pytest.mark.parametrize("args, message", [
    (["--touch-exec", "/only/a/file"], "touch-exec = /only/a/file"),
    (["--hook-touch", "/a/file nosuch:x"], "hook action not found: nosuch")])
def test_mistakes_are_told(program, args, message):
    done = program.run("--http-socket", "127.0.0.1:0", "--master", *args)
    assert done.returncode == 1
    assert message in done.stdout and "command line" in done.stdout


# -- descriptors


@pytest.mark.parametrize("option, kind", [("reload-on-fd", "graceful"), ("brutal-reload-on-fd", "brutal")])
def test_a_readable_descriptor_reloads(server, with_fifo, option, kind):
    wrapped, told = with_fifo
    srv = server(program=wrapped, app="hello", args=["--master", f"--{option}", "7:4"])
    srv.wait_log(rf"^added {kind} reload monitor for fd 7 \(read size: 4\)$")
    for times in (1, 2):
        told.write_text("now!")
        srv.wait_log(r"- \*\*\* fd 7 ready !!! \*\*\*$", count=times)
        srv.wait_log(r"gracefully \(RE\)spawned uWSGI master", count=times)
        srv.wait_log(rf"^added {kind} reload monitor", count=times + 1)
    assert srv.get("/").status == 200
    assert srv.log().count("fd 7 ready") == 2


@pytest.mark.parametrize("given, said", [("x", "FD or FD:BYTES"), ("77", "no such descriptor"), ("0:0", "number of bytes"), ("-1", "FD or FD:BYTES")])
def test_a_descriptor_that_is_none_is_an_error(program, given, said):
    done = program.run("--http-socket", "127.0.0.1:0", "--master", "--reload-on-fd", given)
    assert done.returncode == 1 and f"reload-on-fd = {given}" in done.stdout and said in done.stdout
