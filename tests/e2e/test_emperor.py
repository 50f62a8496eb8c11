# SPDX-License-Identifier: Apache-2.0
"""The Emperor: one server per configuration, started, reloaded, stopped and replaced as the files say."""
import json
import os
import resource
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from support import processes
from support.http import Connection
from support.preload import preloaded
from support.processes import LEAST, wait_until
from support.server import APPS, free_port
from support.slow import SLOW
from support.stats import stats

VASSAL = """[uwsgi]
http-socket = 127.0.0.1:%(port)
wsgi-file = {app}
threads = 2
{more}
"""

APP = """import os

def application(env, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%s %d %d" % (TEXT, os.getuid(), os.getppid())).encode()]
"""


class Realm:
    """A directory of vassals and the Emperor over it."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.vassals = folder / "vassals"
        self.vassals.mkdir()
        self.ports = {}

    def emperor(self, *args, where=None, wait=True, **more):
        self.run = self.server(front="none", ready=False, args=["--emperor", where or self.vassals, "--emperor-freq", "1",
                                                                 "--emperor-throttle", "100", *args], **more)
        if wait:
            self.run.wait_log(r"\*\*\* starting uWSGI Emperor \*\*\*")
        return self.run

    def write(self, name, text="hello", more="", directory=None):
        """A vassal that answers with the text; returns its port."""
        port = self.ports.setdefault(name, free_port())
        app = self.folder / f"{name}.py"
        app.write_text(f"TEXT = {text!r}\n{APP}")
        place = (directory or self.vassals) / name
        beside = self.folder / "being-written"
        beside.write_text("[uwsgi]\n" + f"http-socket = 127.0.0.1:{port}\nwsgi-file = {app}\n{more}\n")
        beside.chmod(0o644)
        os.replace(beside, place)
        return port

    def ask(self, name):
        with Connection(("127.0.0.1", self.ports[name])) as connection:
            return connection.request("GET", "/").body.decode().split()

    def answers(self, name, text="hello"):
        def check():
            try:
                return self.ask(name)[0] == text
            except (OSError, AssertionError, EOFError):
                return False

        try:
            wait_until(check, self.run.seconds(20), f"{name} to answer {text!r}")
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.run.log()[-3000:]}") from None

    def refuses(self, name):
        def check():
            try:
                Connection(("127.0.0.1", self.ports[name])).close()
                return False
            except OSError:
                return True

        wait_until(check, self.run.seconds(20), f"{name} to be gone")

    def master_of(self, name):
        return int(self.ask(name)[2])


@pytest.fixture
def realm(server, tmp_path):
    return Realm(server, tmp_path)


def test_runs_a_server_for_each_configuration(realm):
    realm.write("a.ini", "first")
    realm.write("b.ini", "second")
    (realm.vassals / "readme.txt").write_text("no configuration")
    run = realm.emperor()
    realm.answers("a.ini", "first")
    realm.answers("b.ini", "second")
    assert realm.master_of("a.ini") in processes.children(run.pid)
    run.wait_log(r"^\w{3} \w{3} [ \d]\d .* - \[emperor\] vassal a\.ini has been spawned")
    run.wait_log(r"\[emperor\] vassal b\.ini is ready to accept requests")
    run.wait_log(r"\*\*\* has_emperor mode detected \(fd: \d+\) \*\*\*", count=2)
    assert "readme" not in run.log()
    assert os.readlink(f"/proc/{realm.master_of('a.ini')}/cwd") == str(realm.vassals)


def test_a_vassal_that_has_served_is_loyal(realm):
    realm.write("a.ini")
    run = realm.emperor()
    realm.answers("a.ini")
    run.wait_log(r"announcing my loyalty to the Emperor\.\.\.")
    run.wait_log(r"\[emperor\] vassal a\.ini is now loyal")


def test_new_changed_and_removed_files_are_followed(realm):
    run = realm.emperor()
    realm.write("a.ini", "one")
    realm.answers("a.ini", "one")
    master = realm.master_of("a.ini")
    realm.write("a.ini", "two")
    realm.answers("a.ini", "two")
    run.wait_log(r"\[emperor\] reload the uwsgi instance a\.ini")
    run.wait_log(r"received message 1 from emperor")
    assert realm.master_of("a.ini") == master
    (realm.vassals / "a.ini").unlink()
    run.wait_log(r"\[emperor\] removed uwsgi instance a\.ini")
    assert "[emperor] stop the uwsgi instance a.ini" in run.log()
    assert "received message 0 from emperor" in run.log()
    realm.refuses("a.ini")
    assert not processes.alive(master)


def test_a_touch_reloads(realm):
    realm.write("a.ini")
    run = realm.emperor()
    realm.answers("a.ini")
    os.utime(realm.vassals / "a.ini")
    run.wait_log(r"gracefully \(RE\)spawned uWSGI master")
    run.wait_log(r"vassal a\.ini is ready to accept requests", count=2)
    realm.answers("a.ini")


def test_the_name_of_a_file_is_one_line_of_the_log_and_no_more(realm):
    realm.emperor()
    name = "a\x1b[31m\n[emperor] vassal b is now loyal.ini"
    port = free_port()
    app = realm.folder / "app.py"
    app.write_text(f"TEXT = 'hello'\n{APP}")
    (realm.vassals / name).write_text(f"[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nwsgi-file = {app}\n")
    realm.run.wait_log(r"\[emperor\] vassal a\\x1b\[31m\\x0a\[emperor\] vassal b is now loyal\.ini has been spawned")
    (realm.vassals / name).unlink()
    realm.run.wait_log(r"removed uwsgi instance a\\x1b")


def test_a_broken_change_leaves_the_vassal_as_it_is(realm):
    realm.write("a.ini", "good")
    run = realm.emperor()
    realm.answers("a.ini", "good")
    realm.write("a.ini", "bad", more="processes = many")
    run.wait_log("the reload has been given up")
    assert realm.ask("a.ini")[0] == "good"
    realm.write("a.ini", "better")
    realm.answers("a.ini", "better")


def test_a_vassal_that_cannot_start_is_tried_again_and_again_later(realm):
    realm.write("good.ini")
    (realm.vassals / "bad.ini").write_text("[uwsgi]\nprocesses = many\n")
    run = realm.emperor()
    run.wait_log(r"\[emperor\] curse the uwsgi instance bad\.ini \(pid: \d+\)", count=2)
    run.wait_log(r"\[emperor\] removed uwsgi instance bad\.ini", count=2)
    realm.answers("good.ini")
    port = realm.write("bad.ini", "cured")
    assert port
    realm.answers("bad.ini", "cured")


def test_the_pause_before_another_try_grows(realm):
    (realm.vassals / "bad.ini").write_text("[uwsgi]\nprocesses = many\n")
    run = realm.emperor("--emperor-throttle", "60000")
    run.wait_log(r"\[emperor\] unloyal bad behaving vassal found: bad\.ini throttling it\.\.\.")
    assert run.log().count("curse the uwsgi instance bad.ini") == 1
    run.signal(signal.SIGURG)  # the blacklist is forgotten
    run.wait_log(r"curse the uwsgi instance bad\.ini", count=2)


def test_a_loyal_vassal_that_dies_is_back_at_once(realm):
    realm.write("a.ini")
    run = realm.emperor("--emperor-throttle", "60000")
    realm.answers("a.ini")
    run.wait_log("is now loyal")
    os.kill(realm.master_of("a.ini"), signal.SIGKILL)
    run.wait_log(r"\[emperor\] vassal a\.ini has been spawned", count=2)
    realm.answers("a.ini")


def test_exile_is_for_good_until_the_file_changes(realm):
    (realm.vassals / "gone.ini").write_text("[uwsgi]\nmaster = true\nhook-asap = exit:26\n")
    run = realm.emperor("--emperor-throttle", "10")
    run.wait_log("has chosen exile")
    realm.write("other.ini")
    realm.answers("other.ini")
    run.signal(signal.SIGWINCH)
    run.signal(signal.SIGUSR1)
    run.wait_log("vassal instance other.ini")
    assert run.log().count("curse the uwsgi instance gone.ini") == 1
    realm.write("gone.ini")
    realm.answers("gone.ini")


def test_signals_of_the_emperor(realm):
    realm.write("a.ini")
    run = realm.emperor()
    realm.answers("a.ini")
    run.signal(signal.SIGHUP)
    run.wait_log(r"\[emperor\] reload the uwsgi instance a\.ini")
    run.wait_log(r"vassal a\.ini is ready to accept requests", count=2)
    run.signal(signal.SIGUSR1)
    run.wait_log(r"^vassal instance a\.ini \(last modified \d+\) status 0 loyal [01] zerg 0")
    run.signal(signal.SIGUSR2)
    run.signal(signal.SIGTERM)
    run.wait_log(r"\[emperor\] \*\*\* RAGNAROK EVOKED \*\*\*")
    run.ended(0)
    assert "The Emperor is buried." in run.log()
    assert "goodbye to uWSGI." in run.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_other_signals_end_it_too(realm, number):
    realm.write("a.ini")
    run = realm.emperor()
    realm.answers("a.ini")
    run.signal(number)
    run.ended(0)


def test_vassals_end_in_order_when_the_emperor_is_killed(realm):
    realm.write("a.ini")
    run = realm.emperor(exit_status=-signal.SIGKILL)
    realm.answers("a.ini")
    master = realm.master_of("a.ini")
    run.signal(signal.SIGKILL)
    run.wait_log("lost connection with my emperor !!!")
    run.wait_log("goodbye to uWSGI")
    wait_until(lambda: not processes.alive(master), 20, "the vassal's end")


@pytest.mark.parametrize("failure", ["uid = nosuchuserhere", "master = true\nhook-master-start = exec:false"], ids=["early", "late"])
def test_a_vassal_with_its_fallback_has_the_same_emperor(realm, failure):
    realm.write("fallback.ini", "fallback", directory=realm.folder)
    (realm.vassals / "a.ini").write_text(f"[uwsgi]\nfallback-config = {realm.folder}/fallback.ini\nhttp-socket = 127.0.0.1:0\n{failure}\n")
    run = realm.emperor(exit_status=-signal.SIGKILL)
    realm.answers("fallback.ini", "fallback")
    run.wait_log(r"\[emperor\] vassal a\.ini is ready to accept requests")
    os.utime(realm.vassals / "a.ini")
    run.wait_log(r"\[emperor\] vassal a\.ini is ready to accept requests", count=2)
    run.signal(signal.SIGKILL)
    run.wait_log("lost connection with my emperor !!!")
    realm.refuses("fallback.ini")


def test_a_vassal_may_be_an_old_hand_at_daemonizing(realm):
    log = realm.folder / "vassal.log"
    realm.write("a.ini", more=f"daemonize = {log}")
    run = realm.emperor()
    realm.answers("a.ini")
    assert realm.master_of("a.ini") in processes.children(run.pid)
    wait_until(lambda: "spawned uWSGI worker 1" in log.read_text(), what="its log")
    run.log_files.append(log)


def test_what_all_vassals_are_given(realm):
    (realm.folder / "before.ini").write_text("[uwsgi]\nenv = BEFORE=1\n")
    (realm.folder / "behind.ini").write_text("[uwsgi]\nprocesses = %(number)\n")
    realm.write("a.ini", more="procname-master = %(color) %n")
    run = realm.emperor("--vassal-set", "color=blue", "--vassals-set", "number=3", "--vassals-include-before",
                        realm.folder / "before.ini", "--vassals-inherit", realm.folder / "behind.ini")
    realm.answers("a.ini")
    master = realm.master_of("a.ini")
    wait_until(lambda: len(processes.children(master)) == 3, 10, "three workers")
    wait_until(lambda: Path(f"/proc/{master}/cmdline").read_bytes().startswith(b"blue a"), what="its title")
    realm.write("env.ini", more="procname-master = in $(UWSGI_VASSALS_DIR)")
    realm.answers("env.ini")
    other = realm.master_of("env.ini")

    def title():
        return Path(f"/proc/{other}/cmdline").read_bytes().rstrip(b"\0 ").decode()

    wait_until(lambda: title() and f"in {realm.vassals}".startswith(title()), what=title)
    assert run.process.poll() is None


def test_what_all_vassals_are_given_gives_them_no_name(realm):
    (realm.folder / "before.ini").write_text("[uwsgi]\nenv = BEFORE=1\n")
    realm.write("a.ini", more="print = the site %N")
    run = realm.emperor("--vassals-include-before", realm.folder / "before.ini")
    realm.answers("a.ini")
    run.wait_log("^the site a$")


def test_patterns_and_several_places(realm):
    other = realm.folder / "other"
    for name in ("x", "y"):
        (other / name).mkdir(parents=True)
    realm.write("a.ini")
    realm.write("x", directory=other / "x")
    (other / "x" / "x").rename(other / "x" / "site.ini")
    run = realm.emperor("--emperor", f"{other}/*/site.ini")
    realm.answers("a.ini")
    realm.answers("x")
    run.wait_log(rf"\[emperor\] vassal {other}/x/site\.ini has been spawned")
    realm.write("y", "later", directory=other / "y")
    (other / "y" / "y").rename(other / "y" / "site.ini")
    realm.answers("y", "later")
    (other / "x" / "site.ini").unlink()
    realm.refuses("x")


@pytest.mark.crashes
def test_a_pattern_that_cannot_be_looked_at_stops_nobody(realm):
    realm.write("a.ini")
    run = realm.emperor(where=f"{realm.vassals}/*.ini")
    realm.answers("a.ini")
    master = realm.master_of("a.ini")
    _, most = resource.prlimit(run.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (0, most))
    run.wait_log(r"\[emperor\] emperor: .*/\*\.ini cannot be looked at; its vassals stay as they are")
    resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (most, most))
    (realm.vassals / "a.ini").unlink()
    run.wait_log(r"\[emperor\] removed uwsgi instance")
    assert run.log().count("[emperor] stop the uwsgi instance") == 1 and not processes.alive(master)


def test_files_with_an_extension_of_their_own_are_ini_files(realm):
    realm.write("a.site")
    realm.emperor("--emperor-extra-extension", ".site")
    realm.answers("a.site")


def test_what_the_emperor_reads_by_its_environment_is_not_for_vassals(realm):
    (realm.folder / "emperor.ini").write_text(f"[uwsgi]\nemperor = {realm.vassals}\n")
    realm.write("a.ini")
    run = realm.server(front="none", ready=False, env={"UWSGI_INI": str(realm.folder / "emperor.ini")})
    realm.run = run
    realm.answers("a.ini")
    run.stop()
    assert run.log().count("*** starting uWSGI Emperor ***") == 1


def test_other_extensions(realm):
    realm.write("a.ini")
    (realm.vassals / "a.ini").rename(realm.vassals / "a.ini.off")
    run = realm.emperor()
    run.signal(signal.SIGWINCH)
    (realm.vassals / "a.ini.off").rename(realm.vassals / "a.ini")
    realm.answers("a.ini")


def test_what_is_remembered_of_vassals(realm):
    """How often one was started again, whichever directory it is in; nothing of those whose files are gone."""
    address = ("127.0.0.1", free_port())
    other = realm.folder / "other"
    other.mkdir()
    realm.write("a.ini")
    realm.write("b.ini", directory=other)
    (other / "bad.ini").write_text("[uwsgi]\nprocesses = many\n")
    run = realm.emperor("--emperor", other, "--emperor-stats", f"127.0.0.1:{address[1]}")

    realm.answers("b.ini")
    run.wait_log("vassal b.ini is now loyal")
    os.kill(realm.master_of("b.ini"), signal.SIGKILL)
    run.wait_log(r"\[emperor\] vassal b\.ini has been spawned", count=2)
    assert [v["respawns"] for v in stats(address)["vassals"] if v["id"] == "b.ini"] == [1]
    wait_until(lambda: [entry["id"] for entry in stats(address)["blacklist"]] == ["bad.ini"], 10, "the blacklist")
    (other / "bad.ini").unlink()
    wait_until(lambda: not stats(address)["blacklist"], 10, "nobody in the blacklist")


def test_statistics(realm):
    address = ("127.0.0.1", free_port())
    realm.write("a.ini")
    (realm.vassals / "bad.ini").write_text("[uwsgi]\nprocesses = many\n")
    run = realm.emperor("--emperor-stats", f"127.0.0.1:{address[1]}")
    realm.answers("a.ini")

    wait_until(lambda: stats(address)["blacklist"], 10, "the blacklist")
    wait_until(lambda: [v for v in stats(address)["vassals"] if v["id"] == "a.ini" and v["accepting"]], 10, "a vassal that accepts")
    document = stats(address)
    assert list(document) == ["version", "pid", "uid", "gid", "cwd", "emperor", "emperor_tyrant", "throttle_level", "vassals",
                              "blacklist"]
    assert document["pid"] == run.pid and document["emperor"] == [str(realm.vassals)] and document["emperor_tyrant"] == 0
    vassal = next(v for v in document["vassals"] if v["id"] == "a.ini")
    assert list(vassal) == ["id", "pid", "born", "last_mod", "last_heartbeat", "loyal", "ready", "accepting", "last_loyal",
                            "last_ready", "last_accepting", "first_run", "last_run", "cursed", "zerg", "on_demand", "uid", "gid",
                            "monitor", "respawns"]
    assert vassal["pid"] == realm.master_of("a.ini") and vassal["ready"] == 1 and vassal["cursed"] == 0
    assert vassal["last_mod"] == int((realm.vassals / "a.ini").stat().st_mtime)
    entry = document["blacklist"][0]
    assert list(entry) == ["id", "throttle_level", "attempt", "first_attempt", "last_attempt"] and entry["id"] == "bad.ini"
    # somebody who connects and does not read holds nobody up
    with socket.create_connection(address, LEAST):
        assert stats(address)["pid"] == run.pid
    monitor = Path(run.program.path).with_name("uwsgitop")
    if monitor.exists():
        shown = subprocess.run([str(monitor), f"127.0.0.1:{address[1]}", "--once", "-f", "0.1"], capture_output=True, text=True, timeout=LEAST)
        assert "a.ini" in shown.stdout and "blacklisted: bad.ini" in shown.stdout


def test_pidfile_and_name(realm):
    pidfile = realm.folder / "emperor.pid"
    run = realm.emperor("--emperor-pidfile", pidfile, "--emperor-procname", "the emperor")
    wait_until(lambda: pidfile.exists() and pidfile.read_text() == f"{run.pid}\n", what="the pidfile")
    wait_until(lambda: Path(f"/proc/{run.pid}/cmdline").read_bytes().rstrip(b"\0 ") == b"the emperor", what="the title")
    run.signal(signal.SIGTERM)
    run.ended(0)
    assert not pidfile.exists()


def test_a_heart_that_stops_beating(realm):
    realm.write("a.ini", more="heartbeat = 1\nworker-reload-mercy = 1")
    run = realm.emperor("--emperor-required-heartbeat", "3")
    realm.answers("a.ini")
    run.wait_log("is now loyal")
    master = realm.master_of("a.ini")
    os.kill(master, signal.SIGSTOP)
    run.wait_log(r"\[emperor\] vassal a\.ini sent no heartbeat in the last 3 seconds", timeout=20)
    run.wait_log(r"\[emperor\] vassal a\.ini has been spawned", count=2, timeout=20)
    realm.answers("a.ini")


def test_a_reload_may_take_longer_than_the_heart_may_be_silent(realm):
    """Then nobody is there to let it beat: the program of before has gone, that of after is still loading."""
    gate, address = realm.folder / "gate", ("127.0.0.1", free_port())
    realm.write("a.ini", more="heartbeat = 1")
    (realm.folder / "a.ini.py").write_text(f"{SLOW}TEXT = 'hello'\n{APP}")
    run = realm.emperor("--emperor-required-heartbeat", "4", "--emperor-stats", f"127.0.0.1:{address[1]}")
    realm.answers("a.ini")
    master = realm.master_of("a.ini")

    def heartbeat():
        return stats(address)["vassals"][0]["last_heartbeat"]

    wait_until(heartbeat, what="a heartbeat")
    gate.write_text(str(master))
    os.utime(realm.vassals / "a.ini")
    run.wait_log("^loading")
    since = time.monotonic()
    wait_until(lambda: time.monotonic() > since + 7, what="more than the heartbeat may be late")
    gate.unlink()
    run.wait_log(r"vassal a\.ini is ready to accept requests", count=2)
    assert "sent no heartbeat" not in run.log() and realm.master_of("a.ini") == master
    silent = heartbeat()
    wait_until(lambda: heartbeat() != silent, what="another heartbeat")
    os.kill(master, signal.SIGSTOP)
    run.wait_log(r"\[emperor\] vassal a\.ini sent no heartbeat in the last 4 seconds")


def test_an_emperor_that_stood_still_kills_no_vassal_for_its_silence(realm):
    realm.write("a.ini", more="heartbeat = 1")
    run = realm.emperor("--emperor-required-heartbeat", "4")
    realm.answers("a.ini")
    run.wait_log("is now loyal")
    both = [run.pid, realm.master_of("a.ini")]  # as when the machine stands still; the Emperor is the first to go on
    for pid in both:
        os.kill(pid, signal.SIGSTOP)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() > since + 6, what="more than the heartbeat may be late")
    for pid in both:
        os.kill(pid, signal.SIGCONT)
    os.utime(realm.vassals / "a.ini")
    run.wait_log(r"\[emperor\] reload the uwsgi instance a\.ini")
    assert "sent no heartbeat" not in run.log()


def test_a_vassal_that_does_not_stop_is_killed(realm):
    realm.write("a.ini")
    run = realm.emperor("--emperor-curse-tolerance", "1")
    realm.answers("a.ini")
    master = realm.master_of("a.ini")
    os.kill(master, signal.SIGSTOP)
    (realm.vassals / "a.ini").unlink()
    run.wait_log(r"takes too long to stop and is killed")
    run.wait_log(r"\[emperor\] removed uwsgi instance a\.ini")
    assert not processes.alive(master)


def test_on_demand(realm):
    port = realm.write("a.ini", more="idle = 3600")
    (realm.vassals / "a.ini.socket").write_text(f"127.0.0.1:{port}\n")
    run = realm.emperor("--emperor-on-demand-extension", ".socket")
    run.wait_log(rf"\[emperor\] a\.ini waits for its first connection on 127\.0\.0\.1:{port}")
    assert processes.children(run.pid) == []
    realm.answers("a.ini")
    master = realm.master_of("a.ini")
    os.kill(master, signal.SIGTERM)  # as one that has nothing to do ends
    run.wait_log(r"\[emperor\] removed uwsgi instance a\.ini")
    wait_until(lambda: processes.children(run.pid) == [], 10, "nobody")
    assert "curse" not in run.log()
    realm.answers("a.ini")
    assert realm.master_of("a.ini") != master


def test_on_demand_a_vassal_that_never_serves_is_given_pauses(realm):
    port = realm.write("a.ini", more="no-server = true")
    (realm.vassals / "a.ini.socket").write_text(f"127.0.0.1:{port}\n")
    run = realm.emperor("--emperor-on-demand-extension", ".socket", "--emperor-throttle", "60000")
    run.wait_log(r"\[emperor\] a\.ini waits for its first connection")
    with Connection(("127.0.0.1", port)):
        run.wait_log(r"\[emperor\] curse the uwsgi instance a\.ini")
        run.wait_log(r"\[emperor\] unloyal bad behaving vassal found: a\.ini throttling it")
    assert run.log().count("waits for its first connection") == 1


def test_hooks_for_vassals(realm):
    told = realm.folder / "told"
    realm.write("a.ini")
    run = realm.emperor("--vassals-start-hook", f"echo start $UWSGI_VASSAL_CONFIG >> {told}", "--vassals-stop-hook",
                        f"echo stop $UWSGI_VASSAL_CONFIG >> {told}")
    realm.answers("a.ini")
    # Nobody waits for these commands: a late one could come behind the next.
    wait_until(lambda: told.exists() and told.read_text() == "start a.ini\n", what="the first hook")
    (realm.vassals / "a.ini").unlink()
    run.wait_log(r"removed uwsgi instance a\.ini")
    wait_until(lambda: told.exists() and told.read_text() == "start a.ini\nstop a.ini\n", 10, "both hooks")


def test_under_a_master_that_serves(realm, server):
    realm.write("a.ini")
    port = free_port()
    run = realm.emperor("--master", "--http-socket", f"127.0.0.1:{port}", "--wsgi-file", APPS / "hello.py", "--auto-procname")
    realm.ports["own"] = port
    realm.answers("a.ini")
    run.wait_log("spawned uWSGI worker 1")
    with Connection(("127.0.0.1", port)) as connection:
        assert connection.request("GET", "/").status == 200
    emperor = int(processes.stat(realm.master_of("a.ini"))[1])
    assert emperor in processes.children(run.pid)
    assert Path(f"/proc/{emperor}/cmdline").read_bytes().startswith(b"uWSGI Emperor")
    os.kill(emperor, signal.SIGKILL)
    run.wait_log(r"The Emperor has been buried \(pid: %d\)" % emperor)
    run.wait_log(r"\*\*\* starting uWSGI Emperor \*\*\*", count=2)
    realm.answers("a.ini")
    run.signal(signal.SIGTERM)
    run.ended(0)
    assert "waiting for Emperor death..." in run.log()


def everybody_may_reach(path):
    return all(folder.stat().st_mode & 0o001 for folder in Path(path).resolve().parents)


@pytest.fixture
def open_realm(server, program):
    """One that other users may look at."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        if os.geteuid() != 0 or not everybody_may_reach(Path(folder) / "x") or not everybody_may_reach(program.path):
            pytest.skip("other users cannot be made, or cannot reach the program")
        yield Realm(server, Path(folder))


