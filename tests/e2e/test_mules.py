# SPDX-License-Identifier: Apache-2.0
"""Mules and farms: processes beside the workers, with messages and signals."""
import os
import re
import signal

import pytest

from support.asking import ASKED, ask
from support.processes import alive, wait_until

HOOKED = ASKED + '''
def got(message):
    print("MESSAGE %d in mule %d: %r" % (len(message), uwsgi.mule_id(), message[:20]), flush=True)
uwsgi.mule_msg_hook = got
'''


def mule_pids(srv, count=1):
    srv.wait_log("spawned uWSGI mule", count=count)
    return [int(pid) for pid in re.findall(r"spawned uWSGI mule \d+ \(pid: (\d+)\)", srv.log())]


@pytest.fixture(scope="module")
def hooked(module_server):
    return module_server(app=HOOKED, args=["--master", "--mule", "--mules", "2", "--farm", "fa:2,3"])


@pytest.mark.parity
def test_mules_are_spawned(hooked):
    hooked.wait_log(r"spawned uWSGI mule 3 \(pid: \d+\)")
    assert "created farm 1 name: fa mules:2,3" in hooked.log()
    assert ask(hooked, "(uwsgi.mule_id(), uwsgi.in_farm(), uwsgi.in_farm('fa'))") == "(0, None, None)"


@pytest.mark.parity
@pytest.mark.parametrize("message, call", [
    ("one", "uwsgi.mule_msg(b'one')"), ("two", "uwsgi.mule_msg(b'two', 1)"), ("three", "uwsgi.mule_msg('three', b'fa')"),
    ("four", "uwsgi.farm_msg('fa', b'four')")])
def test_messages(hooked, message, call):
    assert ask(hooked, call) in ("True", "None")
    line = hooked.wait_log(rf"^MESSAGE \d+ in mule (\d): b'{message}'$")
    assert {"one": "123", "two": "1", "three": "23", "four": "23"}[message].count(line[1]) == 1


@pytest.mark.parity
def test_an_empty_message(hooked):
    assert ask(hooked, "uwsgi.mule_msg(b'')") == "True"
    hooked.wait_log("^MESSAGE 0 in mule")


def test_large_messages(hooked):
    assert ask(hooked, "uwsgi.mule_msg(b'x' * 65536)") == "True"
    hooked.wait_log("^MESSAGE 65536 in mule")
    assert "ValueError: " in ask(hooked, "uwsgi.mule_msg(b'x' * 65537)")


def test_bad_calls(hooked):
    assert "invalid mule" in ask(hooked, "uwsgi.mule_msg(b'x', 4)")
    assert "invalid mule" in ask(hooked, "uwsgi.mule_msg(b'x', -1)")
    assert "unknown farm" in ask(hooked, "uwsgi.mule_msg(b'x', b'fb')")
    assert ask(hooked, "uwsgi.mule_msg(b'str', 'fa')") == "True"
    assert ask(hooked, "uwsgi.farm_msg('fb', b'x')") == "None"
    for kind in ("mule", "farm"):
        assert f"you can receive {kind} messages only in a mule !!!" in ask(hooked, f"uwsgi.{kind}_get_msg()")


@pytest.mark.parity
def test_without_a_hook(server):
    srv = server(app=ASKED, args=["--master", "--mule"])
    ask(srv, "uwsgi.mule_msg(b'x')")
    srv.wait_log(r"\*\*\* mule 1 received a 1 bytes message \*\*\*")


@pytest.mark.parity
def test_no_mules(server):
    assert "no mule configured" in ask(server(app=ASKED, args=["--master"]), "uwsgi.mule_msg(b'x')")


def test_a_message_waits_for_the_replacement(server):
    srv = server(app=HOOKED, args=["--master", "--mule"])
    srv.allow("OOOPS")
    pid = mule_pids(srv)[0]
    for round_ in (1, 2, 3):
        os.kill(pid, signal.SIGSTOP)
        ask(srv, f"[uwsgi.mule_msg('{round_}') for i in range(3)]")
        os.kill(pid, signal.SIGKILL)
        srv.wait_log(r"OOOPS mule 1 \(pid: %d\) crippled...trying respawn..." % pid)
        srv.wait_log(f"^MESSAGE 1 in mule 1: b'{round_}'", count=3)
        pid = mule_pids(srv, round_ + 1)[-1]


