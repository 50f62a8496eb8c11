# SPDX-License-Identifier: Apache-2.0
"""The number of workers follows the load: cheaper, cheap, idle."""
import contextlib
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from support import processes
from support.http import Connection
from support.load import Load
from support.processes import wait_until
from support.server import free_port


def count(srv):
    return len(processes.children(srv.pid))


def wait_count(srv, wanted):
    wait_until(lambda: count(srv) == wanted, srv.seconds(40), f"{wanted} workers")


def test_workers_come_and_go_with_the_load_and_nothing_is_lost(server):
    srv = server(app="workers", args=["--processes", "4", "--cheaper", "1", "--cheaper-step", "2", "--cheaper-overload", "1"])
    wait_count(srv, 1)
    with Load(srv, 6, target="/sleep?0.3") as load:
        wait_until(lambda: count(srv) == 4 or load.failures, srv.seconds(40), "four workers")
        wait_until(load.after(20), srv.seconds(30), "20 answers")
    with Load(srv, 1) as quiet:
        wait_until(lambda: count(srv) == 1 or quiet.failures, srv.seconds(60), "one worker")
    assert not load.failures + quiet.failures, (load.failures + quiet.failures)[:5]
    srv.wait_log(r"^uWSGI worker \d+ cheaped\.$")


@pytest.mark.parity
def test_cheaper_initial(server):
    srv = server(app="workers", args=["--master", "--processes", "4", "--cheaper", "1", "--cheaper-initial", "2"])
    wait_count(srv, 2)


def test_a_cheaper_that_is_too_high_is_lowered(server):
    srv = server(app="workers", args=["--processes", "3", "--cheaper", "10"])
    srv.wait_log(r"cheaper = 10 \(command line\) must be lower than processes \(3\): it is lowered to 2")
    wait_count(srv, 2)


@pytest.mark.parity
@pytest.mark.parametrize("initial, line, workers", [
    ("9", r"using 4 as initial number of workers", 4), ("1", r"using 3 as initial number of workers", 3)])
def test_a_senseless_cheaper_initial_is_corrected(server, initial, line, workers):
    srv = server(app="workers", args=["--master", "--processes", "4", "--cheaper", "3", "--cheaper-initial", initial])
    srv.wait_log(line)
    wait_count(srv, workers)


@pytest.mark.parity
def test_an_unknown_algorithm_is_spare(server):
    srv = server(app="workers", args=["--master", "--processes", "3", "--cheaper", "1", "--cheaper-algo", "foo"])
    srv.wait_log("unable to find requested cheaper algorithm, falling back to spare")
    assert srv.get("/").status == 200


@pytest.mark.parametrize("algorithm", ["spare2", "backlog", "backlog2", "busyness", "manual"])
def test_every_algorithm_serves(server, algorithm):
    srv = server(app="workers", args=["--processes", "3", "--cheaper", "1", "--cheaper-algo", algorithm])
    with Load(srv, 3) as load:
        wait_until(load.after(50), srv.seconds(30), "50 answers")
    assert not load.failures, load.failures[:5]


def test_the_rss_limit_stops_growth(server):
    srv = server(app="workers", args=["--processes", "4", "--cheaper", "1", "--cheaper-overload", "0", "--cheaper-rss-limit-soft", "1"])
    with Load(srv, 4, target="/sleep?0.1") as load:
        wait_until(load.after(60), srv.seconds(60), "60 answers")
        assert count(srv) == 1
    assert not load.failures, load.failures[:5]


def test_rss_limits_in_the_wrong_order_are_an_error(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--cheaper", "1", "--processes", "2",
                       "--cheaper-rss-limit-soft", "20", "--cheaper-rss-limit-hard", "10")
    assert done.returncode == 1 and "cheaper-rss-limit-hard" in done.stdout


def test_cheap_starts_workers_with_the_first_connection(server):
    srv = server(app="workers", args=["--cheap", "--processes", "2"], ready=False)
    srv.wait_log(r"^cheap mode enabled: waiting for socket connection\.\.\.$")
    assert count(srv) == 0
    assert srv.get("/").status == 200, "the connection that started them is served"
    wait_count(srv, 2)


def test_idle_goes_back_to_cheap_and_comes_back(server):
    srv = server(app="workers", args=["--master", "--processes", "2", "--idle", "5"])
    assert srv.get("/").status == 200
    srv.wait_log(r"^workers have been inactive for more than 5 seconds \(\d+-\d+\)$", timeout=srv.seconds(20))
    wait_count(srv, 0)
    assert srv.get("/").status == 200
    wait_count(srv, 2)


def test_a_running_request_is_not_idle(server):
    srv = server(app="workers", args=["--master", "--idle", "1"])
    go = srv.folder / "go"
    with srv.connect() as connection:
        connection.send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("waiting in")
        before, begun = srv.log().count("inactive"), time.monotonic()
        wait_until(lambda: time.monotonic() > begun + 3, what="more than the time without work")
        assert srv.log().count("inactive") == before
        go.touch()
        assert connection.response().status == 200


def test_a_worker_that_loads_is_not_idle(server):
    app = "import time\ntime.sleep(3)\ndef application(e, s):\n    s('200 OK', [])\n    return [b'loaded']\n"
    srv = server(app=app, args=["--master", "--lazy-apps", "--cheap", "--idle", "1"], ready=False)
    srv.wait_ready_by_socket()
    with srv.connect(timeout=60) as connection:
        assert connection.get("/").body == b"loaded"