def test_tyrants_run_vassals_as_the_owners_of_their_files(open_realm):
    realm = open_realm
    for name in ("root.ini", "mine.ini", "open.ini"):
        realm.write(name, name)
    os.chown(realm.vassals / "mine.ini", 65534, 65534)
    os.chown(realm.vassals / "open.ini", 65534, 65534)
    (realm.vassals / "open.ini").chmod(0o666)
    run = realm.emperor("--emperor-tyrant")
    realm.answers("mine.ini", "mine.ini")
    assert realm.ask("mine.ini")[1] == "65534"
    status = Path(f"/proc/{realm.master_of('mine.ini')}/status").read_text()
    assert "Gid:\t65534\t65534" in status and "Groups:\t65534" in status
    run.wait_log(r"\[emperor-tyrant\] invalid permissions for vassal root\.ini: it belongs to root")
    run.wait_log(r"\[emperor-tyrant\] invalid permissions for vassal open\.ini: everybody may write it")
    run.wait_log(r"\[emperor-tyrant\] dropping privileges to 65534 65534 for instance mine\.ini")
    realm.write("last.ini")
    os.chown(realm.vassals / "last.ini", 65534, 65534)
    realm.answers("last.ini")
    assert run.log().count("invalid permissions for vassal root.ini") == 1


