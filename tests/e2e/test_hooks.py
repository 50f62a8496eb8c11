# SPDX-License-Identifier: Apache-2.0
"""Hooks: what is done when, by whom, and what follows when it fails."""
import os
import re
import signal

import pytest

from support import processes
from support.processes import wait_until

PHASES = ["asap", "pre-jail", "in-jail", "as-root", "as-user", "pre-app", "post-app", "master-start", "post-fork", "accepting",
          "accepting-once", "accepting1", "accepting1-once", "as-user-atexit"]
EXEC_PHASES = ["asap", "pre-jail", "in-jail", "as-root", "as-user", "as-user-atexit", "pre-app", "post-app"]


def hooks_ini(more=""):
    lines = [f"hook-{phase} = print:HOOK {phase}" for phase in PHASES]
    lines += [f"exec-{phase} = echo EXEC {phase}" for phase in EXEC_PHASES]
    return "[uwsgi]\nmaster = true\n" + more + "\n".join(lines) + "\n"


def ran(srv):
    return re.findall(r"^(?:HOOK|EXEC) (\S+)$", srv.log(), re.M)


def once(names):
    return list(dict.fromkeys(names))


@pytest.mark.parity
def test_each_phase_in_its_turn(server):
    srv = server(app="hello", ini=hooks_ini())
    srv.wait_log("^HOOK accepting1-once$")
    srv.wait_log("^HOOK master-start$")
    before_fork = [name for name in once(ran(srv)) if name not in PHASES[7:]]
    assert before_fork == ["asap", "pre-jail", "in-jail", "as-root", "as-user", "pre-app", "post-app"]
    in_worker = [name for name in once(ran(srv)) if name in PHASES[8:13]]
    assert in_worker == ["post-fork", "accepting", "accepting-once", "accepting1", "accepting1-once"]
    assert srv.get("/").status == 200
    srv.signal(signal.SIGINT)
    srv.ended(0)
    assert ran(srv)[-2:] == ["as-user-atexit", "as-user-atexit"]
    assert srv.log().index("goodbye to uWSGI.") < srv.log().index("HOOK as-user-atexit")


@pytest.mark.parity
def test_lines_in_the_log(server):
    srv = server(app="hello", args=["--hook-asap", "print:hello there", "--hook-asap", "!print:hidden", "--exec-pre-app", "echo x"])
    srv.wait_log(r'^running "print:hello there" \(asap\)\.\.\.$')
    srv.wait_log(r"^running --- PRIVATE HOOK --- \(asap\)\.\.\.$")
    srv.wait_log(r'^running "echo x" \(pre app\)\.\.\.$')
    assert "print:hidden" not in srv.log()


def test_phases_happen_once_where_they_belong(server):
    srv = server(app="hello", ini=hooks_ini("processes = 3\n"))
    srv.wait_log("^HOOK accepting-once$", count=3)
    srv.wait_log("^HOOK accepting1-once$")
    srv.wait_log("^HOOK master-start$")
    count = ran(srv).count
    assert {phase: count(phase) for phase in PHASES[:7]} == {phase: 2 for phase in PHASES[:7]}, "hook and exec, once each"
    assert count("master-start") == 1
    assert count("post-fork") == count("accepting") == count("accepting-once") == 3
    assert count("accepting1") == count("accepting1-once") == 1


@pytest.mark.parity
def test_once_means_the_first_process_of_a_worker(server):
    srv = server(app="hello", ini=hooks_ini())
    srv.wait_log("^HOOK accepting1-once$")
    srv.allow("DAMN !")
    os.kill(srv.workers()[0], signal.SIGKILL)
    srv.wait_log("^HOOK accepting1$", count=2)
    assert ran(srv).count("post-fork") == 2
    assert ran(srv).count("accepting-once") == ran(srv).count("accepting1-once") == 1


@pytest.mark.parity
def test_lazy_applications_have_their_hooks_in_the_workers(server):
    srv = server(app="hello", ini=hooks_ini("lazy-apps = true\nprocesses = 2\n"))
    srv.wait_log("^HOOK accepting$", count=2)
    assert ran(srv).count("pre-app") == 4 and ran(srv).count("post-app") == 4


def test_a_single_process_has_hooks_too(server):
    srv = server(app="hello", args=["--hook-post-fork", "print:HOOK post-fork", "--hook-accepting1", "print:HOOK accepting1",
                                    "--hook-as-user-atexit", "print:HOOK atexit"])
    srv.wait_log("^HOOK accepting1$")
    srv.stop()
    assert ran(srv) == ["post-fork", "accepting1", "atexit"]


FATAL = ["asap", "in-jail", "as-root", "as-user", "pre-app", "post-app"]


@pytest.mark.parametrize("phase", FATAL)
def test_a_failure_ends_the_start(program, tmp_path, phase):
    done = program.run("--http-socket", "127.0.0.1:0", "--master", f"--hook-{phase}", "exec:exit 3", cwd=tmp_path)
    assert done.returncode == 1
    assert 'command "exit 3" exited with non-zero code: 3' in done.stdout
    assert "FATAL hook failed, destroying instance" in done.stdout