def test_a_full_queue(server):
    srv = server(app=HOOKED, args=["--master", "--mule"])
    pid = mule_pids(srv)[0]
    os.kill(pid, signal.SIGSTOP)
    sent = eval(ask(srv, "[uwsgi.mule_msg(b'x' * 60000) for i in range(100)]"))
    assert sent.count(True) > 0 and sent[-1] is False
    assert srv.log().count("*** MULE MSG QUEUE IS FULL: buffer size ") == 1
    os.kill(pid, signal.SIGCONT)
    srv.wait_log("^MESSAGE 60000", count=sent.count(True))
    assert ask(srv, "uwsgi.mule_msg(b'y')") == "True"


SCRIPT = '''
import os, sys, uwsgi
print("SCRIPT", __name__, __file__, uwsgi.mule_id(), uwsgi.worker_id(), flush=True)
while True:
    message = uwsgi.mule_get_msg(timeout=20)
    os.write(1, b"GOT %r\\n" % message)
    if message == b"leave": break
    if message == b"fail": raise RuntimeError("on purpose")
'''


@pytest.mark.parity
def test_a_script(server, tmp_path):
    (tmp_path / "job.py").write_text(SCRIPT)
    srv = server(app=ASKED, args=["--master", f"--mule={tmp_path}/job.py"])
    srv.allow("OOOPS")
    srv.wait_log(rf"^SCRIPT __main__ {tmp_path}/job.py 1 0$")
    ask(srv, "uwsgi.mule_msg(b'hello')")
    srv.wait_log("^GOT b'hello'$")
    ask(srv, "uwsgi.mule_msg(b'leave')")
    srv.wait_log("^SCRIPT", count=2)


def test_a_script_that_fails_comes_back(server, tmp_path):
    (tmp_path / "job.py").write_text(SCRIPT)
    srv = server(app=ASKED, args=["--master", f"--mule={tmp_path}/job.py"])
    srv.allow("OOOPS", "Traceback")
    ask(srv, "uwsgi.mule_msg(b'fail')")
    srv.wait_log("^RuntimeError: on purpose$")
    srv.wait_log("^SCRIPT", count=2)


def test_a_script_that_leaves_with_an_odd_status(server, tmp_path):
    (tmp_path / "job.py").write_text("import sys\nclass Odd:\n    def __str__(self):\n        raise ValueError\n"
                                     "    def __repr__(self):\n        return 'ODD STATUS'\nsys.exit(Odd())\n")
    srv = server(app=ASKED, args=["--master", f"--mule={tmp_path}/job.py"])
    srv.allow("OOOPS")
    srv.wait_log("^ODD STATUS$", count=2)


def test_a_script_that_is_not_there(server):
    srv = server(app=ASKED, args=["--master", "--mule=missing.py"])
    srv.allow("OOOPS", "Traceback")
    srv.wait_log("missing.py")
    assert ask(srv, "1 + 1") == "2"


def test_a_callable(server, inside):
    folder = inside({"jobs.py": "import time, uwsgi\ndef main():\n    print('CALLED', uwsgi.mule_id(), flush=True)\n"
                                "    time.sleep(600)\n"})
    srv = server(app=ASKED, args=["--master", "--mule=jobs:main", "--pythonpath", folder])
    srv.wait_log("^CALLED 1$")


def test_an_endless_script_ends_with_the_server(server, tmp_path):
    """SIGTERM raises SystemExit in it, so that it leaves in order."""
    (tmp_path / "job.py").write_text("import time\ntry:\n    print('BEGIN', flush=True)\n    time.sleep(600)\n"
                                     "finally:\n    print('LEAVING', flush=True)\n")
    srv = server(app=ASKED, args=["--master", f"--mule={tmp_path}/job.py"])
    srv.wait_log("^BEGIN$")
    srv.signal(signal.SIGTERM)
    srv.ended(0)
    assert "LEAVING" in srv.log()


