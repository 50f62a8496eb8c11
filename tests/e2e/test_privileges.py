# SPDX-License-Identifier: Apache-2.0
"""When privileges are dropped, and what else a process does to itself: priority, processors, limits, files of a dead server."""
import os
import re
import signal
import socket

import pytest

from support import processes
from support.processes import wait_until

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
