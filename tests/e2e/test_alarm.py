# SPDX-License-Identifier: Apache-2.0
"""Alarms: raised by applications, done by the master."""
import os
import re
import signal
import socket

import pytest

from support import processes
from support.ask import app, value
from support.http import Closed
from support.processes import wait_until
from support.server import Program


@pytest.mark.parity
def test_a_line_in_the_log(server):
    srv = server(app=app(), args=["--master", "--alarm", "mine log:prefix"])
    assert value(srv, "uwsgi.alarm('mine', 'hello alarm')") == "None"
    srv.wait_log(" - ALARM: prefix hello alarm$")


@pytest.mark.parity
def test_a_command_gets_the_text(server, tmp_path):
    srv = server(app=app(), args=["--master", "--alarm", f"file cmd:cat > {tmp_path}/text"])
    value(srv, "uwsgi.alarm('file', 'the exact text')")
    wait_until(lambda: (tmp_path / "text").exists() and (tmp_path / "text").read_text() == "the exact text")


@pytest.mark.parity
def test_unknown_alarms_are_nothing(server):
    srv = server(app=app(), args=["--master"])
    assert value(srv, "uwsgi.alarm('none', 'text')") == "None"


def test_lines_of_the_log_raise_alarms(server):
    srv = server(app=app(), args=["--master", "--alarm", "mine log:seen", "--log-alarm", "mine out of (memory|space)",
                                  "--not-log-alarm", "mine harmless"])
    value(srv, "uwsgi.log('out of space, harmless'), uwsgi.log('nothing'), uwsgi.log('out of memory')")
    srv.wait_log(" - ALARM: seen out of memory$")
    assert "seen out of space" not in srv.log() and "seen nothing" not in srv.log()


def test_equal_texts_are_left_out_for_a_while(server):
    srv = server(app=app(), args=["--master", "--processes", "2", "--alarm", "mine log:", "--alarm-freq", "3600"])
    value(srv, "[uwsgi.alarm('mine', 'again') for _ in range(5)], uwsgi.alarm('mine', 'another')")
    srv.wait_log(" - ALARM: another$")
    assert srv.log().count("ALARM: again") == 1


def test_longer_texts_than_allowed_are_left_out(server):
    srv = server(app=app(), args=["--master", "--alarm", "mine log:", "--alarm-msg-size", "10"])
    value(srv, "uwsgi.alarm('mine', 'x' * 11), uwsgi.alarm('mine', 'short')")
    srv.wait_log(" - ALARM: short$")
    assert "ALARM: xxx" not in srv.log()


def test_commands_that_fail_harm_nobody(server):
    srv = server(app=app(), args=["--master", "--alarm", "bad cmd:exit 3", "--alarm", "mine log:"])
    value(srv, "uwsgi.alarm('bad', 'x'), uwsgi.alarm('mine', 'alive')")
    srv.wait_log(" - ALARM: alive$")


@pytest.mark.parametrize("setting", ["mine", "mine smoke:signals", "mine mule:x", "mine signal:256", "mine cmd:"])
def test_mistakes(program, setting):
    done = program.run("--http-socket", "127.0.0.1:0", "--alarm", setting)
    assert done.returncode == 1 and "alarm" in done.stdout


