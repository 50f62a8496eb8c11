# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a spool directory, and that the queue goes on."""
import ast
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from support import processes
from support.ask import app, value
from support.processes import wait_until
from support.spool import PREFIX, Spooled, failed_files, task_files, write_task

TRACEBACK = ["Traceback"]


@pytest.fixture
def spooled(server, tmp_path):
    return lambda *args, **more: Spooled(server, tmp_path, *args, **more)


def reason(path):
    return path.with_name(path.name + ".error").read_text()


def spooler_pids(run):
    return [pid for pid in ast.literal_eval(run.ask("uwsgi.spooler_pids()")) if pid]


def test_a_failed_task_is_tried_again_by_its_own_clock(spooled):
    run = spooled("spooler-frequency = 6", allow=TRACEBACK)
    run.call("tasks.fails(1)")
    run.wait_notes(1)
    for _ in range(5):  # each wakes the spooler
        run.call("tasks.add()")
    run.wait_notes(7)
    notes = [note[0] for note in run.notes()]
    assert notes.count("fails") == 2 and notes.index("add") < len(notes) - 1 - notes[::-1].index("fails")
    run.wait_empty()
    run.server.wait_log("RuntimeError: not this time")


@pytest.mark.parametrize("call, expected", [
    ("tasks.fails(99)", "RuntimeError: not this time"),
    ("tasks.exits()", "SystemExit: enough"),
    ("tasks.raw(ret='None')", "it has to return SPOOL_OK"),
    ("uwsgi.spool({'ud_spool_func': 'nobody'})", "there is no task function 'nobody' in this process"),
    ("uwsgi.spool({'ud_spool_func': 'add', 'args': 'junk', 'kwargs': 'junk'})", "UnpicklingError"),
])
def test_attempts_are_counted_and_the_traceback_kept(spooled, call, expected):
    run = spooled("spooler-max-attempts = 2", allow=TRACEBACK)
    path = run.call(call)
    failed, = run.wait_failed()
    assert failed.name == path.name and expected in reason(failed)
    run.server.wait_log(f"task {path.name} was not done in 2 attempts: it is set aside as {failed}")
    run.call("tasks.add()")
    wait_until(lambda: ("add", (), {}) in run.notes())


def test_attempts_survive_a_restart(server, tmp_path):
    ini = "spooler-max-attempts = 3"
    run = Spooled(server, tmp_path, ini, allow=TRACEBACK)
    run.call("tasks.fails(99)")
    run.wait_notes(1)
    wait_until(lambda: list((run.directory / ".attempts").glob(PREFIX + "*")))
    run.server.stop()
    again = Spooled(server, tmp_path, ini, allow=TRACEBACK)
    again.wait_failed()
    assert len(again.notes()) == 3


def test_three_deaths_set_a_task_aside(spooled):
    run = spooled(allow=TRACEBACK)
    path = run.call("tasks.dies()")
    failed, = run.wait_failed()
    assert failed.name == path.name and "died 3 times" in reason(failed)
    assert run.notes() == [("dies",)] * 3
    assert run.server.log().count("OOOPS the spooler is no more...trying respawn...") == 3
    run.call("tasks.add()")
    run.wait_notes(4)


@pytest.mark.parametrize("how", ["os._exit(3)", "sys.exit('enough')"])
def test_what_runs_for_ever_is_forgiven_by_each_good_run(spooled, how):
    run = spooled("spooler-max-attempts = 3", allow=TRACEBACK)
    path = run.call(f"tasks.forever_but({{'how': {how!r}}})")
    run.wait_notes(9, timeout=60)
    assert task_files(run.directory) == [path]


def test_three_deaths_among_several_processes(spooled):
    run = spooled("spooler-processes = 3", allow=TRACEBACK)
    run.call("tasks.dies()")
    run.wait_failed()
    assert run.notes() == [("dies",)] * 3


def test_a_signal_for_what_a_task_has_forked_is_not_the_spoolers(spooled):
    run = spooled()
    spooler, = spooler_pids(run)
    run.call("tasks.forks()")
    run.call("tasks.add()")
    assert run.wait_notes(2) == [("forked", -signal.SIGTERM), ("add", (), {})]
    assert spooler_pids(run) == [spooler]


def test_harakiri_counts_as_a_death(spooled):
    run = spooled("spooler-harakiri = 1")
    run.call("tasks.sleeps(600)")
    run.call("tasks.add()")
    run.server.wait_log(r"\*\*\* HARAKIRI ON THE SPOOLER \(pid: \d+\) \*\*\*")
    failed, = run.wait_failed(timeout=60)
    assert "died 3 times" in reason(failed)
    wait_until(lambda: ("add", (), {}) in run.notes(), what="the task behind it")


def test_user_harakiri_in_a_task(spooled):
    run = spooled()
    run.call("tasks.inside('uwsgi.set_user_harakiri(1) or time.sleep(600)')")
    run.server.wait_log(r"\*\*\* HARAKIRI ON THE SPOOLER \(pid: \d+\) \*\*\*")


