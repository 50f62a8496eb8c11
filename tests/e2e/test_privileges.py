# SPDX-License-Identifier: Apache-2.0
"""When privileges are dropped, and what else a process does to itself: priority, processors, limits, files of a dead server."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from support import processes
from support.processes import wait_until
from support.server import Program

root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
NOBODY, NOGROUP = 65534, 65534


def uids(pid):
    """The user of a process, which is what may signal it and what it may do."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"^Uid:\s+\d+\s+(\d+)", status.read(), re.M)[1])


def capabilities(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"^CapPrm:\s+(\w+)", status.read(), re.M)[1], 16)


@root
@pytest.mark.parametrize("args, loaded_by, master", [
    ([], NOBODY, NOBODY),
    (["--chown-socket", "nobody"], NOBODY, NOBODY),
    (["--drop-after-init"], NOBODY, NOBODY),
    (["--drop-after-apps"], 0, NOBODY),
    (["--master-as-root"], 0, 0)])
def test_who_is_whom(server, args, loaded_by, master):
    srv = server(app="identity", args=["--master", "--uid", "nobody", "--gid", "nogroup", *args])
    assert srv.get("/").text == f"{loaded_by} {NOBODY} {NOGROUP}"
    assert uids(srv.pid) == master
    assert [uids(pid) for pid in srv.workers()] == [NOBODY]


@root
def test_a_reload_keeps_the_master_root(server):
    srv = server(app="identity", args=["--master", "--uid", "nobody", "--master-as-root"])
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"^spawned uWSGI worker 1", count=2)
    wait_until(lambda: srv.get("/").text.startswith(f"0 {NOBODY}"), 10, "the new worker")
    assert uids(srv.pid) == 0


@root
def test_a_reload_may_become_another_user(server):
    srv = server(app="identity", front="none", ini="[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nmaster = true\n")
    [old] = srv.workers()
    assert srv.get("/").text.startswith("0 0 ")
    srv.ini_path.write_text(srv.ini_path.read_text() + "uid = nobody\n")
    srv.signal(signal.SIGHUP)
    wait_until(lambda: not processes.alive(old), srv.seconds(15), "the end of root's worker, whom nobody could signal otherwise")
    assert srv.get("/").text.startswith(f"{NOBODY} {NOBODY} ")
    assert uids(srv.pid) == NOBODY
    for pid in [srv.pid, *srv.workers()]:
        wait_until(lambda pid=pid: capabilities(pid) == 0, srv.seconds(5), "the right to signal others to be given up")


@pytest.fixture
def public():
    """A folder that every user may read, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="uwsgi-public-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


HANGS = """
import os, time
def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/hang":
        open({began!r}, "w").close()
        time.sleep(600)
    return [str(os.getuid()).encode()]