@pytest.mark.parametrize("phase", ["master-start", "post-fork", "accepting", "accepting1-once"])
def test_a_failure_behind_the_fork_ends_the_server(server, phase):
    srv = server(app="hello", args=["--master", f"--hook-{phase}", "unlink:/nonexistent/file"], ready=False)
    assert srv.ended() == 1
    assert "FATAL hook failed, destroying instance" in srv.log()
    if phase != "master-start":
        assert re.search(r"OOPS ! worker 1 \(pid \d+\) cannot start \(exit code 1\)", srv.log())
    assert "failed loading app" not in srv.log(), "it was not the application"
    assert not processes.children(srv.pid)


def test_a_failure_at_the_end_changes_nothing(server):
    srv = server(app="hello", args=["--master", "--hook-as-user-atexit", "exec:exit 1", "--exec-as-user-atexit", "echo AFTER"])
    srv.stop()
    assert re.search("^AFTER$", srv.log(), re.M)


@pytest.mark.parametrize("hook, message", [
    ("print", "invalid hook syntax, must be hook:args"), ("nosuch:x", "hook action not found: nosuch"),
    ("write:file", "invalid hook write syntax, must be: <file> <string>")])
def test_a_mistake_is_told_with_its_place_before_anything_happens(program, tmp_path, hook, message):
    ini = tmp_path / "x.ini"
    ini.write_text(f"[uwsgi]\nhttp-socket = 127.0.0.1:0\nhook-asap = create:{tmp_path}/made\nhook-post-fork = {hook}\n")
    done = program.run("--ini", ini)
    assert done.returncode == 1
    assert f"hook-post-fork = {hook}: {message}" in done.stdout and "x.ini:4" in done.stdout
    assert not (tmp_path / "made").exists()


@pytest.mark.parity
def test_actions_do_what_they_say(server, tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    hooks = [f"write:{made}/a one two", f"appendn:{made}/a three", f"mkdir:{made}/d", f"chmod:{made}/a 640",
             f"create:{made}/gone", f"unlink:{made}/gone", "putenv:FROM_HOOK=yes", f"exec:echo $FROM_HOOK > {made}/env",
             "safeexec:exit 9"]
    args = [word for hook in hooks for word in ("--hook-asap", hook)]
    server(app="hello", args=args)
    assert (made / "a").read_text() == "one twothree\n"
    assert (made / "a").stat().st_mode & 0o777 == 0o640
    assert (made / "d").is_dir() and not (made / "gone").exists()
    assert (made / "env").read_text() == "yes\n"


def test_an_exit_action_ends_the_start(program, tmp_path):
    done = program.run("--http-socket", "127.0.0.1:0", "--hook-asap", "exit:7", cwd=tmp_path)
    assert done.returncode == 7


def test_a_reload_runs_them_again_and_none_twice(server):
    srv = server(app="hello", ini=hooks_ini())
    srv.wait_log("^HOOK accepting1-once$")
    srv.signal(signal.SIGHUP)
    srv.wait_log("gracefully \\(RE\\)spawned")
    srv.wait_log("^HOOK accepting1-once$", count=2)
    assert ran(srv).count("pre-jail") == 2, "at the first start only"
    assert ran(srv).count("pre-app") == 4
    assert ran(srv).count("as-user-atexit") == 2, "before the new program"


PROVEN = ["asap", "in-jail", "as-root", "as-user", "pre-app", "post-app", "master-start"]


@pytest.mark.parametrize("phase", PROVEN)
def test_a_command_that_fails_at_a_reload_leaves_the_old_serving(server, tmp_path, phase):
    command = f"test ! -e {tmp_path}/broken && echo told && echo $PPID >> {tmp_path}/ran"
    srv = server(app="hello", ini=f"[uwsgi]\nmaster = true\nhook-{phase} = exec:{command}\nneed-app = true\n")
    wait_until((tmp_path / "ran").exists, srv.seconds(10), "the hooks of the start")
    workers = srv.workers()
    (tmp_path / "broken").touch()
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"^\*\*\* the reload has been given up, .*the server goes on as it was \*\*\*$")
    srv.wait_log(r'^command "test .*" exited with non-zero code: 1$')
    assert srv.workers() == workers and srv.get("/").status == 200
    assert "binary reloading" not in srv.log()
    (tmp_path / "broken").unlink()
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"gracefully \(RE\)spawned")
    wait_until(lambda: srv.workers() != workers and len(srv.workers()) == 1, srv.seconds(10), "the new worker alone")
    assert len((tmp_path / "ran").read_text().split()) == 2, "at the start and at the reload, once each"
    assert srv.log().count("\ntold\n") == 2, "what it says is in the log"