def test_a_hook_that_keeps_the_mule(server):
    srv = server(app=ASKED + '''
def keep():
    if uwsgi.mule_id() == 1:
        print("KEPT", flush=True)
        while True: print("LOOP", uwsgi.mule_get_msg(), flush=True)
uwsgi.post_fork_hook = keep
''', args=["--master", "--mules", "2"])
    srv.wait_log("^KEPT$")
    ask(srv, "uwsgi.mule_msg(b'x', 1)")
    srv.wait_log("^LOOP b'x'$")
    pid = mule_pids(srv)[0]
    os.kill(pid, signal.SIGTERM)
    srv.wait_log("^KEPT$", count=2)


@pytest.mark.parametrize("wait", ["mule_get_msg", "signal_wait"])
def test_the_end_is_not_lost_inside_a_signal_handler(server, tmp_path, wait):
    (tmp_path / "job.py").write_text(f"import uwsgi\ntry:\n    while True: uwsgi.{wait}()\n"
                                     "finally:\n    print('LEAVING', flush=True)\n")
    srv = server(app=ASKED + """
def handle(number):
    print("BEGIN", flush=True)
    time.sleep(600)
uwsgi.register_signal(5, "mule1", handle)
""", args=["--master", f"--mule={tmp_path}/job.py"])
    ask(srv, "uwsgi.signal(5)")
    srv.wait_log("^BEGIN$")
    srv.signal(signal.SIGTERM)
    srv.wait_log("^LEAVING$")
    srv.ended(0)


@pytest.mark.parametrize("wait", ["mule_get_msg", "signal_wait"])
def test_a_signal_handler_that_raises_ends_no_wait(server, tmp_path, wait):
    (tmp_path / "job.py").write_text(f"import uwsgi\nwhile True: uwsgi.{wait}()\n")
    srv = server(app=ASKED + """
def handle(number):
    print("BEGIN", uwsgi.mule_id(), flush=True)
    raise ValueError("wrong")
uwsgi.register_signal(5, "mule1", handle)
""", args=["--master", f"--mule={tmp_path}/job.py"], allow=["Traceback"])
    for count in 1, 2:
        ask(srv, "uwsgi.signal(5)")
        srv.wait_log("^BEGIN 1$", count=count)
    srv.wait_log("error managing signal 5", count=2)
    assert len(mule_pids(srv)) == 1


@pytest.mark.parity
def test_get_msg_times_out(server, tmp_path):
    (tmp_path / "job.py").write_text("import time, uwsgi\nprint('NOTHING', uwsgi.mule_get_msg(timeout=1), flush=True)\ntime.sleep(600)\n")
    srv = server(app=ASKED, args=["--master", f"--mule={tmp_path}/job.py"])
    srv.wait_log("^NOTHING b''$")


def test_get_msg_runs_signals_and_goes_on_waiting(server, tmp_path):
    (tmp_path / "job.py").write_text("import os, uwsgi\nwhile True: os.write(1, b'GOT %r\\n' % uwsgi.mule_get_msg())\n")
    srv = server(app=ASKED + "\nuwsgi.register_signal(5, 'mule1', lambda n: print('SIGNAL', n, uwsgi.mule_id(), flush=True))\n",
                 args=["--master", f"--mule={tmp_path}/job.py"])
    ask(srv, "uwsgi.signal(5)")
    srv.wait_log("^SIGNAL 5 1$")
    ask(srv, "uwsgi.mule_msg(b'after')")
    srv.wait_log("^GOT b'after'$")


def test_harakiri(server):
    srv = server(app=ASKED + "\nuwsgi.mule_msg_hook = lambda message: time.sleep(600) if message == b'long' else print('DONE', flush=True)\n",
                 args=["--master", "--mule", "--mule-harakiri", "4"])
    srv.allow("OOOPS")
    ask(srv, "(uwsgi.mule_msg(b'long'), uwsgi.mule_msg(b'short'))")
    srv.wait_log(r"\*\*\* HARAKIRI ON MULE 1 \(pid: \d+\) \*\*\*")
    srv.wait_log("^DONE$")


