# SPDX-License-Identifier: Apache-2.0
"""Reload: new workers are ready before the old ones leave, nothing is lost, what is broken does not get in."""
import os
import re
import signal

import pytest

from support import processes
from support.load import Load
from support.processes import wait_until
from support.server import free_port
from support.slow import SLOW
from support.stats import stats

INI = """[uwsgi]
http-socket = 127.0.0.1:{port}
chdir = {folder}
wsgi-file = versioned.py
master = true
processes = 2
pidfile = {folder}/uwsgi.pid
"""

VERSIONED = '''
import os, time
{delay}
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/pid":
        return [str(os.getpid()).encode()]
    return [b"{version}"]
'''


def write_app(folder, version, delay=""):
    (folder / "versioned.py").write_text(VERSIONED.format(version=version, delay=delay))


@pytest.fixture
def site(server, tmp_path):
    """Starts a site from an ini file, its application in the same folder."""

    def start(extra="", **more):
        write_app(tmp_path, "one")
        srv = server(ini=INI.replace("chdir = {folder}", f"chdir = {tmp_path}") + extra, front="none", **more)
        srv.site = tmp_path
        return srv

    return start


def reload(srv, program):
    done = program.run("--reload", srv.folder / "uwsgi.pid")
    assert done.returncode == 0, done.stdout


def wait_version(srv, version):
    wait_until(lambda: srv.get().text == version, srv.seconds(20), f"version {version}")


def test_reload_takes_new_code_and_keeps_the_pid(site, program):
    srv = site()
    assert srv.get().text == "one"
    write_app(srv.site, "two")
    reload(srv, program)
    wait_version(srv, "two")
    assert processes.alive(srv.pid) and (srv.folder / "uwsgi.pid").read_text() == f"{srv.pid}\n"
    srv.wait_log(r"gracefully killing workers")
    srv.wait_log(r"^gracefully \(RE\)spawned uWSGI master process \(pid: %d\)$" % srv.pid)


def test_hup_reloads(site):
    srv = site()
    write_app(srv.site, "two")
    srv.signal(signal.SIGHUP)
    wait_version(srv, "two")


def test_reload_takes_a_new_configuration(site):
    srv = site()
    text = srv.ini_path.read_text()
    srv.ini_path.write_text(text.replace("processes = 2", "processes = 3"))
    srv.signal(signal.SIGHUP)
    wait_until(lambda: len(processes.children(srv.pid)) == 3, srv.seconds(20), "three workers")
    assert srv.get().text == "one"


def test_listening_sockets_are_kept(site):
    srv = site()
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"inherited INET address 127\.0\.0\.1:%d" % srv.port)
    assert srv.get().text == "one"


def test_old_workers_finish_their_requests(server):
    srv = server(app="workers", args=["--master", "--processes", "2"])
    go = srv.folder / "go"
    with srv.connect() as connection:
        connection.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        old = int(srv.wait_log(r"waiting in (\d+)")[1])
        srv.signal(signal.SIGHUP)
        srv.wait_log("spawned uWSGI worker 2", count=2)
        assert processes.alive(old)
        go.write_text("")
        assert connection.response().text == str(old)
    wait_until(lambda: not processes.alive(old), 10, "the old worker to leave")


def test_new_requests_are_served_while_an_old_one_runs(server):
    srv = server(app="workers", args=["--master", "--processes", "1"])
    go = srv.folder / "go"
    with srv.connect() as connection:
        connection.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        old = srv.wait_log(r"waiting in (\d+)")[1]
        srv.signal(signal.SIGHUP)
        srv.wait_log("^spawned uWSGI worker 1", count=2)
        srv.wait_log("(?i)gracefully killing worker 1")
        assert srv.get("/").text != old
        go.write_text("")
        assert connection.response().text == old


def test_reload_mercy_has_an_end(server):
    srv = server(app="workers", args=["--master", "--worker-reload-mercy", "1"], allow=["NO MERCY"])
    with srv.connect() as connection:
        connection.send(f"GET /wait?{srv.folder}/never HTTP/1.1\r\nHost: x\r\n\r\n")
        old = int(srv.wait_log(r"waiting in (\d+)")[1])
        srv.signal(signal.SIGHUP)
        wait_until(lambda: not processes.alive(old), srv.seconds(15), "the old worker to be killed")
    assert srv.get("/").status == 200


