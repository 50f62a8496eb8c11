# SPDX-License-Identifier: Apache-2.0
"""User signals: who gets them, who may register, what happens when processes end."""
import os
import re
import signal
import socket
from pathlib import Path

import pytest

from support import processes
from support.asking import ASKED, ask
from support.processes import LEAST, wait_until

HANDLER = '''
import os, sys, uwsgi
def told(number):
    os.write(1, b"HANDLED %d by worker %d mule %d\\n" % (number, uwsgi.worker_id(), uwsgi.mule_id()))
''' + ASKED

# Handlers that wait for the file "go".
GATED = HANDLER + '''
def gated(number):
    os.write(1, b"BEGUN %d\\n" % number)
    while not os.path.exists("go"): time.sleep(0.01)
    told(number)
'''

TARGETS = HANDLER + '''
for number, target in enumerate(["", "worker", "worker0", "workers", "active-workers", "worker2", "mule", "mule1", "mules",
                                 "farm_fa", "farm1", "subscribed", "bogus", "worker9", "mule9"]):
    uwsgi.register_signal(number, target, told)
'''
MULES = ["--master", "--processes", "2", "--mules", "3", "--farm", "fa:3"]


def handled(srv, number):
    """(worker, mule) of each run of the handler so far, sorted."""
    return sorted((int(w), int(m)) for w, m in re.findall(rf"^HANDLED {number} by worker (\d+) mule (\d+)$", srv.log(), re.M))


def wait_handled(srv, number, count=1):
    wait_until(lambda: len(handled(srv, number)) >= count, srv.seconds(10), f"{count} runs of {number}:\n{srv.log()[-2000:]}")
    return handled(srv, number)


@pytest.fixture(scope="module")
def targets(module_server):
    return module_server(app=TARGETS, args=MULES)


@pytest.mark.parity
@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_worker(targets, number):
    assert ask(targets, f"uwsgi.signal({number})") == "None"
    assert wait_handled(targets, number)[0] in [(1, 0), (2, 0)]


@pytest.mark.parity
@pytest.mark.parametrize("number, receivers", [
    (3, [(1, 0), (2, 0)]), (4, [(1, 0), (2, 0)]), (5, [(2, 0)]), (7, [(0, 1)]), (8, [(0, 1), (0, 2), (0, 3)]),
    (9, [(0, 3)]), (10, [(0, 3)])])
def test_receivers(targets, number, receivers):
    ask(targets, f"uwsgi.signal({number})")
    assert wait_handled(targets, number, len(receivers)) == receivers


@pytest.mark.parity
def test_any_mule(targets):
    ask(targets, "uwsgi.signal(6)")
    assert wait_handled(targets, 6)[0] in [(0, 1), (0, 2), (0, 3)]


@pytest.mark.parity
@pytest.mark.parametrize("number, line", [(12, r"\^\^\^ UNSUPPORTED SIGNAL TARGET: bogus \^\^\^"),
                                          (13, "invalid signal target: worker9"), (14, "invalid signal target: mule9")])
def test_target_that_nobody_is(targets, number, line):
    ask(targets, f"uwsgi.signal({number})")
    targets.wait_log(line)
    assert handled(targets, number) == []


@pytest.mark.parity
def test_registration_is_told(targets):
    assert "[uwsgi-signal] signum 0 registered (wid: 0 modifier1: 0 target: default, any worker)" in targets.log()
    assert "[uwsgi-signal] signum 3 registered (wid: 0 modifier1: 0 target: workers)" in targets.log()


@pytest.mark.parity
def test_registered(targets):
    assert ask(targets, "[uwsgi.signal_registered(n) for n in (0, 200, 256)]") == "[True, None, True]"
    assert ask(targets, "uwsgi.signal_received()") == "0"


@pytest.mark.parity
def test_a_number_without_handler(targets):
    ask(targets, "uwsgi.signal(99)")
    targets.wait_log(r"error managing signal 99 on worker [12]")


def test_numbers_that_are_none(targets):
    for call in ("uwsgi.signal(256)", "uwsgi.signal(-1)", "uwsgi.register_signal(300, '', told)"):
        assert "ValueError" in ask(targets, call)
    assert "ValueError" in ask(targets, "uwsgi.register_signal(1, '', None)")