def test_a_command_of_a_lazy_application_that_fails_at_a_reload_leaves_the_old_serving(server, tmp_path):
    command = f"test ! -e {tmp_path}/broken && echo x >> {tmp_path}/ran"
    srv = server(app="hello", ini=f"[uwsgi]\nmaster = true\nlazy-apps = true\nneed-app = true\nhook-pre-app = exec:{command}\n")
    assert srv.get("/").status == 200, "the first one has done its hooks"
    before = srv.workers()
    (tmp_path / "broken").touch()
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"^FATAL hook failed|FATAL hook failed, destroying instance")
    assert set(before) <= set(srv.workers()) and srv.get("/").status == 200
    (tmp_path / "broken").unlink()
    wait_until(lambda: not set(before) & set(srv.workers()), srv.seconds(20), "the new worker in place of the old one")
    assert srv.get("/").status == 200


def test_an_exit_action_cannot_take_over(server, tmp_path):
    srv = server(app="hello", ini="[uwsgi]\nmaster = true\n")
    srv.ini_path.write_text(srv.ini_path.read_text() + "hook-pre-app = exit:0\n")
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"exit: the new program would end here")
    srv.wait_log(r"the server goes on as it was")
    assert srv.get("/").status == 200


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_root_and_user_see_what_they_are(server):
    srv = server(app="hello", args=["--master", "--uid", "nobody", "--exec-as-root", "echo root is $(id -u)",
                                    "--exec-as-user", "echo user is $(id -u)"])
    srv.wait_log("^root is 0$")
    srv.wait_log("^user is 65534$")


def test_the_start_waits_for_what_it_needs(server, tmp_path):
    wanted = tmp_path / "wanted"
    srv = server(app="hello", args=["--wait-for-file", str(wanted)], ready=False)
    srv.wait_log(rf"^waiting for {re.escape(str(wanted))} \(max 60 seconds\) \.\.\.$")
    assert not srv.accepts()
    wanted.write_text("")
    srv.wait_ready()
    srv.wait_log(rf"{re.escape(str(wanted))} found$")


def test_waiting_has_an_end(program, tmp_path):
    done = program.run("--http-socket", "127.0.0.1:0", "--wait-for-socket", f"{tmp_path}/none", "--wait-for-socket-timeout", "0")
    assert done.returncode == 1
    assert "is not there after 0 seconds" in done.stdout


RPC_APP = """import os, uwsgi

def note(name, text=b""):
    open(name.decode() if isinstance(name, bytes) else name, "a").write("%s %d\\n" % (text.decode(), os.getpid()))
    return b"noted"

uwsgi.register_rpc("note", note)

def application(env, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""


def test_hooks_call_functions_by_name(server):
    """In whichever process the phase is: the function is called there."""
    srv = server(app=RPC_APP, args=["--master", "--hook-post-app", "rpc:note {folder}/called post-app", "--hook-master-start",
                                    "rpc:note {folder}/called master", "--hook-accepting", "rpc:note {folder}/called worker",
                                    "--hook-as-user-atexit", "log:the end"])
    called = srv.folder / "called"
    processes.wait_until(lambda: called.exists() and len(called.read_text().splitlines()) == 3, srv.seconds(10), "three calls")
    noted = dict(line.split() for line in called.read_text().splitlines())
    assert noted == {"post-app": str(srv.pid), "master": str(srv.pid), "worker": str(srv.workers()[0])}


def test_hooks_call_functions_of_other_servers(server):
    other = server(app=RPC_APP, args=["--master", "--socket", "{folder}/rpc.sock", "--remote-services", "rpc"])
    assert other.get("/").status == 200
    srv = server(app="hello", args=["--hook-post-app", f"rpc:note@{other.folder}/rpc.sock {other.folder}/called from-afar"])
    srv.wait_log("spawned uWSGI worker 1")
    assert (other.folder / "called").read_text().split() == ["from-afar", str(other.workers()[0])]


def test_a_function_that_is_not_there_is_a_failure(server):
    srv = server(app="hello", args=["--hook-post-app", "rpc:nobody"], ready=False, exit_status=1)
    srv.ended(1)
    assert "unable to call rpc function nobody" in srv.log()
    assert "FATAL hook failed, destroying instance" in srv.log()


def test_hooks_raise_alarms(server):
    srv = server(app="hello", args=["--master", "--alarm", "bell log:ding", "--hook-post-app", "alarm:bell before the fork",
                                    "--hook-accepting", "alarm:bell from a worker", "--hook-as-user-atexit", "alarm:bell too late"])
    srv.wait_log("ALARM: ding before the fork$")
    srv.wait_log("ALARM: ding from a worker$")
    srv.stop()
    assert "alarms are not to be had in this phase" in srv.log()


def test_an_alarm_at_a_reload_is_acted_upon(server):
    srv = server(app="hello", args=["--master", "--alarm", "bell cmd:cat >> {folder}/rung", "--hook-as-user-atexit", "alarm:bell reloading"])
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"gracefully \(RE\)spawned uWSGI master")
    processes.wait_until(lambda: (srv.folder / "rung").exists() and "reloading" in (srv.folder / "rung").read_text(), srv.seconds(10),
                         "the alarm")


def test_an_alarm_that_nobody_knows_is_a_failure(server):
    srv = server(app="hello", args=["--alarm", "bell log:ding", "--hook-post-app", "alarm:gong text"], ready=False, exit_status=1)
    srv.ended(1)
    assert "the alarm gong cannot be raised" in srv.log()