@pytest.mark.parametrize("keep_alive", [False, True], ids=["new-connections", "keep-alive"])
def test_reloads_under_load_lose_nothing(site, keep_alive):
    srv = site("threads = 2\n")
    with Load(srv, 4, keep_alive=keep_alive) as load:
        wait_until(load.after(50), srv.seconds(20), "50 answers")
        for number in range(2, 5):
            write_app(srv.site, f"version {number}")
            srv.signal(signal.SIGHUP)
            wait_until(lambda: f"version {number}".encode() in load.bodies or load.failures, srv.seconds(20), f"version {number}")
            wait_until(load.after(20), srv.seconds(20), "20 answers")
    assert not load.failures, load.failures[:5]
    if keep_alive:
        assert load.renewed <= 4 * 4, "an old worker says Connection: close before it leaves"


def test_reload_under_load_with_a_slow_start_loses_nothing(site):
    """While the new application loads, the old workers go on."""
    srv = site()
    with Load(srv, 2) as load:
        wait_until(load.after(20), srv.seconds(20), "20 answers")
        write_app(srv.site, "two", delay="time.sleep(2)")
        srv.signal(signal.SIGHUP)
        wait_until(lambda: b"two" in load.bodies or load.failures, srv.seconds(30), "version two")
    assert not load.failures, load.failures[:5]


def test_stop_under_load_answers_everything_it_accepted(site):
    """After the listeners are closed connections are refused; what was accepted before is answered."""
    srv = site("threads = 2\n")
    with Load(srv, 4) as load:
        wait_until(load.after(50), srv.seconds(20), "50 answers")
        srv.signal(signal.SIGTERM)
        srv.ended(0)
    others = [failure for failure in load.failures if "ConnectionRefused" not in failure]
    # A connection that waited in the backlog when the listeners closed is reset by the kernel.
    assert all("ConnectionReset" in failure or "closed after b''" in failure for failure in others), others[:5]
    assert len(others) <= 8, others[:5]


BROKEN = {
    "logger": lambda srv: srv.ini_path.write_text(srv.ini_path.read_text() + "logger = file:/nowhere/at/all.log\n"),
    "no master": lambda srv: srv.ini_path.write_text(srv.ini_path.read_text().replace("master = true", "")),
    "syntax": lambda srv: (srv.site / "versioned.py").write_text("def application(:\n"),
    "no callable": lambda srv: (srv.site / "versioned.py").write_text("nothing = 1\n"),
    "raises": lambda srv: (srv.site / "versioned.py").write_text("1/0\n"),
    "exits": lambda srv: (srv.site / "versioned.py").write_text("import os\nos._exit(3)\n"),
    "ini": lambda srv: srv.ini_path.write_text(srv.ini_path.read_text().replace("processes = 2", "processes = many")),
    "ini gone": lambda srv: srv.ini_path.unlink(),
}


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_what_is_broken_leaves_the_old_serving(site, program, what):
    srv = site(allow=["Traceback"])
    before = sorted(processes.children(srv.pid))
    ini, app = srv.ini_path.read_text(), (srv.site / "versioned.py").read_text()
    mark = len(srv.log())
    BROKEN[what](srv)
    srv.signal(signal.SIGHUP)
    wait_until(lambda: re.search(r"(?i)reload.*(fail|abort|refus|cancel|broken)|(fail|abort|refus|cancel|broken).*reload|old .*serving",
                                 srv.log()[mark:]), srv.seconds(15), "the refusal in the log:\n" + srv.log()[mark:])
    assert srv.get().text == "one"
    assert processes.alive(srv.pid)
    assert set(before) & set(processes.children(srv.pid)), "old workers are still there"
    # repaired, it reloads
    srv.ini_path.write_text(ini)
    (srv.site / "versioned.py").write_text(app.replace('b"one"', 'b"repaired"'))
    srv.signal(signal.SIGHUP)
    wait_version(srv, "repaired")


@pytest.mark.parametrize("line, what", [("stats = 192.0.2.1:9", "bind"), ("stats = /nowhere/at/all", "bind"),
                                        ("master-fifo = /nowhere/at/all", "mkfifo")])
def test_what_a_trial_does_not_bind_costs_no_server(site, line, what):
    srv = site()
    write_app(srv.site, "two")
    srv.ini_path.write_text(srv.ini_path.read_text() + line + "\n")
    srv.signal(signal.SIGHUP)
    wait_version(srv, "two")
    srv.wait_log(rf"{what}.*; the server goes on without it until it is reloaded again$")
    srv.ini_path.write_text(srv.ini_path.read_text().replace(line, ""))
    write_app(srv.site, "three")
    srv.signal(signal.SIGHUP)
    wait_version(srv, "three")