@pytest.mark.parity
def test_a_handler_that_raises(server):
    srv = server(app=HANDLER + "\ndef bad(number):\n    1 / 0\nuwsgi.register_signal(1, '', bad)\n"
                               "uwsgi.register_signal(2, '', told)\n", args=["--master"])
    srv.allow("Traceback")
    ask(srv, "uwsgi.signal(1)")
    srv.wait_log("ZeroDivisionError: division by zero")
    srv.wait_log("error managing signal 1 on worker 1")
    ask(srv, "uwsgi.signal(2)")
    wait_handled(srv, 2)


@pytest.mark.parity
def test_the_master_registers_once(server):
    srv = server(app=HANDLER + '''
uwsgi.register_signal(1, "", told)
try:
    uwsgi.register_signal(1, "", told)
except ValueError as problem:
    print("SECOND", problem, flush=True)
''', args=["--master"])
    srv.wait_log("^SECOND unable to register signal$")
    assert "[uwsgi-signal] you cannot re-register a signal as the master !!!" in srv.log()


def test_without_a_master(server):
    srv = server(app=HANDLER)
    assert "unable to register signal" in ask(srv, "uwsgi.register_signal(1, '', told)")
    assert "you cannot register signals without a master" in srv.log()
    assert "ValueError" in ask(srv, "uwsgi.signal(1)")


def test_a_handler_of_one_worker_ends_with_it(server):
    """What a worker registers while it serves is its own: its replacement has none, and nothing crashes."""
    srv = server(app=HANDLER, args=["--master", "--processes", "3"])
    worker, pid = eval(ask(srv, "(uwsgi.register_signal(7, '', told), uwsgi.worker_id(), os.getpid())[1:]"))
    for count in (1, 2, 3):
        ask(srv, "uwsgi.signal(7)")
        assert wait_handled(srv, 7, count) == [(worker, 0)] * count
    srv.allow("DAMN")
    os.kill(pid, signal.SIGKILL)
    srv.wait_log(f"Respawned uWSGI worker {worker} ")
    ask(srv, "uwsgi.signal(7)")
    srv.wait_log(r"error managing signal 7 on worker \d")
    assert len(handled(srv, 7)) == 3
    assert srv.log().count("DAMN") == 1


def test_handlers_of_the_master_survive_workers(server):
    srv = server(app=TARGETS, args=MULES)
    srv.allow("DAMN", "OOOPS")
    children = wait_until(lambda: len(found := srv.workers()) == 5 and found, what="two workers and three mules")
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    srv.wait_log("Respawned uWSGI worker", count=2)
    srv.wait_log("OOOPS mule", count=3)
    ask(srv, "uwsgi.signal(3)")
    assert wait_handled(srv, 3, 2) == [(1, 0), (2, 0)]
    ask(srv, "uwsgi.signal(8)")
    assert wait_handled(srv, 8, 3) == [(0, 1), (0, 2), (0, 3)]


def test_lazy_registrations_reach_whom_they_name(server):
    srv = server(app=HANDLER + "\nuwsgi.register_signal(1, 'workers', told)\n",
                 args=["--master", "--processes", "2", "--lazy-apps"])
    srv.wait_log(r"\[uwsgi-signal\] signum 1 registered \(wid: 2")
    srv.wait_log(r"\[uwsgi-signal\] signum 1 registered \(wid: 1")
    ask(srv, "uwsgi.signal(1)")
    assert wait_handled(srv, 1, 2) == [(1, 0), (2, 0)]


def test_signals_do_not_wait_for_a_worker_that_is_taken_away(server):
    """With cheaper, those that it still had to run go to the others, and later ones do not go to it at all."""
    srv = server(app=GATED + "\nuwsgi.register_signal(1, '', gated)\n",
                 args=["--master", "--processes", "3", "--cheaper", "1", "--cheaper-initial", "2", "--cheaper-algo", "manual",
                       "--lazy-apps", "--master-fifo", "{folder}/fifo"])
    for worker in 1, 2:
        srv.wait_log(rf"\[uwsgi-signal\] signum 1 registered \(wid: {worker}")
    ask(srv, "[uwsgi.signal(1) for i in range(6)]")
    srv.wait_log("^BEGUN 1$", count=2)
    (srv.folder / "fifo").write_text("-")
    (srv.folder / "go").touch()
    srv.wait_log(r"^uWSGI worker \d cheaped\.$")
    ask(srv, "[uwsgi.signal(1) for i in range(9)]")
    wait_handled(srv, 1, 15)