def test_a_running_task_is_finished_on_stop(spooled):
    run = spooled()
    run.call("tasks.waits('x')")
    run.wait_notes(1)
    run.call("tasks.add()")
    run.server.signal(signal.SIGTERM)
    wait_until(lambda: not run.server.accepts(), what="everybody to be told")
    run.let_go()
    run.server.ended(0)
    assert [note[0] for note in run.notes()] == ["begin", "end"]
    assert len(task_files(run.directory)) == 1


def test_a_spooler_that_is_told_to_end_while_it_waits_begins_nothing(spooled):
    run = spooled()
    pid, = spooler_pids(run)
    run.server.wait_log("spawned the uWSGI spooler")
    os.kill(pid, signal.SIGSTOP)
    run.call("tasks.waits()")
    run.server.signal(signal.SIGTERM)
    wait_until(lambda: not run.server.accepts(), what="everybody to be told")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not processes.alive(pid) or run.notes(), what="its end, or a task")
    run.let_go()
    run.server.ended(0)
    assert run.notes() == [] and len(task_files(run.directory)) == 1


def test_a_running_task_is_finished_on_reload(spooled):
    run = spooled()
    run.call("tasks.sleeps(3, 'x')")
    run.wait_notes(1)
    run.server.signal(signal.SIGHUP)
    run.call("tasks.add()")
    notes = run.wait_notes(3, timeout=30)
    assert [note[0] for note in notes].count("begin") == 1 and ("end", "x") in notes
    run.wait_empty()


def test_a_task_cut_by_the_mercy_is_not_to_blame(server, tmp_path):
    run = Spooled(server, tmp_path, "worker-reload-mercy = 1\nreload-mercy = 1", allow=["NO MERCY"])
    run.call("tasks.sleeps(600, 'x')")
    run.wait_notes(1)
    run.server.stop()
    assert len(task_files(run.directory)) == 1
    again = Spooled(server, tmp_path, "worker-reload-mercy = 1\nreload-mercy = 1", allow=["NO MERCY"])
    again.wait_notes(2)
    assert "died" not in again.server.log()


def test_kill_of_everything_loses_nothing(server, tmp_path):
    run = Spooled(server, tmp_path, "spooler-processes = 2", exit_status=-9)
    run.call("tasks.sleeps(600, 'x')")
    run.call("tasks.add(at='4000000000')")
    run.wait_notes(1)
    everybody = [run.server.pid, *spooler_pids(run)]
    for number in signal.SIGSTOP, signal.SIGKILL:  # who learns of the master's death first is told to end by it
        for pid in everybody:
            os.kill(pid, number)
    run.server.wait()
    run.server.stop()
    assert len(task_files(run.directory)) == 2
    again = Spooled(server, tmp_path, "spooler-processes = 2", exit_status=None)
    again.server.wait_log(r"the process that ran task .* died \(1 of 3\)")
    again.wait_notes(2)
    again.server.signal(signal.SIGTERM)
    again.server.wait_log("killing workers")
    kill_spoolers(again)


def spooler_pids_of_log(server):
    return [int(pid) for pid in re.findall(r"spawned the uWSGI spooler on dir .* with pid (\d+)", server.log())]


def kill_spoolers(run):
    for pid in spooler_pids_of_log(run.server):
        if processes.alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_a_task_that_opens_its_own_file_keeps_the_lock(spooled):
    run = spooled("spooler-processes = 3")
    run.call(f"tasks.opens_itself({str(run.directory / '9')!r}, priority='9')")
    run.wait_notes(1)
    for _ in range(20):
        run.call("tasks.add()")
    run.wait_notes(21)
    assert [note[0] for note in run.notes()].count("opened") == 1
    run.let_go()
    run.wait_empty()