@pytest.mark.parametrize("before, after, message", [
    ("queue = 100\nqueue-store = {folder}/queue", "queue = 200\nqueue-store = {folder}/queue", "invalid queue store file .*/queue: it has "),
    ("queue = 100", "queue = 100\nqueue-store = {folder}/nowhere/queue", "invalid queue store file .*No such file"),
    ("cache2 = name=c,items=4", "cache2 = name=c,items=4,store={folder}/nowhere/cache", "invalid cache store file .*No such file"),
    ("cache2 = name=c,items=4", "cache2 = name=c,items=4,nodes=no-such-host.invalid:3030", 'cache "c" .*no-such-host'),
])
def test_a_store_or_peer_that_cannot_be_had_leaves_the_old_serving(site, before, after, message):
    srv = site(before + "\n")
    text = srv.ini_path.read_text()
    write_app(srv.site, "two")
    srv.ini_path.write_text(text.replace(srv.fill(before), srv.fill(after)))
    srv.signal(signal.SIGHUP)
    srv.wait_log("the reload has been given up")
    srv.wait_log(message)
    assert srv.get().text == "one" and processes.alive(srv.pid)
    srv.ini_path.write_text(text)
    srv.signal(signal.SIGHUP)
    wait_version(srv, "two")


def test_a_cache_whose_peers_are_away_costs_no_server(site):
    srv = site("cache2 = name=c,items=4\n")
    srv.ini_path.write_text(srv.ini_path.read_text().replace("items=4", "items=4,sync=127.0.0.1:1"))
    write_app(srv.site, "two")
    srv.signal(signal.SIGHUP)
    wait_version(srv, "two")
    srv.wait_log(r'^\*\*\* WARNING: cache "c": none of its sync servers has given it \(.*\) \*\*\*$')


def test_stop_while_a_broken_reload_is_tried(site):
    srv = site(allow=["Traceback"])
    write_app(srv.site, "two", delay="time.sleep(2)")
    srv.signal(signal.SIGHUP)
    srv.wait_log("(?i)reload|gracefully")
    srv.signal(signal.SIGTERM)
    srv.ended(0)


def test_repeated_reloads_leave_no_descriptors_and_processes(site):
    srv = site()
    most = None
    for number in range(4):
        write_app(srv.site, f"v{number}")
        srv.signal(signal.SIGHUP)
        wait_version(srv, f"v{number}")
        wait_until(lambda: len(processes.children(srv.pid)) == 2, srv.seconds(10), "two workers")
        most = most or len(processes.open_files(srv.pid)) + 1
    # Workers of the program before may still be ending.
    wait_until(lambda: len(processes.open_files(srv.pid)) <= most, srv.seconds(10), f"no more descriptors than {most}")


def test_vacuum_works_after_a_reload(server):
    srv = server(app="hello", front="unix", args=["--master", "--vacuum"])
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"\(RE\)spawned uWSGI master")
    assert srv.get().status == 200
    srv.stop()
    assert not os.path.exists(srv.unix_path)


FILES = """[uwsgi]
http-socket = 127.0.0.1:{port}
http-socket = {folder}/%(name).sock
master = true
pidfile = {folder}/%(name).pid
safe-pidfile2 = {folder}/%(name).safe
master-fifo = {folder}/%(name).fifo
stats = {folder}/%(name).stats
"""


@pytest.mark.parametrize("vacuum", [False, True])
def test_vacuum_takes_what_a_reload_has_taken_out_of_the_configuration(server, vacuum):
    srv = server(app="hello", front="none", ini=FILES + f"vacuum = {str(vacuum).lower()}\nname = old\n")
    kinds = {"sock", "pid", "safe", "fifo", "stats"}

    def made(name):
        return {path.suffix[1:] for path in srv.folder.glob(f"{name}.*")}

    wait_until(lambda: made("old") == kinds, srv.seconds(10), "the files of the start")
    srv.signal(signal.SIGHUP)  # changes nothing
    srv.wait_log(r"ended with status 17")
    assert made("old") == kinds
    srv.ini_path.write_text(srv.ini_path.read_text().replace("name = old", "name = new"))
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"ended with status 17", count=2)
    assert made("new") == kinds
    assert (srv.folder / "new.pid").read_text() == f"{srv.pid}\n"
    assert made("old") == (set() if vacuum else kinds)
    assert srv.get().status == 200
    srv.stop()
    assert made("new") == (set() if vacuum else kinds)