@pytest.mark.parametrize("args, parts", [
    (["--emperor", "/nonexistent/vassals"], ["emperor", "/nonexistent/vassals"]),
    (["--emperor", "mongodb://127.0.0.1"], ["emperor", "mongodb://127.0.0.1"]),
    (["--emperor", "/tmp", "--emperor-stats", "127.0.0.1:99999"], ["emperor-stats", "99999"])], ids=["missing", "scheme", "stats"])
def test_mistakes_end_the_start(program, args, parts):
    done = program.run(*args)
    assert done.returncode == 1
    assert any(all(part in line for part in parts) for line in done.stdout.splitlines()), done.stdout


def test_a_stop_during_the_start_of_a_vassal_is_heard(realm):
    """Whether it ends at once or when it comes to look, it need not be killed for taking too long."""
    gate = realm.folder / "gate"
    realm.write("slow.ini", more=f"hook-asap = exec:until test -e {gate}; do sleep 0.05; done")
    run = realm.emperor()
    run.wait_log("until test -e")
    (realm.vassals / "slow.ini").unlink()
    run.wait_log(r"\[emperor\] stop the uwsgi instance slow\.ini")
    gate.write_text("")
    run.wait_log(r"\[emperor\] removed uwsgi instance slow\.ini", timeout=20)
    assert "takes too long to stop" not in run.log()
    realm.refuses("slow.ini")