@pytest.mark.parity
def test_signals_wait_while_a_worker_is_busy(server):
    srv = server(app=HANDLER + "\nuwsgi.register_signal(1, 'worker1', told)\n", args=["--master"])
    ask(srv, "[uwsgi.signal(1) for i in range(5)], print('SENT', flush=True)")
    wait_handled(srv, 1, 5)
    assert srv.log().index("SENT") < srv.log().index("HANDLED")


def test_signals_that_wait_survive_a_reload(server):
    srv = server(app=GATED + """
for number, target in enumerate(["", "worker1", "mule", "mule1", "farm_fa"]): uwsgi.register_signal(number, target, gated)
""", args=["--master", "--mule", "--farm", "fa:1"])
    ask(srv, "[uwsgi.signal(number) for i in range(5) for number in range(5)]")
    srv.wait_log("^BEGUN", count=2)
    srv.signal(signal.SIGHUP)
    srv.wait_log("spawned uWSGI worker 1", count=2)
    (srv.folder / "go").touch()
    for number in range(5):
        wait_handled(srv, number, 5)
    ask(srv, "[uwsgi.signal(number) for number in range(5)]")
    for number in range(5):
        assert len(wait_handled(srv, number, 6)) == 6, "nothing is run twice"


def test_signals_that_wait_for_what_a_reload_takes_away(server):
    """Those of a worker are for the other ones. Those of the last mule are told to be lost."""
    srv = server(app=GATED + """
for number, target in enumerate(["worker2", "mule1", "farm_fa"]): uwsgi.register_signal(number, target, gated)
""", ini="[uwsgi]\nmaster = true\nprocesses = 2\nmules = 1\nfarm = fa:1\n")
    ask(srv, "[uwsgi.signal(number) for i in range(3) for number in range(3)]")
    srv.wait_log("^BEGUN", count=2)
    srv.ini_path.write_text("[uwsgi]\nmaster = true\n")
    srv.signal(signal.SIGHUP)
    srv.wait_log("spawned uWSGI worker 1", count=2)
    (srv.folder / "go").touch()
    wait_handled(srv, 0, 3)
    srv.wait_log(r"^\*\*\* user signals that waited for a mule are lost, as there is none any more: 5 \*\*\*$")
    assert len(handled(srv, 1) + handled(srv, 2)) == 1 and len(handled(srv, 0)) == 3


def test_threads_take_signals(server):
    srv = server(app=HANDLER + "\nuwsgi.register_signal(1, '', told)\n", args=["--master", "--threads", "4"])
    ask(srv, "[uwsgi.signal(1) for i in range(200)]")
    wait_handled(srv, 1, 200)
    wait_until(lambda: ask(srv, "uwsgi.workers()[0]['signals']") == "200", what="all of them to be counted")


def test_a_full_queue_is_told_once(server):
    srv = server(app=HANDLER + '''
def busy(number):
    while not os.path.exists("go"): time.sleep(0.01)
uwsgi.register_signal(1, "worker2", busy)
''', args=["--master", "--processes", "2", "--signal-bufsize", "4096"])
    ask(srv, "uwsgi.signal(1)")
    wait_until(lambda: ask(srv, "[w['status'] for w in uwsgi.workers() if w['id'] == 2]") == "[b'sig1']", srv.seconds(10))
    for _ in range(3):
        ask(srv, "[uwsgi.signal(1) for i in range(2000)]")
    srv.wait_log(r"\*\*\* SIGNAL QUEUE IS FULL: buffer size 4096 bytes \(you can tune it with --signal-bufsize\) \*\*\*")
    (srv.folder / "go").touch()
    wait_until(lambda: int(ask(srv, "[w['signals'] for w in uwsgi.workers() if w['id'] == 2][0]")) == 4097, srv.seconds(20))
    assert srv.log().count("SIGNAL QUEUE IS FULL") == 1


def test_status_shows_the_signal(server):
    srv = server(app=HANDLER + '''
import time
def slow(number):
    while not os.path.exists("go"): time.sleep(0.01)
uwsgi.register_signal(42, "worker1", slow)
''', args=["--master", "--processes", "2"])
    ask(srv, "uwsgi.signal(42)")
    wait_until(lambda: ask(srv, "[w['status'] for w in uwsgi.workers() if w['id'] == 1]") == "[b'sig42']", srv.seconds(10))
    (srv.folder / "go").touch()
    wait_until(lambda: ask(srv, "uwsgi.workers()[0]['signals']") == "1", srv.seconds(10))


