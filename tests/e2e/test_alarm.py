# SPDX-License-Identifier: Apache-2.0
"""Alarms: raised by applications, done by the master."""
import pytest

from support.ask import app, value
from support.processes import wait_until


@pytest.mark.parity
def test_a_line_in_the_log(server):
    srv = server(app=app(), args=["--master", "--alarm", "mine log:prefix"])
    assert value(srv, "uwsgi.alarm('mine', 'hello alarm')") == "None"
    srv.wait_log("^ALARM: prefix hello alarm$")


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
    srv.wait_log("^ALARM: seen out of memory$")
    assert "seen out of space" not in srv.log() and "seen nothing" not in srv.log()


def test_equal_texts_are_left_out_for_a_while(server):
    srv = server(app=app(), args=["--master", "--processes", "2", "--alarm", "mine log:"])
    value(srv, "[uwsgi.alarm('mine', 'again') for _ in range(5)], uwsgi.alarm('mine', 'another')")
    srv.wait_log("^ALARM: another$")
    assert srv.log().count("ALARM: again") == 1


def test_longer_texts_than_allowed_are_left_out(server):
    srv = server(app=app(), args=["--master", "--alarm", "mine log:", "--alarm-msg-size", "10"])
    value(srv, "uwsgi.alarm('mine', 'x' * 11), uwsgi.alarm('mine', 'short')")
    srv.wait_log("^ALARM: short$")
    assert "ALARM: xxx" not in srv.log()


def test_commands_that_fail_harm_nobody(server):
    srv = server(app=app(), args=["--master", "--alarm", "bad cmd:exit 3", "--alarm", "mine log:"])
    value(srv, "uwsgi.alarm('bad', 'x'), uwsgi.alarm('mine', 'alive')")
    srv.wait_log("^ALARM: alive$")


@pytest.mark.parametrize("setting", ["mine", "mine smoke:signals", "mine mule:x", "mine signal:256", "mine cmd:"])
def test_mistakes(program, setting):
    done = program.run("--http-socket", "127.0.0.1:0", "--alarm", setting)
    assert done.returncode == 1 and "alarm" in done.stdout


def test_mistakes_of_rules(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--alarm", "mine log:", "--log-alarm", "other x")
    assert done.returncode == 1 and 'there is no alarm "other"' in done.stdout
    done = program.run("--http-socket", "127.0.0.1:0", "--alarm", "mine log:", "--log-alarm", "mine (")
    assert done.returncode == 1 and "log-alarm" in done.stdout