# -- hooks


def test_hooks_run_as_each_vassal_before_it_is_run(realm):
    realm.write("a.ini", more="hook-asap = exec:echo PASSED $PASSED in $(pwd)")
    run = realm.emperor("--hook-as-vassal", "putenv:PASSED=on", "--exec-as-vassal", "echo BEFORE as $UWSGI_VASSALS_DIR")
    realm.answers("a.ini")
    assert f"BEFORE as {realm.vassals}\n" in run.log()
    assert f"PASSED on in {realm.vassals}\n" in run.log()
    run.wait_log(r'running "putenv:PASSED=on" \(as-vassal\)\.\.\.')


def test_hooks_of_a_tyrants_vassal_run_as_its_user(open_realm):
    realm = open_realm
    realm.write("a.ini")
    os.chown(realm.vassals / "a.ini", 65534, 65534)
    run = realm.emperor("--emperor-tyrant", "--hook-as-vassal", "exec:echo WHO $(id -u)", "--hook-as-emperor", "exec:echo RULER $(id -u)")
    run.wait_log("^WHO 65534$")
    run.wait_log("^RULER 0$")


def test_a_vassal_whose_hook_fails_is_not_run(realm):
    realm.write("a.ini")
    run = realm.emperor("--hook-as-vassal", "exec:exit 3")
    run.wait_log(r"FATAL hook failed, destroying instance")
    run.wait_log(r"\[emperor\] curse the uwsgi instance a\.ini")
    realm.refuses("a.ini")