BAD_FILES = {
    "truncated": b"\x11\x40\x00\x00\x03\x00key", "foreign": b"#!/bin/sh\nexit 1\n", "hostile": b"\x11\x05\x00\x00\xff\xff\xff\xff\xff",
    "empty": b"",
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files_are_set_aside(spooled, kind):
    run = spooled()
    path = run.directory / (PREFIX + "h_1_1_1_1_1")
    beside = run.directory / "beside"
    beside.write_bytes(BAD_FILES[kind])
    beside.rename(path)
    run.call("tasks.add()")
    failed, = run.wait_failed()
    assert failed.read_bytes() == BAD_FILES[kind] and reason(failed)
    run.server.wait_log(f"task {path.name} is no task: ")
    assert run.wait_notes(1) == [("add", (), {})]


def test_the_name_of_a_file_forges_no_line_of_the_log(spooled):
    run = spooled()
    beside = run.directory / "beside"
    beside.write_bytes(BAD_FILES["truncated"])
    beside.rename(run.directory / (PREFIX + "h_1\n[forged]"))
    run.call("tasks.add()")
    run.wait_failed()
    run.server.wait_log(r"h_1\\x0a\[forged\] is no task: ")
    assert "\n[forged]" not in run.server.log()


def test_links_pipes_and_directories_are_left_alone(spooled):
    run = spooled()
    secret = run.directory.parent / "secret"
    secret.write_text("secret")
    (run.directory / (PREFIX + "link")).symlink_to(secret)
    os.mkfifo(run.directory / (PREFIX + "pipe"))
    (run.directory / (PREFIX + "dir")).mkdir()
    run.call("tasks.add()")
    run.wait_notes(1)
    run.call("tasks.add()")
    run.wait_notes(2)
    assert secret.read_text() == "secret" and not failed_files(run.directory)


def test_a_directory_that_cannot_be_used_ends_the_start(program, tmp_path):
    (tmp_path / "file").write_text("")
    done = program.run("--http-socket", ":0", "--spooler", tmp_path / "file")
    assert done.returncode == 1 and "spooler = " in done.stdout and "is no directory" in done.stdout
    done = program.run("--http-socket", ":0", "--spooler", tmp_path / "no" / "such")
    assert done.returncode == 1 and "No such file" in done.stdout
    done = program.run("--http-socket", ":0", "--spooler", tmp_path / "a", "--spooler-processes", "0")
    assert done.returncode == 1 and "spooler-processes = 0" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_new_directory_belongs_to_the_user_who_works_in_it(program):
    with tempfile.TemporaryDirectory() as public:  # the folders of pytest are root's
        os.chmod(public, 0o755)
        directory = Path(public) / "spool"
        done = program.run("--http-socket", "127.0.0.1:0", "--master", "--uid", "nobody", "--gid", "nogroup",
                           "--spooler", directory, "--no-server", cwd=public)
        assert done.returncode == 0, done.stdout
        facts = directory.stat()
        assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (65534, 65534, 0o750)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_full_disk(server, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("cannot mount here")
    try:
        srv = server(app=app("import tasks"), env={"OUT": str(tmp_path / "out")}, ini=f"""[uwsgi]
master = true
pythonpath = {{apps}}
spooler-external = {disk}/s
""")
        answer = value(srv, "tasks.add(b'x' * 2000000)")
        assert answer.startswith("'ValueError: unable to spool job: ") and "No space left" in answer
        assert [path.name for path in (disk / "s").rglob("*") if path.is_file()] == []
        assert value(srv, "tasks.add(b'x')").startswith("b'/")
        srv.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_the_directory_vanishes_and_comes_back(spooled):
    run = spooled()
    aside = run.directory.with_name("aside")
    os.rename(run.directory, aside)
    assert "unable to spool job" in run.ask("tasks.add()")
    run.server.wait_log(r"\[spooler .*\] read .*: No such file or directory")
    os.rename(aside, run.directory)
    run.call("tasks.add()")
    run.wait_notes(1)


@pytest.mark.slow_build
@pytest.mark.parametrize("durable", ["true", "false"])
def test_kills_lose_nothing(server, tmp_path, durable):
    """Workers enqueue, spoolers run, and now and then one of either is killed."""
    count = int(os.environ.get("SPOOL_STORM", 10000))
    run = Spooled(server, tmp_path, f"processes = 8\nspooler-processes = 4\nspooler-quiet = true\nspooler-durable = {durable}",
                  allow=["DAMN !", "Traceback"])
    enqueued, over = [], threading.Event()

    def produce(part):
        for i in range(part, count, 8):
            while True:
                try:
                    answer = run.ask(f"tasks.add({i})")
                except (OSError, AssertionError):
                    continue  # its worker was killed: whether it left the task is open, so it is asked again
                if answer.startswith("b'/"):
                    enqueued.append(i)
                    break

    def kill():
        dice, before = random.Random(7), 0
        while not over.wait(0.1):
            # On a machine where a start takes longer than the time between two kills nobody would ever get on.
            if len(enqueued) < before + 10:
                continue
            before = len(enqueued)
            pids = processes.children(run.server.pid)
            if pids:
                try:
                    os.kill(dice.choice(pids), signal.SIGKILL)
                except ProcessLookupError:
                    pass

    threads = [threading.Thread(target=produce, args=(part,)) for part in range(8)]
    killer = threading.Thread(target=kill)
    for thread in [*threads, killer]:
        thread.start()
    for thread in threads:
        thread.join(600)
    over.set()
    killer.join()
    assert sorted(enqueued) == list(range(count))
    run.wait_empty(timeout=600)
    ran = [note[1][0] for note in run.notes() if note[0] == "add"]
    assert not failed_files(run.directory) and set(ran) == set(range(count))
    assert "OOOPS the spooler" in run.server.log(), "nobody was killed"
    kills = run.server.log().count("OOOPS the spooler") + run.server.log().count("DAMN !")
    assert len(ran) - count <= kills, "tasks ran twice that were not interrupted"


def test_harakiri_goes_on_after_a_reload(spooled):
    run = spooled("spooler-harakiri = 2", allow=["NO MERCY"])
    run.call("tasks.add()")
    run.wait_notes(1)
    run.server.signal(signal.SIGHUP)
    run.server.wait_log("gracefully .RE.spawned uWSGI master")
    run.call("tasks.sleeps(600)")
    run.server.wait_log(r"\*\*\* HARAKIRI ON THE SPOOLER \(pid: \d+\) \*\*\*")