def test_a_running_message_is_finished_on_stop(server):
    srv = server(app=ASKED + '''
def got(message):
    print("BEGIN", flush=True)
    while not os.path.exists("go"): time.sleep(0.01)
    print("FINISHED", flush=True)
uwsgi.mule_msg_hook = got
''', args=["--master", "--mule"])
    ask(srv, "uwsgi.mule_msg(b'x')")
    srv.wait_log("^BEGIN$")
    srv.signal(signal.SIGTERM)
    srv.wait_log("killing workers")
    (srv.folder / "go").touch()
    srv.ended(0)
    assert "FINISHED" in srv.log()


def test_atexit_and_post_fork(server):
    srv = server(app=ASKED + '''
uwsgi.post_fork_hook = lambda: print("FORKED %d %d\\n" % (uwsgi.worker_id(), uwsgi.mule_id()), end="", flush=True)
uwsgi.atexit = lambda: print("LEFT %d %d\\n" % (uwsgi.worker_id(), uwsgi.mule_id()), end="", flush=True)
''', args=["--master", "--mule"])
    srv.wait_log("^FORKED 1 0$")
    srv.wait_log("^FORKED 0 1$")
    srv.signal(signal.SIGTERM)
    srv.ended(0)
    assert "LEFT 0 1" in srv.log() and "LEFT 1 0" in srv.log()


def test_mules_after_a_reload(server):
    srv = server(app=HOOKED, args=["--master", "--mules", "2"])
    old = mule_pids(srv, 2)
    srv.signal(signal.SIGHUP)
    srv.wait_log("spawned uWSGI mule 2", count=2)
    wait_until(lambda: not any(alive(pid) for pid in old), srv.seconds(10))
    wait_until(lambda: ask(srv, "uwsgi.mule_msg(b'new', 2)") == "True" and "in mule 2: b'new'" in srv.log(), srv.seconds(10))


def test_messages_that_wait_survive_a_reload(server, tmp_path):
    """Also those that workers of before the reload send afterwards: the queues are handed over."""
    gate = tmp_path / "gate"
    gate.touch()
    srv = server(app=ASKED + f'''
import os, time
def got(message):
    print("MULE", uwsgi.mule_id(), message.decode(), flush=True)
    while message == b"first" and os.path.exists({str(gate)!r}): time.sleep(0.01)
uwsgi.mule_msg_hook = got
''', args=["--master", "--mule", "--farm", "fa:1"])
    ask(srv, "uwsgi.mule_msg(b'first')")
    srv.wait_log("^MULE 1 first$")
    ask(srv, "uwsgi.mule_msg(b'any'), uwsgi.mule_msg(b'own', 1), uwsgi.farm_msg('fa', b'farm')")
    srv.signal(signal.SIGHUP)
    srv.wait_log("spawned uWSGI worker 1", count=2)
    gate.unlink()
    for text in "any", "own", "farm":
        srv.wait_log(f"^MULE 1 {text}$")
    wait_until(lambda: ask(srv, "uwsgi.mule_msg(b'later', 1)") == "True" and "MULE 1 later" in srv.log(), srv.seconds(10))


def test_a_mule_that_starts_is_reloaded_too(server, tmp_path):
    """It may have read already what was changed just before the touch."""
    gate, flag = tmp_path / "gate", tmp_path / "touch"
    flag.touch()
    gate.touch()
    srv = server(app=HOOKED + f'''
import os, uwsgidecorators
@uwsgidecorators.postfork
def wait():
    if uwsgi.mule_id() == 0: return
    os.write(1, b"mule waits\\n")
    while os.path.exists({str(gate)!r}): time.sleep(0.01)
''', args=["--master", "--mule", "--touch-mules-reload", flag])
    srv.wait_log("mule waits")
    os.utime(flag, (1, 1))
    srv.wait_log("has been touched... reloading mules")
    gate.unlink()
    srv.wait_log("spawned uWSGI mule", count=2)


def test_touch_mules_reload(server, tmp_path):
    srv = server(app=HOOKED, args=["--master", "--mules", "2", "--touch-mules-reload", f"{tmp_path}/touch"])
    old = mule_pids(srv, 2)
    (tmp_path / "touch").touch()
    srv.wait_log("spawned uWSGI mule", count=4)
    wait_until(lambda: not any(alive(pid) for pid in old), srv.seconds(10))
    ask(srv, "uwsgi.mule_msg(b'again', 1)")
    srv.wait_log("in mule 1: b'again'")