def test_hooks_of_the_emperor_about_a_vassal(realm):
    realm.write("a.ini")
    run = realm.emperor("--hook-emperor-start", "print:THE REIGN BEGINS", "--exec-as-emperor",
                        "echo STARTED $UWSGI_VASSAL_CONFIG $UWSGI_VASSAL_PID")
    realm.answers("a.ini")
    run.wait_log(rf"^STARTED a\.ini {realm.master_of('a.ini')}$")
    assert run.log().index("THE REIGN BEGINS") < run.log().index("STARTED")


CALLED = """#include <stdio.h>
void about(const char *what, const char *vassal, int a, int b, int c) {
  fprintf(stderr, "CALLED %s: %s %d %d %d\\n", what, vassal, a, b, c);
}
int v1(const char *vassal) { about("v1", vassal, 0, 0, 0); return 1; }
int v3(const char *vassal, int uid, int gid) { about("v3", vassal, 0, uid, gid); return 0; }
int e1(const char *vassal) { about("e1", vassal, 0, 0, 0); return 1; }
int e2(const char *vassal, int pid) { about("e2", vassal, pid, 0, 0); return 0; }
int e4(const char *vassal, int pid, int uid, int gid) { about("e4", vassal, pid, uid, gid); return 0; }
"""


def test_functions_are_called_about_a_vassal(realm, program, tmp_path):
    functions = preloaded(program, tmp_path, CALLED)
    realm.write("a.ini")
    owner = (realm.vassals / "a.ini").stat()
    run = realm.emperor("--call-as-vassal1", "v1", "--call-as-vassal3", "v3", "--call-as-emperor1", "e1", "--call-as-emperor2", "e2",
                        "--call-as-emperor4", "e4", "--call-as-emperor2", "nowhere", env=functions)
    realm.answers("a.ini")
    pid, who = realm.master_of("a.ini"), f"{owner.st_uid} {owner.st_gid}"
    for line in ("v1: a.ini 0 0 0", f"v3: a.ini 0 {who}", "e1: a.ini 0 0 0", f"e2: a.ini {pid} 0 0", f"e4: a.ini {pid} {who}"):
        run.wait_log(f"^CALLED {line}$")
    run.wait_log('unable to call function "nowhere"')