def test_vacuum_takes_a_file_whose_name_has_a_line_end(server, tmp_path):
    name, old = tmp_path / "name", tmp_path / "an\nold.sock"
    name.write_text(str(old))
    srv = server(app="hello", front="none", ini="[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nmaster = true\nvacuum = true\n"
                                                f"socket = @({name})\n")
    assert old.exists()
    name.write_text(f"{tmp_path}/new.sock")
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"ended with status 17")
    assert not old.exists()


def test_signals_reach_the_new_program_while_it_loads(server, inside):
    gate = inside({"slow.py": SLOW}) / "gate"
    srv = server(args=["--master", "--chdir", gate.parent, "--module", "slow"])
    gate.write_text(str(srv.pid))
    srv.signal(signal.SIGHUP)
    srv.wait_log("^loading$")
    srv.signal(signal.SIGUSR1)
    srv.signal(signal.SIGTSTP)
    gate.unlink()
    srv.wait_log(r"^\s*workers total requests: ")
    srv.wait_log("worker 1 suspended")
    srv.signal(signal.SIGTSTP)
    srv.wait_log("worker 1 resumed")
    assert srv.get("/").status == 200


def test_a_stop_that_comes_as_the_program_is_replaced_is_not_lost(server):
    srv = server(app="hello", args=["--master", "--hook-as-user-atexit", "exec:touch {folder}/at-exit; until [ -e {folder}/go ]; do sleep 0.01; done"])
    srv.signal(signal.SIGHUP)
    wait_until((srv.folder / "at-exit").exists, srv.seconds(20), "the end of the old program")
    srv.signal(signal.SIGTERM)
    (srv.folder / "go").write_text("")
    srv.ended(0)
    assert "gracefully (RE)spawned uWSGI master process" in srv.log()


def test_the_application_may_ask_for_a_reload(server, inside):
    folder = inside({"asking.py": "import os, uwsgi\ndef application(e, s):\n    s('200 OK', [])\n"
                                  "    if e['PATH_INFO'] == '/reload': uwsgi.reload()\n    return [str(os.getpid()).encode()]\n"})
    srv = server(args=["--master", "-w", "asking"], cwd=folder)
    old = srv.get("/").text
    assert srv.get("/reload").text == old
    wait_until(lambda: srv.get("/").text != old, srv.seconds(20), "a new worker")


def test_exit_on_reload(server):
    srv = server(app="hello", args=["--master", "--exit-on-reload"])
    srv.signal(signal.SIGHUP)
    srv.ended(0)


# -- reloads of the workers


@pytest.fixture
def lazy_site(server, tmp_path):
    """A site whose workers load the application; srv.command(letter) writes to its FIFO."""

    def start(extra="", **more):
        write_app(tmp_path, "one")
        ini = INI.replace("chdir = {folder}", f"chdir = {tmp_path}") + "lazy-apps = true\nmaster-fifo = {folder}/fifo\n" + extra
        srv = server(ini=ini, front="none", **more)
        srv.site = tmp_path

        def command(letter):
            with open(srv.folder / "fifo", "wb", buffering=0) as fifo:
                fifo.write(letter)
        srv.command = command
        return srv

    return start


@pytest.mark.parametrize("keep_alive", [False, True], ids=["new-connections", "keep-alive"])
@pytest.mark.parametrize("letter", [b"w", b"c"], ids=["workers", "chain"])
def test_reloads_of_workers_under_load_lose_nothing(lazy_site, letter, keep_alive):
    srv = lazy_site("threads = 2\n")
    with Load(srv, 4, keep_alive=keep_alive) as load:
        wait_until(load.after(50), srv.seconds(20), "50 answers")
        for number in range(2, 5):
            before = set(processes.children(srv.pid))
            write_app(srv.site, f"version {number}")
            srv.command(letter)
            wait_until(lambda: not before & set(processes.children(srv.pid)) or load.failures, srv.seconds(40), "new workers")
            wait_until(lambda: f"version {number}".encode() in load.bodies or load.failures, srv.seconds(20), f"version {number}")
            if letter == b"c":
                srv.wait_log("^chain reloading complete$", count=number - 1, timeout=srv.seconds(20))
    assert not load.failures, load.failures[:5]


