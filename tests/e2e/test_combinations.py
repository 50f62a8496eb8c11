# SPDX-License-Identifier: Apache-2.0
"""Features that operators switch on together: each works alone, here nothing is lost while all of them are at work."""
import re
import signal

import pytest

from support.load import Load
from support.processes import wait_until

LIVELY = ["--master", "--processes", "4", "--threads", "2", "--cheaper", "1", "--cheaper-overload", "1", "--lazy-apps",
          "--max-requests", "100", "--min-worker-lifetime", "0", "--harakiri", "30", "--reload-on-rss", "2000", "--die-on-term"]

# Worker 2 is held at its start by a file, so that a chain can be met in the middle.
VERSIONED = """
import sys, time, uwsgi
from pathlib import Path
place = Path(__file__).with_name("version")
print(f"worker {uwsgi.worker_id()} has version {place.read_text() if place.exists() else 'one'}", file=sys.stderr, flush=True)
while uwsgi.worker_id() == 2 and place.with_name("hold").exists():
    time.sleep(0.01)
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""


@pytest.mark.parametrize("keep_alive", [True, False])
def test_scaled_recycled_lazy_workers_are_reloaded_under_load(server, keep_alive):
    srv = server(app="workers", args=LIVELY, front="http11-socket")
    with Load(srv, 6, keep_alive=keep_alive) as load:
        for reloads in (1, 2, 3):
            srv.signal(signal.SIGHUP)
            srv.wait_log(r"^gracefully \(RE\)spawned", 30, count=reloads)
            wait_until(load.after(150), srv.seconds(30), "150 answers")
        srv.wait_log(r"\(max-requests\) and is replaced$", 30)
    assert not load.failures, load.failures[:5]


def test_touched_chains_while_workers_come_and_go(server):
    srv = server(app="workers", args=[*LIVELY, "--touch-chain-reload", "{folder}/chain"], front="http11-socket")
    srv.wait_log(r"^unable to stat\(\) .*/chain")
    with Load(srv, 6, target="/sleep?0.02") as load:
        for chains in (1, 2, 3):
            (srv.folder / "chain").write_text(str(chains))
            srv.wait_log(r"^chain reloading complete$", 30, count=chains)
        wait_until(load.after(50), srv.seconds(30), "50 answers")
    assert not load.failures, load.failures[:5]


def test_a_chain_that_is_asked_for_once_more_visits_everybody_again(server):
    """What was deployed between the two touches must not be missing in the workers that the chain had been to already."""
    srv = server(app=VERSIONED, args=["--master", "--processes", "3", "--lazy-apps", "--touch-chain-reload", "{folder}/chain"])
    wait_until(lambda: srv.log().count("WSGI app 0") == 3, srv.seconds(20), "three workers")
    (srv.folder / "version").write_text("two")
    (srv.folder / "hold").touch()
    (srv.folder / "chain").write_text("1")
    srv.wait_log(r"^worker 1 killed successfully")
    (srv.folder / "version").write_text("three")
    (srv.folder / "chain").write_text("2")
    srv.wait_log(r"^chain reload: asked for once more")
    (srv.folder / "hold").unlink()
    srv.wait_log(r"^chain reloading complete$", 30)
    loaded = re.findall(r"^worker (\d) has version (\w+)$", srv.log(), re.M)
    assert {worker: version for worker, version in loaded} == dict.fromkeys("123", "three"), loaded


def test_kept_connections_do_not_notice_the_harakiri_of_their_neighbour(server):
    srv = server(app="workers", args=["--master", "--threads", "4", "--harakiri", "4", "--harakiri-graceful-timeout", "60"],
                 front="http11-socket", allow=["Traceback"])
    with Load(srv, 3) as load, srv.connect() as slow:
        assert slow.request("GET", "/sleep?6").status == 500
        wait_until(load.after(50), srv.seconds(10), "50 answers")
    assert not load.failures, load.failures[:5]
    assert "Respawned" not in srv.log()