def test_hooks_of_a_vassal_about_its_emperor(realm):
    more = "".join(f"hook-emperor-{what} = exec:echo HOOK {what}\n" for what in ("stop", "reload", "lost"))
    realm.write("a.ini", "one", more)
    run = realm.emperor()
    realm.answers("a.ini", "one")
    realm.write("a.ini", "two", more)
    run.wait_log("^HOOK reload$")
    realm.answers("a.ini", "two")
    run.signal(signal.SIGKILL)
    run.ended(-9)
    run.wait_log("^HOOK lost$")
    realm.refuses("a.ini")
    assert "HOOK stop" not in run.log()


def test_a_vassal_that_is_stopped_says_so_by_its_hook(realm):
    realm.write("a.ini", more="hook-emperor-stop = print:HOOK stop")
    run = realm.emperor()
    realm.answers("a.ini")
    run.stop()
    assert run.log().index("received message 0 from emperor") < run.log().index("HOOK stop")


# -- what a vassal and a server beside it say


def test_the_fifo_of_a_master_asks_for_reinforcements(realm):
    realm.write("a.ini", more=f"master-fifo = {realm.folder}/fifo")
    run = realm.emperor()
    realm.answers("a.ini")
    (realm.folder / "fifo").write_text("B")
    run.wait_log(r"\[emperor\] vassal a\.ini asks for what there is not here \(message 30\)")