def test_mistakes_of_rules(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--alarm", "mine log:", "--log-alarm", "other x")
    assert done.returncode == 1 and 'there is no alarm "other"' in done.stdout
    done = program.run("--http-socket", "127.0.0.1:0", "--alarm", "mine log:", "--log-alarm", "mine (")
    assert done.returncode == 1 and "log-alarm" in done.stdout


# --- who hears of it

HEARD = app('''
def got(message):
    print("MULE %d HEARD %r" % (uwsgi.mule_id(), message), flush=True)
uwsgi.mule_msg_hook = got
''')


@pytest.mark.parity
def test_a_message_for_a_mule(server):
    srv = server(app=HEARD, args=["--mules", "2", "--alarm", "tell mule:2"])
    value(srv, "uwsgi.alarm('tell', 'smoke')")
    srv.wait_log(r"MULE 2 HEARD b'smoke'")


@pytest.mark.parity
def test_a_user_signal(server):
    more = "uwsgi.register_signal(17, 'workers', lambda number: print('SIGNAL', number, flush=True))"
    srv = server(app=app(more), args=["--master", "--alarm", "wake signal:17"])
    value(srv, "uwsgi.alarm('wake', 'smoke')")
    srv.wait_log("^SIGNAL 17$")


# --- a process that crashes

CRASH = "__import__('resource').setrlimit(4, (0, 0)), os.kill(os.getpid(), {signal})"
DIED = ("DAMN !", "Segmentation")


def read(path):
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("number, word", [(signal.SIGSEGV, "Segmentation fault"), (signal.SIGBUS, "Bus error"),
                                          (signal.SIGABRT, "Aborted")])
@pytest.mark.crashes
def test_a_worker_that_crashes(server, tmp_path, number, word):
    srv = server(app=app(), args=["--alarm", f"file cmd:cat > {tmp_path}/text", "--alarm", "line log:CRASH", "--alarm-segfault", "file",
                                  "--segfault-alarm", "line"])
    srv.allow(*DIED)
    pid = int(value(srv, "os.getpid()"))
    with pytest.raises(Closed):
        value(srv, CRASH.format(signal=int(number)))
    text = f"worker 1 (pid: {pid}) was killed by signal {int(number)} ({word})"
    wait_until(lambda: read(tmp_path / "text") == text, what=lambda: read(tmp_path / "text"))
    srv.wait_log(f" - ALARM: CRASH {re.escape(text)}$")


@pytest.mark.parametrize("option, spawned, name", [("--mule", r"spawned uWSGI mule 1 \(pid: (\d+)\)", "uWSGI mule 1"),
                                                   ("--spooler={dir}/q", r"spawned the uWSGI spooler on dir \S+ with pid (\d+)",
                                                    "uWSGI spooler")])
@pytest.mark.crashes
def test_another_process_that_crashes(server, tmp_path, option, spawned, name):
    srv = server(app=app(), args=[option.format(dir=tmp_path), "--alarm", "line log:", "--alarm-segfault", "line"])
    srv.allow(*DIED)
    pid = int(srv.wait_log(spawned).group(1))
    os.kill(pid, signal.SIGSEGV)
    srv.wait_log(rf" - ALARM: {name}\S* \(pid: {pid}\) was killed by signal 11 \(Segmentation fault\)$")


def test_who_is_killed_does_not_crash(server):
    srv = server(app=app(), args=["--alarm", "line log:", "--alarm-segfault", "line"])
    srv.allow(*DIED)
    os.kill(int(value(srv, "os.getpid()")), signal.SIGKILL)
    srv.wait_log("Respawned uWSGI worker 1")
    value(srv, "uwsgi.alarm('line', 'after')")
    srv.wait_log(" - ALARM: after$")
    assert "was killed by signal" not in srv.log()


# --- a descriptor

def test_a_descriptor_that_is_readable(server, with_fifo, tmp_path):
    wrapped, bell = with_fifo
    srv = server(program=wrapped, app=app(), args=["--alarm", "line log:", "--alarm", f"file cmd:cat >> {tmp_path}/text",
                                                   "--alarm-fd", "line,file 7:8 somebody rings"])
    srv.wait_log(r"^\[uwsgi-alarm\] added fd 7$")
    bell.write_text("8 bytes.")
    srv.wait_log(" - ALARM: somebody rings$")
    wait_until(lambda: read(tmp_path / "text") == "somebody rings")


def test_a_descriptor_at_its_end_is_left_alone(server, tmp_path, program):
    wrapper = tmp_path / "wrapper"
    # The write end of the pipe is closed; the program keeps the wrapper's process id.
    os.mkfifo(tmp_path / "bell")
    wrapper.write_text(f'#!/bin/sh\nexec 8<>{tmp_path}/bell 7<{tmp_path}/bell 8>&-\nexec {program.path} "$@"\n')
    wrapper.chmod(0o755)
    srv = server(program=Program(wrapper), app=app(), args=["--alarm", "line log:", "--alarm-fd", "line 7 never"])
    srv.wait_log(r"^\[uwsgi-alarm\] fd 7 is at its end and is watched no more$")
    value(srv, "uwsgi.alarm('line', 'after')")
    srv.wait_log(" - ALARM: after$")
    assert "never" not in srv.log()


# --- clients that have to wait

def call_in(clients, port, count):
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        clients.append(client)


def test_a_full_queue_of_a_socket(server, tmp_path):
    srv = server(app=app(), args=["--master", "--listen", "2", "--alarm", "line log:QUEUE", "--alarm", f"file cmd:cat >> {tmp_path}/text",
                                 "--alarm-backlog", "line", "--lq-alarm", "file", "--alarm-freq", "3600"])
    # A worker that is stopped altogether accepts nothing.
    (worker,) = srv.workers()
    os.kill(worker, signal.SIGSTOP)
    clients = []
    try:
        call_in(clients, srv.port, 8)
        text = rf'listen queue of socket "127.0.0.1:{srv.port}" \(fd: \d+\) full !!! \(3/2\)'
        srv.wait_log(rf"^\w+ \w+ .*\d - \*\*\* uWSGI {text} \*\*\*$", count=2)
        srv.wait_log(f" - ALARM: QUEUE {text}$")
        wait_until(lambda: re.fullmatch(text, read(tmp_path / "text")), what=lambda: read(tmp_path / "text"))
        assert srv.log().count("ALARM: QUEUE") == 1
    finally:
        os.kill(worker, signal.SIGCONT)
        for client in clients:
            client.close()


@pytest.mark.parametrize("option, setting, said", [
    ("alarm-fd", "mine", "FD[:BYTES] TEXT"), ("alarm-fd", "mine 0", "FD[:BYTES] TEXT"), ("alarm-fd", "mine 77 text", "no such descriptor"),
    ("alarm-fd", "mine 0:0 text", "number of bytes"), ("alarm-fd", "other 0 text", 'there is no alarm "other"'),
    ("alarm-backlog", "other", 'there is no alarm "other"'), ("alarm-segfault", "other", 'there is no alarm "other"')])
def test_mistakes_of_occasions(program, option, setting, said):
    done = program.run("--http-socket", "127.0.0.1:0", "--alarm", "mine log:", f"--{option}", setting)
    assert done.returncode == 1 and f"{option} = {setting}: " in done.stdout and said in done.stdout


def test_alarm_list_prints_the_kinds(program):
    done = program.run("--alarm-list")
    assert (done.returncode, done.stdout.split()) == (0, ["***", "alarms", "***", "log", "cmd", "mule", "signal"])


FLOOD = """
import threading, uwsgi

def flood():
    number = 0
    while True:
        number += 1
        uwsgi.alarm("many", "text %d" % number)

def application(environ, start_response):
    threading.Thread(target=flood, daemon=True).start()
    start_response("200 OK", [])
    return [b"begun"]
"""


def test_alarms_without_end_do_not_keep_the_master(server, inside, tmp_path):
    """They are raised more quickly than commands are started: the rest is left out, and the master does its other work."""
    (tmp_path / "flood.py").write_text(FLOOD)
    srv = server(app=tmp_path / "flood.py", args=["--master", "--enable-threads", "--alarm", "many cmd:sleep 1"])
    assert srv.get("/").body == b"begun"
    srv.wait_log(r"^alarm many: 32 commands run already, what is raised until one has ended is left out$")
    assert len(processes.children(srv.pid)) < 60
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"^binary reloading uWSGI\.\.\.$", 20)