@pytest.mark.parametrize("line, why", [("farm = fa:9", "invalid mule id: 9"),
                                       ("farm = fa", r"invalid farm value (fa) must be in the form name:mule[,muleN]."),
                                       ("mules = x", "mules = x: a number"), ("mule-msg-recv-size = 0", "mule-msg-recv-size = 0")])
def test_bad_lines(program, tmp_path, line, why):
    ini = tmp_path / "bad.ini"
    ini.write_text(f"[uwsgi]\nmaster = true\nmules = 1\n{line}\n")
    done = program.run("--ini", ini)
    assert done.returncode == 1 and why in done.stdout and "bad.ini:4" in done.stdout, done.stdout


def test_a_dead_man_timer_of_the_application(server):
    srv = server(app=ASKED + '''
def got(message):
    uwsgi.set_user_harakiri(30 if message == b"quick" else 1)
    if message == b"quick": uwsgi.set_user_harakiri(0)
    else: time.sleep(600)
uwsgi.mule_msg_hook = got
uwsgi.register_signal(1, "worker1", lambda number: (uwsgi.set_user_harakiri(1), time.sleep(600)))
''', args=["--master", "--processes", "2", "--mule"])
    srv.allow("OOOPS", "DAMN", "NO MERCY")
    ask(srv, "(uwsgi.mule_msg(b'quick'), uwsgi.mule_msg(b'slow'), uwsgi.signal(1))")
    srv.wait_log(r"\*\*\* HARAKIRI ON MULE 1 \(pid: \d+\) \*\*\*")
    srv.wait_log(r"\*\*\* HARAKIRI ON WORKER 1 ")
    assert srv.log().count("HARAKIRI ON MULE") == 1


def test_hook_as_mule(server, tmp_path):
    srv = server(app=ASKED, args=["--master", "--mules", "2", "--hook-as-mule", f"exec:echo mule >> {tmp_path}/hooked"])
    wait_until(lambda: (tmp_path / "hooked").exists() and (tmp_path / "hooked").read_text() == "mule\n" * 2, srv.seconds(10))


STUCK = ASKED + """
import signal
def got(message):
    print("BEGIN", flush=True)
    while not os.path.exists("go"): time.sleep(0.01)
    print("FINISHED", flush=True)
uwsgi.mule_msg_hook = got
"""


def stuck_mule(server, args, allow=("NO MERCY",)):
    """A server whose mule is inside a message, and the mule."""
    srv = server(app=STUCK, args=["--master", "--mule", *args], allow=list(allow))
    mule, = mule_pids(srv)
    ask(srv, "uwsgi.mule_msg(b'x')")
    srv.wait_log("^BEGIN$")
    return srv, mule


def test_at_a_stop_a_mule_has_its_own_mercy(server):
    srv, mule = stuck_mule(server, ["--mule-reload-mercy", "1", "--worker-reload-mercy", "600"])
    srv.signal(signal.SIGTERM)
    srv.ended(0)
    assert f"mule 1 (pid: {mule}) is taking too much time to die...NO MERCY !!!" in srv.log()


def test_at_a_reload_an_old_mule_keeps_its_own_mercy(server):
    srv, mule = stuck_mule(server, ["--mule-reload-mercy", "1", "--worker-reload-mercy", "600"])
    srv.signal(signal.SIGHUP)
    srv.wait_log(rf"\(pid: {mule}\) is taking too much time to die")
    assert mule_pids(srv, 2)[1] != mule


def test_harakiri_goes_on_over_a_reload(server):
    """What was overdue before is overdue after it, and new mules are watched, too."""
    srv, mule = stuck_mule(server, ["--mule-harakiri", "2", "--mule-reload-mercy", "600"], allow=["NO MERCY", "OOOPS"])
    srv.signal(signal.SIGHUP)
    srv.wait_log(rf"\(pid: {mule}\)")
    wait_until(lambda: not alive(mule), srv.seconds(20), "the old mule to be killed")
    second = mule_pids(srv, 2)[1]
    ask(srv, "uwsgi.mule_msg(b'x')")
    srv.wait_log(rf"\*\*\* HARAKIRI ON MULE 1 \(pid: {second}\) \*\*\*")
