# SPDX-License-Identifier: Apache-2.0
"""Master and workers: start, respawn, stop, limits, files, identity."""
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from support import processes
from support.http import Closed
from support.load import Load
from support.processes import wait_until
from support.server import APPS

MASTER = ["--master", "--processes", "2"]


def pids(srv, count=2):
    """The workers, once there are as many as expected."""
    return wait_until(lambda: (found := processes.children(srv.pid)) and len(found) == count and found, what=f"{count} workers")


def waiting(srv, connection, go):
    """Sends a request that waits for the file `go` and returns when the application has it."""
    before = srv.log().count("waiting in")
    connection.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: srv.log().count("waiting in") > before, srv.seconds(10), "the request to begin")


# -- start


@pytest.mark.parity
def test_lines_of_the_start(server):
    srv = server(app="hello", args=[*MASTER, "--threads", "2"])
    for pattern in (
            r"^\*\*\* Starting uWSGI \S+ \(64bit\) on \[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] \*\*\*$",
            r"^uwsgi socket 0 bound to TCP address 127\.0\.0\.1:\d+ fd \d+$",
            r"^\*\*\* Operational MODE: preforking\+threaded \*\*\*$",
            r"^WSGI app 0 \(mountpoint=''\) ready in \d+ seconds on interpreter 0x[0-9a-f]+ pid: \d+ \(default app\)$",
            rf"^spawned uWSGI master process \(pid: {srv.pid}\)$",
            r"^spawned uWSGI worker 1 \(pid: \d+, cores: 2\)$",
            r"^spawned uWSGI worker 2 \(pid: \d+, cores: 2\)$"):
        srv.wait_log(pattern)


@pytest.mark.parity
@pytest.mark.parametrize("args, mode", [
    ([], "single process"), (["--processes", "2", "--master"], "preforking"), (["--threads", "2"], "threaded")])
def test_operational_mode(server, args, mode):
    server(app="hello", args=args).wait_log(rf"^\*\*\* Operational MODE: {re.escape(mode)} \*\*\*$")


@pytest.mark.parity
def test_single_process_is_its_own_worker(server):
    srv = server(app="workers")
    srv.wait_log(rf"^spawned uWSGI worker 1 \(and the only\) \(pid: {srv.pid}, cores: 1\)$")
    srv.wait_log(r"WARNING: you are running uWSGI without its master process manager")
    assert srv.get("/").text == str(srv.pid)


@pytest.mark.parity
@pytest.mark.parametrize("option", ["--processes", "--workers", "-p"])
def test_number_of_workers(server, option):
    assert len(pids(server(app="hello", args=["--master", option, "3"]), 3)) == 3


@pytest.mark.parity
def test_threads_run_side_by_side(server):
    srv = server(app="workers", args=["--threads", "3"])
    go = srv.folder / "go"
    connections = [srv.connect() for _ in range(2)]
    for connection in connections:
        waiting(srv, connection, go)
    assert srv.get("/").status == 200, "the third thread is free"
    go.write_text("")
    for connection in connections:
        assert connection.response().status == 200
        connection.close()


def test_one_thread_runs_one_request_at_a_time(server):
    srv = server(app="workers")
    go = srv.folder / "go"
    with srv.connect() as first, srv.connect() as second:
        waiting(srv, first, go)
        second.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        go.write_text("")
        assert first.response().status == second.response().status == 200


# -- death and respawn


@pytest.mark.parity
def test_killed_worker_is_respawned(server):
    srv = server(app="workers", args=MASTER, allow=["DAMN"])
    victim = pids(srv)[0]
    os.kill(victim, signal.SIGKILL)
    srv.wait_log(rf"^DAMN ! worker \d+ \(pid: {victim}\) died, killed by signal 9 :\( trying respawn \.\.\.$")
    match = srv.wait_log(r"^Respawned uWSGI worker \d+ \(new pid: (\d+)\)$")
    assert int(match[1]) in pids(srv)
    assert srv.get("/").status == 200