def test_a_chain_reload_takes_one_worker_after_the_other(lazy_site):
    srv = lazy_site("")
    srv.command(b"c")
    srv.wait_log("^chain reloading complete$", timeout=srv.seconds(20))
    lines = re.findall(r"^(chain reload starting|chain next victim is worker \d|Respawned uWSGI worker \d|chain reloading complete)", srv.log(), re.M)
    one, other = (["chain next victim is worker %d" % number, "Respawned uWSGI worker %d" % number] for number in (1, 2))
    # A worker that has not yet started when the chain begins has its turn later.
    assert lines[0] == "chain reload starting" and lines[-1] == "chain reloading complete"
    assert lines[1:-1] in (one + other, other + one)


@pytest.mark.parametrize("letter", [b"w", b"c"], ids=["workers", "chain"])
def test_a_broken_application_stops_the_reload_of_the_workers(lazy_site, letter):
    srv = lazy_site(allow=["Traceback"])
    serving = set()  # who loads it only now would find the broken one
    wait_until(lambda: serving.add(int(srv.get("/pid").text)) or len(serving) == 2, srv.seconds(20), "two workers that serve")
    before = sorted(serving)
    (srv.site / "versioned.py").write_text("1/0\n")
    srv.command(letter)
    srv.wait_log("the reload of the workers has been given up", timeout=srv.seconds(20))
    wait_until(lambda: processes.children(srv.pid) == before, srv.seconds(20), "the workers of before, and no others")
    assert srv.get().text == "one"
    write_app(srv.site, "two")
    srv.command(letter)
    wait_version(srv, "two")


def test_brutal_reload_of_the_workers(lazy_site):
    srv = lazy_site(allow=["DAMN"])
    before = set()
    wait_until(lambda: before.add(int(srv.get("/pid").text)) or len(before) == 2, srv.seconds(20), "two workers that serve")
    srv.command(b"W")
    srv.wait_log(r"^killing worker 1 \(pid: \d+\)$")
    wait_until(lambda: len(now := set(processes.children(srv.pid))) == 2 and not now & before, srv.seconds(20), "new workers")
    assert srv.get().text == "one"


def test_a_brutal_reload_takes_workers_that_are_starting_too(lazy_site, tmp_path):
    srv = lazy_site("processes = 1\n", allow=["DAMN"])
    assert srv.get().text == "one"
    release = tmp_path / "release"
    os.mkfifo(release)
    # The new code of a replacement that hangs in its import is old before it serves.
    (srv.site / "versioned.py").write_text(f"open({str(release)!r}).read()\n" + VERSIONED.format(version="stale", delay=""))
    before = processes.children(srv.pid)
    srv.command(b"w")
    wait_until(lambda: set(processes.children(srv.pid)) - set(before), srv.seconds(10), "a worker that starts")
    starting = set(processes.children(srv.pid)) - set(before)
    write_app(srv.site, "two")
    srv.command(b"W")
    for pid in [*before, *starting]:
        srv.wait_log(rf"^killing worker 1 \(pid: {pid}\)$")
    wait_version(srv, "two")
    assert not (set(before) | starting) & set(processes.children(srv.pid))


def test_lazy_reloads_the_workers_only(server, tmp_path):
    write_app(tmp_path, "one")
    srv = server(ini=INI.replace("chdir = {folder}", f"chdir = {tmp_path}") + "lazy = true\n", front="none")
    write_app(tmp_path, "two")
    srv.signal(signal.SIGHUP)
    wait_version(srv, "two")
    assert "binary reloading" not in srv.log()


def test_more_and_fewer_workers_by_command(lazy_site):
    srv = lazy_site("cheaper = 1\ncheaper-algo = manual\n")
    for letter, workers in ((b"+", 2), (b"-", 1), (b"+", 2)):
        srv.command(letter)
        wait_until(lambda: len(processes.children(srv.pid)) == workers, srv.seconds(20), f"{workers} workers")
    srv.command(b"C")
    wait_until(lambda: not processes.children(srv.pid), srv.seconds(20), "no workers")
    assert srv.get().text == "one"


def test_brutal_reload_does_not_wait_for_requests(server):
    srv = server(app="workers", args=["--master", "--master-fifo", "{folder}/fifo"])
    with srv.connect() as connection:
        connection.send(f"GET /wait?{srv.folder}/never HTTP/1.1\r\nHost: x\r\n\r\n")
        old = int(srv.wait_log(r"waiting in (\d+)")[1])
        with open(srv.folder / "fifo", "wb", buffering=0) as fifo:
            fifo.write(b"R")
        assert connection.read_to_close() == b""
        wait_until(lambda: not processes.alive(old), srv.seconds(20), "the old worker to be gone")
    assert srv.get("/").status == 200