def test_the_fifo_of_a_master_lets_its_emperor_look(realm):
    """At files that nothing tells of: patterns are looked at each emperor-freq seconds."""
    run = realm.emperor("--master", "--emperor-freq", "3600", "--master-fifo", f"{realm.folder}/fifo", where=f"{realm.vassals}/*.ini",
                        wait=False)
    run.wait_log(r"\*\*\* starting uWSGI Emperor \*\*\*")
    realm.write("a.ini")
    (realm.folder / "fifo").write_text("E")
    realm.answers("a.ini")


def test_a_vassal_without_work_asks_to_be_stopped(realm):
    realm.write("a.ini", more="idle = 1\ndie-on-idle = true")
    run = realm.emperor()
    run.wait_log(r"workers have been inactive for more than 1 seconds")
    run.wait_log(r"\[emperor\] stop the uwsgi instance a\.ini")
    run.wait_log(r"received message 0 from emperor")
    run.wait_log(r"\[emperor\] vassal a\.ini has been spawned", count=2)
    assert "curse" not in run.log()


def test_statistics_speak_http_to_those_who_do(realm):
    stats = free_port()
    realm.write("a.ini")
    realm.emperor("--emperor-stats", f"127.0.0.1:{stats}")
    realm.answers("a.ini")
    with Connection(("127.0.0.1", stats)) as connection:
        answer = connection.request("GET", "/")
    assert answer.status == 200
    assert [vassal["id"] for vassal in json.loads(answer.body)["vassals"]] == ["a.ini"]