def test_die_on_idle(server):
    srv = server(app="workers", args=["--master", "--idle", "1", "--die-on-idle"])
    srv.ended(0)
    assert "workers have been inactive" in srv.log()


def test_a_reload_while_cheap(server):
    srv = server(app="workers", args=["--cheap", "--processes", "2"], ready=False)
    srv.wait_log("^cheap mode enabled")
    srv.signal(signal.SIGHUP)
    srv.wait_log("^cheap mode enabled", count=2)
    assert srv.get("/").status == 200


def test_a_worker_by_command_ends_the_waiting_for_a_connection(server):
    srv = server(app="workers", args=["--cheap", "--processes", "2", "--idle", "6", "--master-fifo", "{folder}/fifo"], ready=False)
    srv.wait_log("^cheap mode enabled")
    wait_until(lambda: (srv.folder / "fifo").is_fifo(), srv.seconds(5), "the fifo")
    (srv.folder / "fifo").write_text("+")
    wait_count(srv, 1)
    assert srv.get("/").status == 200
    srv.wait_log("^cheap mode enabled", count=2)  # idle once more: nobody has forgotten the worker
    wait_count(srv, 0)
    assert not re.search("spawned uWSGI worker 2", srv.log()), "the connection was the worker's, it starts no other"


def test_a_stop_while_cheap(server):
    srv = server(app="workers", args=["--cheap"], ready=False)
    srv.wait_log("^cheap mode enabled")
    srv.signal(signal.SIGTERM)
    srv.ended(0)


TUTORIAL = """[uwsgi]
pidfile=uwsgi.pid // keeps the pid
chdir={project} // the project's directory
vacuum=true // clean up on exit
http-socket=:{port} // the socket
wsgi-file=foobar.py // main file
callable=app // the application object
enable-threads=true\t// threads in requests
master=true\t// supervised
processes={processes}\t// processes
threads=4 // threads
cheaper=10 // spawn only n workers at first
idle=60\t// seconds without work
reload-on-rss=100 // MB of physical memory
reload-on-as=1024 // MB of virtual memory
max-requests=500000\t// then recycle
;statistics
stats=127.0.0.1:{stats} // JSON
memory-report = true // memory
auto-procname = true // names
procname-prefix-spaced = test-uwsgi-ax // prefix
spooler-import = {project}/task.py // tasks
spooler = {project}/mytasks // directory
spooler-processes=4 // processes
spooler-frequency=1 // seconds
spooler-quiet // no details
"""

FOOBAR = """from flask import Flask
app = Flask(__name__)
@app.route("/")
def index():
    return "hello from flask"
"""


@pytest.mark.parametrize("number, workers", [("8", 7), ("$MY_PROCESSES", 2), ("%k", None)])
def test_the_configuration_of_the_tutorial(server, tmp_path, number, workers):
    pytest.importorskip("flask")
    project = tmp_path / "project"
    (project / "mytasks").mkdir(parents=True)
    (project / "foobar.py").write_text(FOOBAR)
    (project / "task.py").write_text("")
    text = TUTORIAL.replace("{project}", str(project)).replace("{processes}", number).replace("{stats}", str(free_port()))
    srv = server(ini=text, front="none", env={"MY_PROCESSES": "3"})
    assert srv.get("/").text == "hello from flask"

    def titles_of_workers():
        titles = [Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0 ") for pid in processes.children(srv.pid)]
        return [title for title in titles if re.fullmatch(r"test-uwsgi-ax uWSGI worker \d", title)]

    assert Path(f"/proc/{srv.pid}/cmdline").read_text().rstrip("\0 ") == "test-uwsgi-ax uWSGI master"
    if workers:
        wait_until(lambda: len(titles_of_workers()) == workers, srv.seconds(10), f"{workers} workers")
    assert int((srv.folder / "uwsgi.pid").read_text()) == srv.pid
    srv.stop()
    assert not (srv.folder / "uwsgi.pid").exists()


@pytest.mark.parametrize("algorithm", ["backlog", "backlog2"])
@pytest.mark.parametrize("place", ["{unix}", "@{folder}/abstract"], ids=["path", "abstract"])
def test_the_queue_of_a_unix_socket_brings_workers(server, tmp_path, algorithm, place):
    srv = server(app="workers", front="none", ready=False,
                 args=["--http-socket", place, "--master", "--processes", "3", "--cheaper", "1", "--cheaper-overload", "2",
                       "--cheaper-algo", algorithm])
    address = place.format(**srv.names()).replace("@", "\0")
    srv.wait_log(r"^spawned uWSGI worker 1 ")
    go = tmp_path / "go"
    with contextlib.ExitStack() as clients:
        def ask(target):
            client = clients.enter_context(Connection(address, timeout=srv.seconds(60)))
            client.send(f"GET {target} HTTP/1.0\r\n\r\n")
            return client

        slow = ask(f"/wait?{go}")
        busy = int(srv.wait_log(r"waiting in (\d+)")[1])
        waiting = [ask("/") for _ in range(8)]
        # Nobody would accept them but a second worker.
        answers = {int(client.response().text) for client in waiting}
        assert busy not in answers
        srv.wait_log(r"^Respawned uWSGI worker|^spawned uWSGI worker 2 ")
        go.touch()
        assert int(slow.response().text) == busy
    srv.wait_log(r"^uWSGI worker \d+ cheaped\.$", timeout=40)
    wait_count(srv, 1)