def test_changed_listeners_and_processes_take_effect(site, program):
    srv = site()
    before = srv.port
    text = srv.ini_path.read_text()
    srv.port = free_port()
    srv.ini_path.write_text(text.replace(str(before), str(srv.port)).replace("processes = 2", "processes = 1\nthreads = 3"))
    srv.signal(signal.SIGHUP)
    wait_until(srv.accepts, srv.seconds(20), "the new address")
    wait_until(lambda: len(processes.children(srv.pid)) == 1, srv.seconds(20), "one worker")
    srv.wait_log(r"spawned uWSGI worker 1 \(pid: \d+, cores: 3\)")
    new, srv.port = srv.port, before
    wait_until(lambda: not srv.accepts(), srv.seconds(20), "the old address to be closed")
    srv.port = new
    assert srv.get().text == "one"


LOGS = {"file": ("", "logto = {new}"), "another file": ("logto = {old}", "logto = {new}"), "logto2": ("logto2 = {old}", "logto2 = {new}"),
        "a logger": ("logto = {old}", "logger = file:{new}"), "no logger": ("logger = file:{old}", "logto = {new}"),
        "by the log process": ("log-master = true\nlogto = {old}", "log-master = true\nlogto = {new}")}


@pytest.mark.parametrize("what", sorted(LOGS))
def test_a_reload_takes_another_log(site, tmp_path, what):
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    before, after = (line.format(old=old, new=new) + "\n" for line in LOGS[what])
    srv = site(before, ready=False)
    srv.log_files += [old, new]
    srv.wait_ready_by_socket()
    srv.ini_path.write_text(srv.ini_path.read_text().removesuffix(before) + after)
    write_app(srv.site, "two")
    former = processes.children(srv.pid)
    srv.signal(signal.SIGHUP)
    wait_version(srv, "two")
    wait_until(lambda: not set(former) & set(processes.children(srv.pid)), srv.seconds(20), "the former workers to be gone")
    assert srv.get("/logged").status == 200
    wait_until(lambda: "GET /logged" in new.read_text(), srv.seconds(10), "the request in the new log")
    assert not old.exists() or "GET /logged" not in old.read_text()


def test_a_log_that_cannot_be_had_is_no_reload(site, tmp_path):
    srv = site()
    srv.ini_path.write_text(srv.ini_path.read_text() + f"logto = {tmp_path}/none/at.log\n")
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"none/at\.log.*\[logto = ")
    srv.wait_log(r"the reload has been given up")
    assert srv.get().text == "one"


def test_a_program_that_is_gone_behind_its_trial_is_no_reload(site, tmp_path, program):
    """The trial runs, and then there is nothing to exec."""
    wrapper = tmp_path / "wrapper"

    def install(extra):
        wrapper.write_text(f'#!/bin/sh\n{extra}\nexec {program.path} "$@"\n')
        wrapper.chmod(0o755)

    address = str(tmp_path / "stats")
    install('rm "$0"')
    srv = site(f"binary-path = {wrapper}\nstats = {address}\n")
    write_app(srv.site, "two")
    srv.signal(signal.SIGHUP)
    srv.wait_log("the server cannot be reloaded and goes on as it is: .*wrapper.*No such file")
    wait_until(lambda: stats(address)["reloads"]["failed"] == 1, srv.seconds(10), "the failed reload")
    assert srv.get().text == "one"
    install("")
    srv.signal(signal.SIGHUP)
    wait_version(srv, "two")
    wait_until(lambda: stats(address)["reloads"]["done"] == 1, srv.seconds(10), "the reload")
    assert stats(address)["reloads"]["failed"] == 1


def test_a_reload_takes_another_queue_and_mode_of_a_socket(server):
    srv = server(app="hello", front="none", ini="[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nsocket = {folder}/s\nmaster = true\nlisten = 50\n"
                 "chmod-socket = 660\nstats = {folder}/stats\n")
    path = srv.folder / "s"
    assert path.stat().st_mode & 0o777 == 0o660
    srv.ini_path.write_text(srv.ini_path.read_text().replace("listen = 50", "listen = 77").replace("660", "600"))
    srv.signal(signal.SIGHUP)
    srv.wait_log(r"gracefully \(RE\)spawned")


    def queues():
        return {each["max_queue"] for each in stats(str(srv.folder / "stats"))["sockets"]}

    wait_until(lambda: queues() == {77}, srv.seconds(10), "the new queue")
    assert path.stat().st_mode & 0o777 == 0o600