"""


@root
def test_a_second_reload_can_still_end_what_root_has_left(server, public):
    began, ini = public / "began", public / "uwsgi.ini"
    (public / "hangs.py").write_text(HANGS.format(began=str(began)))
    ini.write_text("[uwsgi]\nworker-reload-mercy = 15\n")
    srv = server(args=["--master", "--wsgi-file", public / "hangs.py", "--ini", ini], allow=["NO MERCY"])
    [old] = srv.workers()
    waiting = srv.connect()
    waiting.send(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(began.exists, srv.seconds(10), "the request that hangs")
    ini.write_text(ini.read_text() + "uid = nobody\n")
    for count in (1, 2):
        srv.signal(signal.SIGHUP)
        srv.wait_log(r"gracefully \(RE\)spawned", count=count)
        srv.wait_log(r"^spawned uWSGI worker 1", count=count + 1)
        assert srv.get("/").text == str(NOBODY)
    assert processes.alive(old)
    wait_until(lambda: not processes.alive(old), srv.seconds(20), "the end of root's worker")
    waiting.close()
    wait_until(lambda: capabilities(srv.pid) == 0, srv.seconds(5), "the end of the right to signal")
    wait_until(lambda: [capabilities(pid) for pid in srv.workers()] == [0], what="workers without it")


@root
def test_a_worker_that_left_root_ends_with_its_master(server):
    """The kernel forgets the death signal of a process that becomes another user."""
    srv = server(app="workers", args=["--master", "--uid", "nobody", "--master-as-root", "--no-orphans"])
    [worker] = srv.workers()
    with srv.connect() as connection:
        connection.send(b"GET /wait?/nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log(r"^waiting in ")
        os.kill(srv.pid, signal.SIGKILL)
        wait_until(lambda: not processes.alive(worker), srv.seconds(5), "the end of the worker")
    srv.ended(-signal.SIGKILL)


@root
def test_additional_groups(server):
    srv = server(app="identity", args=["--master", "--uid", "nobody", "--gid", "nogroup", "--add-gid", "adm", "--add-gid", "1234"])
    groups = srv.get("/groups").text.split()
    assert "4" in groups and "1234" in groups and "0" not in groups


@root
@pytest.mark.parametrize("kind", ["", "immediate-"], ids=["ordinary", "immediate"])
def test_the_groups_of_root_stay_behind(server, program, tmp_path, kind):
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv --groups 0,4,6 {program.path} "$@"\n')
    wrapper.chmod(0o755)
    srv = server(app="identity", program=Program(wrapper), args=[f"--{kind}uid", NOBODY, f"--{kind}gid", NOGROUP])
    assert srv.get("/groups").text == str(NOGROUP)


@root
@pytest.mark.parametrize("options", [["--uid", "no-such-user"], ["--gid", "no-such-group"]])
def test_a_name_that_nobody_has(program, options):
    done = program.run("--http-socket", "127.0.0.1:0", *options)
    assert done.returncode == 1 and f"{options[0][2:]}: there is no" in done.stdout and options[1] in done.stdout


@pytest.mark.parity
def test_processors_of_workers(server):
    srv = server(app="hello", args=["--master", "--processes", "2", "--cpu-affinity", "1"])
    srv.wait_log(r"^mapping worker 2 to CPUs: \d+$")
    srv.wait_log(r"^mapping worker 1 to CPUs: \d+$")
    bound = [os.sched_getaffinity(pid) for pid in srv.workers()]
    assert all(len(cpus) == 1 for cpus in bound)
    if len(os.sched_getaffinity(srv.pid)) > 1:
        assert bound[0] != bound[1]


@pytest.mark.parity
def test_priority(server):
    srv = server(app="hello", args=["--master", "--prio", "5"])
    srv.wait_log(r"^scheduler priority set to 5$")
    srv.wait_log(r"^spawned uWSGI worker 1")
    assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in [srv.pid, *srv.workers()]} == {5}


def test_a_priority_must_be_a_number(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--prio", "high")
    assert done.returncode == 1 and "prio = high" in done.stdout and "command line" in done.stdout


@pytest.mark.crashes
@pytest.mark.parity
def test_limits(server):
    srv = server(app="hello", args=["--master", "--limit-as", "2048", "--max-fd", "512"])
    with open(f"/proc/{srv.workers()[0]}/limits") as limits:
        text = limits.read()
    assert re.search(r"^Max address space\s+2147483648 ", text, re.M)
    assert re.search(r"^Max open files\s+512 ", text, re.M)


# -- what a killed server has left


def test_the_next_start_takes_over_what_a_killed_one_left(server, program):
    args = ["--master", "--pidfile", "{folder}/pid", "--master-fifo", "{folder}/fifo", "--vacuum"]
    srv = server(app="hello", front="unix", args=args, exit_status=-9)
    srv.wait_log(r"^spawned uWSGI worker 1")
    wait_until((srv.folder / "fifo").exists, 10, "the fifo")
    workers = srv.workers()
    srv.signal(signal.SIGKILL)
    srv.ended(-9)
    for pid in workers:
        wait_until(lambda: not processes.alive(pid), 20, "the end of its worker")
    assert (srv.folder / "app.sock").exists() and (srv.folder / "pid").exists()

    again = server(app="hello", front="none",
                   args=["--socket", srv.unix_path] + [arg.replace("{folder}", str(srv.folder)) for arg in args], ready=False)
    again.wait_log(r"^spawned uWSGI worker 1")
    assert (srv.folder / "pid").read_text() == f"{again.pid}\n"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(srv.unix_path)
    again.stop()
    assert not [path for path in srv.folder.iterdir() if path.suffix == ".sock" or path.name in ("pid", "fifo")]


JAILED = """
import os
def application(environ, start_response):
    start_response("200 OK", [])
    return [" ".join([os.getcwd(), *os.listdir("/")]).encode()]
"""


@root
def test_a_jail_has_walls(server, tmp_path):
    jail = tmp_path / "jail"
    jail.mkdir()
    (jail / "inside").touch()
    srv = server(app=JAILED, args=["--master", "--chroot", jail, "--uid", "nobody", "--drop-after-apps"])
    srv.wait_log(rf"^chroot\(\) to {re.escape(str(jail))}$")
    assert srv.get("/").text == "/ inside", "also the working directory lies inside"
    assert {os.readlink(f"/proc/{pid}/root") for pid in [srv.pid, *srv.workers()]} == {str(jail)}
    workers = srv.workers()
    srv.signal(signal.SIGHUP)
    srv.wait_log("the reload has been given up")  # there is no program in the jail
    assert srv.workers() == workers and srv.get("/").status == 200


@root
@pytest.mark.parametrize("line, message", [
    ("chroot = /nowhere/at/all", "chroot /nowhere/at/all"),
    ("cap = kill,nosuch", "cap: unknown capability: nosuch"),
    ("unshare = net", 'option "unshare" (uwsgi.ini:2)'),
    ("cgroup = /sys/fs/cgroup/x", "less confined than it seems"),
    ("namespace = /jail", "less confined than it seems")])
def test_who_cannot_be_confined_does_not_start(program, tmp_path, line, message):
    (tmp_path / "uwsgi.ini").write_text(f"[uwsgi]\n{line}\nhttp-socket = 127.0.0.1:0\n")
    done = program.run("--ini", "uwsgi.ini", cwd=tmp_path)
    assert done.returncode == 1 and message in done.stdout, done.stdout


@root
def test_a_jail_needs_root(program, tmp_path):
    done = subprocess.run(program.command(["--chroot", "/", "--http-socket", "127.0.0.1:0"]), env=program.environment(), user="nobody",
                          cwd="/", capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "chroot: cannot chroot() as non-root user" in done.stdout + done.stderr


@root
def test_capabilities_are_kept_also_by_a_reload(server):
    srv = server(app="identity", args=["--master", "--uid", "nobody", "--cap", "net_bind_service,fowner"])
    expected = 1 << 10 | 1 << 3
    assert {capabilities(pid) for pid in [srv.pid, *srv.workers()]} == {expected}
    workers = srv.workers()
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"gracefully \(RE\)spawned")
    wait_until(lambda: srv.workers() and not set(workers) & set(srv.workers()), srv.seconds(15), "new workers")
    wait_until(lambda: {capabilities(pid) for pid in [srv.pid, *srv.workers()]} == {expected}, what="the right to signal to be given up")
    assert srv.get("/").text.startswith(f"{NOBODY} ")