@pytest.mark.parity
def test_signal_wait(server):
    srv = server(app=HANDLER + "\nuwsgi.register_signal(1, 'worker1', told)\nuwsgi.register_signal(2, 'worker1', told)\n",
                 args=["--master"])
    assert ask(srv, "uwsgi.signal(1), uwsgi.signal(2), uwsgi.signal_wait(2), uwsgi.signal_received()") == "(None, None, b'', 2)"
    assert wait_handled(srv, 1) == wait_handled(srv, 2)
    assert ask(srv, "uwsgi.signal_received()") == "0"


def test_harakiri_ends_a_handler(server):
    srv = server(app=HANDLER + "\nimport time\nuwsgi.register_signal(1, '', lambda n: time.sleep(60))\n",
                 args=["--master", "--harakiri", "4"])
    srv.allow("DAMN", "NO MERCY")
    ask(srv, "uwsgi.signal(1)")
    srv.wait_log("HARAKIRI ON WORKER 1")
    srv.wait_log("Respawned uWSGI worker 1")
    assert ask(srv, "1 + 1") == "2"


@pytest.fixture
def remote(server):
    return server(app=HANDLER + "\nuwsgi.register_signal(17, '', told)\n", args=["--master", "--remote-services", "signal"], front="socket")


def exchange(srv, packet):
    with socket.create_connection(srv.address, LEAST) as client:
        client.sendall(packet)
        return client.recv(16)


def test_remote_signals(remote, server):
    assert exchange(remote, bytes([110, 0, 0, 17])) == b"\xff\0\0\1"
    wait_handled(remote, 17)
    near = server(app=HANDLER)
    assert ask(near, f"uwsgi.signal(17, '127.0.0.1:{remote.port}')") == "None"
    wait_handled(remote, 17, 2)
    done = remote.program.run("--signal", f"127.0.0.1:{remote.port},17")
    assert done.returncode == 0, done.stdout
    wait_handled(remote, 17, 3)


def test_remote_signals_only_where_they_are_wanted(server, program):
    srv = server(app=HANDLER, args=["--master"], front="socket")
    srv.allow("signal")
    assert program.run("--signal", f"127.0.0.1:{srv.port},17").returncode == 1


def test_remote_signals_that_nobody_takes(server, program):
    near = server(app=HANDLER)
    assert ask(near, "uwsgi.signal(17, '127.0.0.1:1')").startswith('"OSError: unable to deliver signal 17 to node 127.0.0.1:1') or \
        ask(near, "uwsgi.signal(17, '127.0.0.1:1')").startswith("'OSError: unable to deliver signal 17 to node 127.0.0.1:1")
    assert program.run("--signal", "127.0.0.1:1,17").returncode == 1
    for bad in ("127.0.0.1:1", "127.0.0.1:1,256", "x"):
        done = program.run("--signal", bad)
        assert done.returncode == 1 and "--signal" in done.stdout, done.stdout


def ignores_broken_pipes(pid):
    ignored = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())[1]
    return int(ignored, 16) & 1 << signal.SIGPIPE - 1 != 0


@pytest.mark.parametrize("args, count", [([], 5), (["--lazy-apps"], 4)], ids=["eager", "lazy"])
def test_a_broken_pipe_kills_nobody(server, args, count):
    """Whose other end was closed overnight: an exception, in every process and at all times."""
    srv = server(app="""
import socket
def use_what_is_closed():
    ours, theirs = socket.socketpair()
    theirs.close()
    try: ours.send(b"x")
    except BrokenPipeError: print("broken pipe", flush=True)
use_what_is_closed()
import uwsgi
uwsgi.post_fork_hook = use_what_is_closed
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
""", args=["--master", "--processes", "2", "--mule", "--spooler", "{folder}/spool", "--log-master", *args])
    assert srv.get("/").text == "ok"
    srv.wait_log("broken pipe", count=count)
    children = processes.children(srv.pid)
    assert len(children) == 5 and all(ignores_broken_pipes(pid) for pid in children)


def test_a_program_that_is_started_is_ended_by_a_broken_pipe(server):
    srv = server(app="hello", args=["--master", "--attach-daemon", "exec sleep 1000"])
    daemon = wait_until(lambda: [pid for pid in processes.children(srv.pid) if Path(f"/proc/{pid}/cmdline").read_text().startswith("sleep")])
    assert not ignores_broken_pipes(daemon[0])