def test_only_the_running_request_is_lost_with_a_worker(server):
    srv = server(app="workers", args=MASTER, allow=["DAMN"])
    pids(srv)
    with srv.connect() as connection:
        connection.send(b"GET /die HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.read_to_close() == b""
    for _ in range(10):
        assert srv.get("/").status == 200


@pytest.mark.parity
def test_exit_of_the_application_respawns(server):
    srv = server(app="workers", args=MASTER, allow=["DAMN"])
    with srv.connect() as connection:
        connection.send(b"GET /exit?7 HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.read_to_close()
    srv.wait_log(r"^DAMN ! worker \d+ \(pid: \d+\) died")
    srv.wait_log(r"^Respawned uWSGI worker")
    assert srv.get("/").status == 200


def test_workers_that_die_at_once_do_not_spin(server, inside):
    """A worker that cannot start is started again with pauses, and the master can be stopped all the while."""
    folder = inside({"dying.py": "import os\nos._exit(9)\n"})
    srv = server(args=[*MASTER, "--lazy-apps", "-w", "dying"], cwd=folder, allow=["DAMN"])
    srv.wait_log("respawning too fast", timeout=15)
    srv.stop()
    assert srv.log().count("DAMN") < 200


@pytest.mark.parity
def test_children_do_not_outlive_a_killed_master(server):
    srv = server(app="workers", args=MASTER, exit_status=-9)
    workers = pids(srv)
    os.kill(srv.pid, signal.SIGKILL)
    srv.ended(-9)
    wait_until(lambda: not any(processes.alive(pid) for pid in workers), 10, "the workers to go")


@pytest.mark.parity
def test_children_do_not_outlive_a_master_killed_while_they_work(server):
    srv = server(app="workers", args=[*MASTER, "--no-orphans"])
    workers = pids(srv)
    go = srv.folder / "never"
    with srv.connect() as connection:
        waiting(srv, connection, go)
        os.kill(srv.pid, signal.SIGKILL)
        srv.ended(-9)
        wait_until(lambda: not any(processes.alive(pid) for pid in workers), 10, "the workers to go")


def test_children_do_not_outlive_the_first_process_without_a_master(server):
    srv = server(app="workers", args=["--processes", "3"])
    others = wait_until(lambda: len(found := processes.children(srv.pid)) == 2 and found, what="the other workers")
    os.kill(srv.pid, signal.SIGKILL)
    srv.ended(-9)
    wait_until(lambda: not any(processes.alive(pid) for pid in others), 10, "the workers to go")


# -- stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("args", [MASTER, [], ["--threads", "2"]], ids=["master", "single", "threaded"])
def test_stop_signals(server, number, args):
    srv = server(app="workers", args=args)
    srv.get("/")
    srv.signal(number)
    srv.ended(0)


def test_stop_ends_with_goodbye(server):
    srv = server(app="workers", args=MASTER)
    srv.stop()
    srv.wait_log(r"^goodbye to uWSGI\.$")


@pytest.mark.parametrize("args", [MASTER, ["--master", "--threads", "2"], ["--threads", "2"], []],
                         ids=["master", "master-threads", "threads", "single"])
def test_stop_lets_running_requests_finish(server, args):
    srv = server(app="workers", args=args)
    go = srv.folder / "go"
    with srv.connect() as connection:
        waiting(srv, connection, go)
        srv.signal(signal.SIGTERM)
        go.write_text("")
        assert connection.response().status == 200
    srv.ended(0)


def test_stop_closes_the_listeners_at_once(server):
    """While the last requests finish, new clients are refused instead of being left waiting."""
    srv = server(app="workers", args=["--threads", "2"])
    go = srv.folder / "go"
    with srv.connect() as connection:
        waiting(srv, connection, go)
        srv.signal(signal.SIGTERM)
        wait_until(lambda: not srv.accepts(), srv.seconds(10), "the listeners to close")
        go.write_text("")
        assert connection.response().status == 200
    srv.ended(0)


def test_stop_ends_idle_connections(server):
    srv = server(app="workers", args=MASTER)
    with srv.connect() as connection:
        connection.get("/")
        srv.signal(signal.SIGTERM)
        assert connection.is_closed()
        srv.ended(0)


def test_stop_has_a_limit(server):
    """worker-reload-mercy: who does not finish in time is killed."""
    srv = server(app="workers", args=[*MASTER, "--worker-reload-mercy", "1"], allow=["NO MERCY", "DAMN"])
    with srv.connect() as connection:
        waiting(srv, connection, srv.folder / "never")
        srv.signal(signal.SIGTERM)
        srv.ended(0)


def test_a_master_that_stood_still_blames_nobody_who_has_ended_in_time(server):
    srv = server(app="workers", args=["--master", "--worker-reload-mercy", "8"])
    worker, = pids(srv, 1)
    go = srv.folder / "go"
    with srv.connect() as connection:
        waiting(srv, connection, go)
        srv.signal(signal.SIGTERM)
        srv.wait_log("killing workers")
        told = time.monotonic()
        os.kill(srv.pid, signal.SIGSTOP)
        go.write_text("")
        assert connection.response().status == 200
    wait_until(lambda: not processes.alive(worker), what="the end of the worker")
    wait_until(lambda: time.monotonic() > told + 9, what="the end of its time")
    os.kill(srv.pid, signal.SIGCONT)
    srv.ended(0)


def test_atexit_runs_on_stop(server):
    srv = server(app="workers", args=["--master", "--threads", "2"])
    worker = srv.get("/").text
    srv.stop()
    assert f"atexit in {worker}" in srv.log()


@pytest.mark.forks_threads
def test_threads_that_an_application_leaves_running_keep_neither_a_stop_nor_a_reload(server, inside):
    """The master holds what was loaded before the fork, the trial of a reload too: neither waits for threads without end."""
    folder = inside({"threaded.py": "import atexit, threading\n"
                                    "threading.Thread(target=threading.Event().wait, daemon=False).start()\n"
                                    "atexit.register(lambda: print('atexit of the application', end=''))\n"
                                    "def application(e, s): s('200 OK', []); return []\n"})
    srv = server(args=[*MASTER, "-w", "threaded"], cwd=folder)
    srv.signal(signal.SIGHUP)
    srv.wait_log("gracefully \\(RE\\)spawned uWSGI master process")
    srv.wait_log("spawned uWSGI worker 1", count=2)
    assert srv.get("/").status == 200
    srv.stop()
    assert srv.log().endswith("atexit of the application"), "the master's, after everybody's"


@pytest.mark.parametrize("threads", [1, 2])
def test_signal_handlers_of_the_application_run_while_nothing_else_does(server, threads):
    """On the main thread, also when another one has taken over what comes meanwhile."""
    srv = server(app="""
import os, signal, threading, time
from pathlib import Path
signal.signal(signal.SIGALRM, lambda *_: print("handled", flush=True))
def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/wait":
        print("waiting", threading.current_thread() is threading.main_thread(), flush=True)
        while not Path(__file__).with_name("go").exists(): time.sleep(0.01)
    return [str(os.getpid()).encode()]
""", args=["--master", "--threads", threads])
    with srv.connect() as connection:
        connection.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("waiting True")
        if threads == 2:
            assert srv.get("/").status == 200
        (srv.folder / "go").write_text("")
        worker = int(connection.response().text)
    for count in (1, 2, 3):
        os.kill(worker, signal.SIGALRM)
        srv.wait_log("handled", count=count)


FORKS = """
import multiprocessing, os, time
def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] != "/fork": return [str(os.getpid()).encode()]
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    child.terminate()
    child.join()
    return [str(child.exitcode).encode()]
"""


@pytest.mark.forks_threads
def test_a_signal_for_what_a_request_has_forked_is_not_the_workers(server):
    srv = server(app=FORKS, args=["--master"])
    worker = srv.get("/").text
    assert srv.get("/fork").text == str(-signal.SIGTERM)
    assert srv.get("/").text == worker
    assert "killing worker" not in srv.log()


def test_a_signal_for_what_was_forked_at_the_import_is_not_the_masters(server):
    srv = server(app="""
import os, time
forked = os.fork()
if forked == 0:
    time.sleep(600)
    os._exit(0)
def application(environ, start_response):
    start_response("200 OK", [])
    return [str(forked).encode()]
""", args=MASTER)
    forked = int(srv.get("/").text)
    os.kill(forked, signal.SIGTERM)
    wait_until(lambda: not processes.alive(forked), what="its end")
    assert srv.get("/").status == 200


def test_a_daemon_thread_inside_a_file_wrapper_does_not_spoil_the_end(server):
    srv = server(app="""
import threading, time
class Endless:
    def read(self, size):
        time.sleep(0.001)
        return b"x"
def exhaust(wrapper):
    for _ in wrapper: pass
def application(environ, start_response):
    start_response("200 OK", [])
    threading.Thread(target=exhaust, args=(environ["wsgi.file_wrapper"](Endless()),), daemon=True).start()
    return [b"ok"]
""", args=MASTER)
    assert srv.get("/").text == "ok"
    srv.stop()
    assert "ended with signal" not in srv.log()


@pytest.mark.crashes
def test_what_a_function_has_no_memory_for_is_an_exception(server):
    srv = server(app="""
import uwsgi
def application(environ, start_response):
    start_response("200 OK", [])
    try:
        uwsgi.extract(__file__ + ".large")
    except MemoryError:
        return [b"no memory"]
""", args=["--master", "--limit-as", "512"])
    with open(srv.folder / "app_under_test.py.large", "wb") as large:
        large.truncate(2 << 30)
    assert srv.get("/").text == "no memory"
    assert "ended with signal" not in srv.log()


def test_stop_during_a_slow_start_is_not_lost(server, inside):
    folder = inside({"slow.py": "import sys, time\nprint('loading', file=sys.stderr, flush=True)\ntime.sleep(3)\n"
                                "def application(e, s): s('200 OK', []); return []\n"})
    srv = server(args=[*MASTER, "-w", "slow"], cwd=folder, ready=False)
    srv.wait_log("^loading$")
    srv.signal(signal.SIGTERM)
    srv.ended()
    assert srv.process.returncode in (0, 1, 30, -15)


def test_stop_by_pidfile(server, program):
    srv = server(app="hello", args=[*MASTER, "--pidfile", "{folder}/uwsgi.pid"])
    path = srv.folder / "uwsgi.pid"
    assert path.read_text() == f"{srv.pid}\n"
    done = program.run("--stop", path)
    assert done.returncode == 0, done.stdout
    srv.ended(0)


@pytest.mark.parametrize("content, word", [("", "pid"), ("0\n", "pid"), ("1\n", "pid"), ("-5\n", "pid"), ("abc\n", "pid")])
def test_senseless_pidfiles_are_refused(program, tmp_path, content, word):
    path = tmp_path / "bad.pid"
    path.write_text(content)
    for option in ("--stop", "--reload"):
        done = program.run(option, path)
        assert done.returncode != 0
        assert str(path) in done.stdout


@pytest.mark.parity
def test_pidfile_of_a_process_that_is_gone(program, tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / "gone.pid").write_text(f"{gone.pid}\n")
    assert program.run("--stop", tmp_path / "gone.pid").returncode != 0


@pytest.mark.parity
def test_missing_pidfile(program, tmp_path):
    done = program.run("--stop", tmp_path / "none.pid")
    assert done.returncode != 0 and "none.pid" in done.stdout


# -- files


def test_vacuum_removes_the_pidfile(server):
    srv = server(app="hello", args=["--master", "--vacuum", "--pidfile", "{folder}/a.pid"])
    path = srv.folder / "a.pid"
    srv.wait_log(r"^writing pidfile to .*/a\.pid$")
    assert path.exists()
    srv.stop()
    assert not path.exists()


@pytest.mark.parametrize("option", ["pidfile", "pidfile2", "safe-pidfile"])
def test_a_start_that_fails_gives_the_pidfile_back(server, program, option):
    """Somebody starts a server that runs already: the pidfile still names that one."""
    srv = server(app="hello", args=["--master", "--vacuum", f"--{option}", "{folder}/a.pid"])
    path = srv.folder / "a.pid"
    wait_until(lambda: path.exists() and path.read_text() == f"{srv.pid}\n", 5, "the pidfile")
    done = program.run("--http-socket", "127.0.0.1:0", "--master", f"--{option}", path, "--stats", "/nowhere/at/all", "--wsgi-file", APPS / "hello.py")
    assert done.returncode == 1, done.stdout
    assert path.read_text() == f"{srv.pid}\n"
    assert f"pidfile {path} names process {srv.pid} again" in done.stdout
    srv.stop()
    assert not path.exists()


def test_pidfile_has_a_safe_mode(server):
    srv = server(app="hello", args=["--master", "--pidfile", "{folder}/a.pid"])
    assert stat.S_IMODE((srv.folder / "a.pid").stat().st_mode) & 0o022 == 0


def test_daemonize(server):
    srv = server(app="workers", args=[*MASTER, "--daemonize", "{folder}/daemon.log", "--pidfile", "{folder}/d.pid"], ready=False)
    srv.log_files.append(srv.folder / "daemon.log")
    assert srv.wait() == 0, "the first process ends when the server is in the background"
    wait_until(srv.accepts, 10, "the daemon")
    pid = int(wait_until(lambda: (srv.folder / "d.pid").exists() and (srv.folder / "d.pid").read_text().strip(), what="the pidfile"))
    assert pid != srv.pid and processes.alive(pid)
    assert processes.stat(pid)[2] != os.getsid(0), "a session of its own"
    assert srv.get("/").status == 200
    srv.wait_log(r"^spawned uWSGI master process")
    os.kill(pid, srv.stop_signal)
    wait_until(lambda: not processes.alive(pid), 20, "the daemon to stop")
    srv.expected_status = 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parity
def test_uid_and_gid(server):
    srv = server(app="workers", args=[*MASTER, "--uid", "nobody", "--gid", "nogroup"])
    srv.wait_log(r"^setgid\(\) to 65534$")
    srv.wait_log(r"^setuid\(\) to 65534$")
    for pid in (srv.pid, *pids(srv)):
        text = open(f"/proc/{pid}/status").read()
        assert re.search(r"^Uid:\t65534\t65534\t65534\t65534$", text, re.M)
        assert re.search(r"^Gid:\t65534\t65534\t65534\t65534$", text, re.M)


@pytest.mark.parity
def test_unknown_user(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--uid", "no-such-user")
    assert done.returncode == 1 and "no-such-user" in done.stdout


@pytest.mark.parity
def test_umask(server, inside):
    folder = inside({"making.py": "import os\nfd = os.open('made', os.O_CREAT | os.O_WRONLY, 0o666)\n"
                                  "def application(e, s): s('200 OK', []); return []\n"})
    server(args=["--umask", "027", "-w", "making"], cwd=folder)
    assert stat.S_IMODE((folder / "made").stat().st_mode) == 0o640


# -- limits


@pytest.mark.parity
def test_max_requests_recycles_workers(server):
    srv = server(app="workers", args=["--master", "--max-requests", "5", "--min-worker-lifetime", "0"])
    first = srv.get("/").text
    for _ in range(6):
        srv.get("/")
    srv.wait_log(rf"The work of process {first} is done")
    srv.wait_log(r"^worker 1 killed successfully \(pid: \d+\)$")
    srv.wait_log(r"^Respawned uWSGI worker 1 \(new pid: \d+\)$")
    assert srv.get("/").text != first


def test_max_requests_loses_no_request(server):
    srv = server(app="workers", args=[*MASTER, "--max-requests", "50", "--min-worker-lifetime", "0"])
    with Load(srv, 4) as load:
        wait_until(load.after(400), srv.seconds(30), "400 answers")
    assert not load.failures
    assert len(load.bodies) > 2


@pytest.mark.parity
def test_harakiri_kills_a_worker_that_hangs(server):
    srv = server(app="workers", args=["--master", "--harakiri", "4"], allow=["DAMN"])
    first = srv.get("/").text
    with srv.connect(timeout=30) as connection:
        connection.send(b"GET /sleep?100 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.read_to_close() == b""
    srv.wait_log(rf"\*\*\* HARAKIRI ON WORKER 1 \(pid: {first}, try: 1\) \*\*\*$")
    srv.wait_log(r"HARAKIRI \[core 0\] .*- GET /sleep\?100")
    srv.wait_log(r"^Respawned uWSGI worker 1")
    assert srv.get("/").text != first


@pytest.mark.parity
def test_harakiri_spares_the_quick(server):
    srv = server(app="workers", args=["--master", "--harakiri", "10"])
    first = srv.get("/").text
    for _ in range(5):
        assert srv.get("/sleep?0.1").text == first


@pytest.mark.parity
def test_cpu_count_in_ini(server):
    srv = server(ini="[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nwsgi-file = {apps}/workers.py\nmaster = true\nprocesses = %k\n", front="none")
    assert len(pids(srv, os.cpu_count())) == os.cpu_count()


@pytest.mark.parity
def test_auto_procname(server):
    srv = server(app="hello", args=["--master", "--auto-procname"])
    worker = pids(srv, 1)[0]
    wait_until(lambda: open(f"/proc/{srv.pid}/cmdline").read().rstrip("\0 ") == "uWSGI master", what="the master's title")
    wait_until(lambda: open(f"/proc/{worker}/cmdline").read().rstrip("\0 ") == "uWSGI worker 1", what="the worker's title")


def test_a_worker_killed_under_load_costs_only_its_own_requests(server):
    srv = server(app="workers", args=[*MASTER, "--threads", "2"], allow=["DAMN"])
    victims = pids(srv)
    with Load(srv, 4) as load:
        wait_until(load.after(50), srv.seconds(20), "50 answers")
        os.kill(victims[0], signal.SIGKILL)
        srv.wait_log("^Respawned uWSGI worker")
        wait_until(lambda goal=load.answers + 100: load.answers >= goal, srv.seconds(20), "100 more answers")
    assert len(load.failures) <= 40, load.failures[:5]  # what the killed worker had accepted
    assert srv.get("/").status == 200


def test_master_survives_strange_signals(server):
    srv = server(app="hello", args=MASTER)
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGURG, signal.SIGCONT, signal.SIGPIPE):
        srv.signal(number)
    assert srv.get().status == 200
    assert "PAUSE" not in srv.log()
    assert processes.alive(srv.pid)


def test_client_that_leaves_is_no_fault_of_the_worker(server):
    srv = server(app="cases", allow=["Traceback"])
    for _ in range(5):
        with srv.connect() as connection:
            connection.send(b"GET /big_generator HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.socket.recv(100)
    assert srv.get("/one").body == b"one"
    with srv.connect() as connection:
        with pytest.raises(Closed):
            connection.send(b"GET /one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            connection.response()
            connection.response()
