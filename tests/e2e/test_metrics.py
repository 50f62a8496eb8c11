# SPDX-License-Identifier: Apache-2.0
"""Metrics: the functions of the module, collectors, thresholds, files, pushers, and the text for Prometheus."""
import json
import math
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from support.ask import app, value
from support.processes import LEAST, wait_until
from support.server import free_port
from support.stats import http, stats

ARGS = ["--master", "--enable-metrics", "--metric", "mine", "--metric", "name=other,initial_value=5"]


@pytest.mark.parity
@pytest.mark.parametrize("expression, expected", [
    ("uwsgi.metric_get('mine'), uwsgi.metric_get('nobody')", "(0, 0)"),
    ("uwsgi.metric_set('mine', 10), uwsgi.metric_inc('mine'), uwsgi.metric_inc('mine', 4), uwsgi.metric_get('mine')",
     "(True, True, True, 15)"),
    ("uwsgi.metric_set('mine', 15), uwsgi.metric_mul('mine', 4), uwsgi.metric_div('mine', 7), uwsgi.metric_dec('mine', 2), "
     "uwsgi.metric_get('mine')", "(True, True, True, True, 6)"),
    ("uwsgi.metric_div('mine', 0), uwsgi.metric_inc('nobody'), uwsgi.metric_set('worker.1.requests', 5)", "(None, None, None)"),
    ("uwsgi.metric_set('mine', 8), uwsgi.metric_set_max('mine', 3), uwsgi.metric_get('mine')", "(True, True, 8)"),
    ("uwsgi.metric_set('mine', 8), uwsgi.metric_set_max('mine', 30), uwsgi.metric_get('mine')", "(True, True, 30)"),
    ("uwsgi.metric_set('mine', 8), uwsgi.metric_set_min('mine', 3), uwsgi.metric_get('mine')", "(True, True, 3)"),
    ("uwsgi.metric_get('other')", "5"),
])
def test_functions(server, expression, expected):
    assert value(server(app=app(), args=ARGS), expression) == expected


@pytest.mark.parity
def test_functions_without_metrics(server):
    srv = server(app=app(), args=["--master"])
    assert value(srv, "uwsgi.metric_get('mine'), uwsgi.metric_inc('mine')") == "(0, None)"


@pytest.fixture
def start(server):
    def make(*args, lines="", **more):
        port = free_port()
        srv = server(app=app(lines), args=[*ARGS, "--stats", f"127.0.0.1:{port}", *args], **more)
        address = ("127.0.0.1", port)
        wait_until(lambda: reads(address), 20, "the statistics socket")
        return srv, address

    return make


def reads(address):
    try:
        return stats(address)
    except OSError:
        return None


def metric(address, name):
    return stats(address)["metrics"][name]["value"]


@pytest.mark.parity
def test_document_has_all_metrics_of_the_reference(start):
    srv, address = start("--processes", "2")
    value(srv, "uwsgi.metric_set('mine', 7)")
    metrics = stats(address)["metrics"]
    for entry in metrics.values():
        assert list(entry) == ["type", "oid", "value"]
        assert [type(part) for part in entry.values()] == [int, str, int]
    expected = {"core.busy_workers": (1, "5.3"), "core.total_tx": (0, "5.100"), "worker.0.requests": (0, "3.0.1"),
                "worker.2.delta_requests": (2, "3.2.2"), "worker.1.core.0.exceptions": (0, "3.1.2.0.7"),
                "socket.0.listen_queue": (1, "7.0.1"), "rss_size": (3, "5.101"), "mine": (0, "")}
    for name, (kind, oid) in expected.items():
        assert (metrics[name]["type"], metrics[name]["oid"]) == (kind, oid), name
    names = list(metrics)
    assert names[0] == "core.routed_signals" and names[-2:] == ["mine", "other"]
    assert metrics["mine"]["value"] == 7 and metrics["other"]["value"] == 5


@pytest.mark.parity
def test_collected_within_seconds(start):
    srv, address = start()
    for _ in range(3):
        value(srv, "1")
    wait_until(lambda: metric(address, "worker.1.requests") == 3, 10, "the collection")
    assert metric(address, "worker.0.requests") == 3
    assert value(srv, "uwsgi.metric_get('worker.1.requests')") == "3"


@pytest.mark.parity
def test_collectors(start, tmp_path):
    (tmp_path / "load").write_text("1 42 3\n")
    srv, address = start("--metric", f"name=file,type=gauge,collector=file,arg1={tmp_path}/load,arg1n=1",
                         "--metric", "name=sum,collector=sum,children=mine;other",
                         "--metric", "name=adder,collector=adder,children=mine;other,arg1n=100",
                         "--metric", "name=times,collector=multiplier,children=mine;other,arg1n=2",
                         "--metric", "name=mean,collector=avg,children=mine;other", "--metric", "name=same,alias=mine")
    value(srv, "uwsgi.metric_set('mine', 11)")
    wait_until(lambda: metric(address, "sum") == 16, 10, "the collection")
    got = {name: metric(address, name) for name in ("file", "adder", "times", "mean", "same")}
    assert got == {"file": 42, "adder": 116, "times": 32, "mean": 8, "same": 11}


@pytest.mark.parity
def test_a_threshold_is_reported(server):
    srv = server(app=app(), args=[*ARGS, "--alarm", "al log:prefix", "--metric-alarm",
                                  "key=mine,value=8,alarm=al,rate=100,msg=over"])
    value(srv, "uwsgi.metric_set('mine', 8)")
    srv.wait_log(r"ALARM: .*over")


@pytest.mark.parametrize("option, text", [
    ("--metric=bad name", "invalid metric name: bad name"), ("--metric=name=x,type=none", "unable to find type none"),
    ("--metric=name=x,collector=func", "unable to find collector func"), ("--metric=name=x,collector=sum", "needs children"),
    ("--metric=name=x,collector=sum,children=nobody", "unable to find metric nobody"), ("--metric=name=x,alias=no", "unable to find metric no"),
    ("--metric=name=x,freq=often", "freq is not a number"), ("--metric-threshold=key=nobody,value=1", "unable to find metric nobody"),
    ("--stats-push=nothing:x", 'unable to find "nothing" stats_pusher'),
    ("--stats-push=file:freq=9000000000000000000", "freq is not a number of seconds"), ("--metric=core.total_tx", "another metric of this name"),
])
def test_mistakes_end_the_start(program, tmp_path, option, text):
    done = program.run("--http-socket", f"127.0.0.1:{free_port()}", "--master", option, "--wsgi-file",
                       str(Path(__file__).parents[1] / "apps" / "hello.py"), cwd=tmp_path)
    assert done.returncode == 1 and text in done.stdout and "command line" in done.stdout


@pytest.fixture
def kept(tmp_path):
    """The folder where values are kept, and the options."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    return folder, [*ARGS, "--metrics-dir", str(folder), "--metrics-dir-restore"]


def test_files_and_their_return(server, kept):
    folder, args = kept
    srv = server(app=app(), args=args)
    value(srv, "uwsgi.metric_set('mine', 77)")
    wait_until(lambda: (folder / "mine").read_bytes().startswith(b"77\n\0"), 10, "the file")
    assert (folder / "mine").stat().st_size == 4096
    assert (folder / "worker.1.requests").read_bytes()[:2] in (b"0\n", b"1\n")
    srv.stop()
    assert value(server(app=app(), args=args), "uwsgi.metric_get('mine')") == "77"


def test_only_what_counts_on_goes_on_from_the_files(server, kept):
    folder, args = kept
    srv = server(app=app(), args=[*args, "--metric", "name=double,collector=multiplier,arg1n=2,children=mine"])
    value(srv, "uwsgi.metric_set('mine', 50)")
    wait_until(lambda: (folder / "double").read_bytes().startswith(b"100\n"), what="the file")
    workers = srv.workers()
    srv.signal(signal.SIGHUP)
    wait_until(lambda: srv.workers() and not set(srv.workers()) & set(workers), what="the reload")
    value(srv, "uwsgi.metric_inc('mine', 1)")
    wait_until(lambda: (folder / "double").read_bytes().startswith(b"102\n"), what="what is computed from the restored value")


def test_what_is_restored_is_not_the_initial_value(server, kept):
    folder, args = kept
    srv = server(app=app(), args=args)
    value(srv, "uwsgi.metric_set('other', 77)")
    wait_until(lambda: (folder / "other").read_bytes().startswith(b"77\n"), what="the file")
    srv.stop()
    assert value(server(app=app(), args=args), "uwsgi.metric_set_min('other', 70), uwsgi.metric_get('other')") == "(True, 70)"


def test_signals_that_are_routed_or_lost_are_counted(start):
    srv, address = start("--mule", "--signal-bufsize", "4096", lines="uwsgi.register_signal(5, 'mule1', print)\n"
                                                                   "uwsgi.register_signal(6, '', lambda number: None)\n")
    value(srv, "uwsgi.signal(5)")
    wait_until(lambda: metric(address, "core.routed_signals") == 1, what="the collection")
    value(srv, "[uwsgi.signal(6) for _ in range(5000)] and None")
    wait_until(lambda: metric(address, "core.unrouted_signals") > 0, what="the lost ones")


# -- pushers


@pytest.fixture
def datagrams():
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(LEAST)
    with receiver:
        yield receiver


def until_datagram(receiver, pattern):
    deadline = time.monotonic() + LEAST
    while time.monotonic() < deadline:
        text = receiver.recv(65536).decode()
        if re.fullmatch(pattern, text):
            return text
    raise AssertionError(f"no datagram like {pattern}")


def test_socket_and_statsd(server, datagrams):
    port = datagrams.getsockname()[1]
    server(app=app(), args=[*ARGS, "--stats-pusher-default-freq", "1", "--stats-push", f"socket:127.0.0.1:{port},pre"])
    until_datagram(datagrams, r"pre\.other 0 5")
    until_datagram(datagrams, r"pre\.core\.idle_workers 1 \d+")


def test_statsd(server, datagrams):
    port = datagrams.getsockname()[1]
    server(app=app(), args=[*ARGS, "--stats-pusher-default-freq", "1", "--stats-push", f"statsd:127.0.0.1:{port}"])
    until_datagram(datagrams, r"uwsgi\.other:5\|c")
    until_datagram(datagrams, r"uwsgi\.core\.idle_workers:\d+\|g")


@pytest.mark.parity
def test_file(server, tmp_path):
    path = tmp_path / "out.stats"
    srv = server(app=app(), args=["--master", "--stats-push", f"file:path={path},freq=1,separator=@@"])
    wait_until(lambda: path.exists() and path.read_text().count("@@") >= 2, 20, "two documents")
    first = json.loads(path.read_text().split("@@")[0])
    assert first["pid"] == srv.pid and path.stat().st_mode & 0o777 == 0o640


def test_a_full_fifo_holds_nobody_up(server, tmp_path):
    import os
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # open, and never read
    try:
        srv = server(app=app(), args=["--master", "--stats-push", f"file:path={path},freq=1", "--processes", "8",
                                      "--threads", "16"])
        srv.wait_log("stats-push: ", timeout=30)
        victim = srv.workers()[0]
        srv.allow("DAMN !")
        os.kill(victim, 9)
        wait_until(lambda: victim not in srv.workers() and len(srv.workers()) == 8, 10, "another worker")
        assert value(srv, "1") == "1"
    finally:
        os.close(reader)


def test_carbon(server):
    got = []
    with socket.create_server(("127.0.0.1", 0)) as carbon:
        carbon.settimeout(LEAST)

        def receive():
            client, _ = carbon.accept()
            with client:
                client.settimeout(LEAST)
                while piece := client.recv(65536):
                    got.append(piece)

        listening = threading.Thread(target=receive)
        listening.start()
        port = carbon.getsockname()[1]
        server(app=app(), args=["--master", "--carbon", f"127.0.0.1:{port}", "--carbon-freq", "1", "--carbon-id", "me"])
        listening.join(LEAST)
    lines = b"".join(got).decode().splitlines()
    keys = {line.split()[0].rpartition("me.")[2]: int(line.split()[1]) for line in lines}
    assert {"requests", "busy_workers", "worker1.rss_size"} <= set(keys)
    assert all(re.fullmatch(r"uwsgi\.\S+\.me\.\S+ \d+ \d{10}", line) for line in lines)


def test_a_carbon_server_that_is_not_there(server):
    srv = server(app=app(), args=["--master", "--carbon", f"127.0.0.1:{free_port()}", "--carbon-freq", "1"])
    srv.wait_log(r"\[carbon\] unable to send to .*: Connection refused", timeout=20)
    assert value(srv, "1") == "1"


# -- Prometheus

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?(?:\d+(?:\.\d+)?)|\+Inf|NaN)")


def parse(text):
    """{family: (type, {(name, labels): value})}; anything against the text format 0.0.4 is an assertion."""
    assert text.endswith("\n")
    families, current, described = {}, None, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert re.fullmatch(NAME, name) and name not in described, line
            described.add(name)
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            assert current not in families and kind in ("counter", "gauge", "histogram"), line
            families[current] = (kind, {})
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            name, labels, number = match.groups()
            kind, samples = families[current]
            base = re.sub(r"_(bucket|sum|count)$", "", name) if kind == "histogram" else name
            assert base == current, f"{name} among {current}"
            assert (name, labels) not in samples, f"twice: {line}"
            if kind == "counter":
                assert name.endswith("_total"), name
            samples[name, labels] = float(number)
    assert described == set(families)
    for family, (kind, samples) in families.items():
        if kind == "histogram":
            buckets = [v for (name, _), v in samples.items() if name.endswith("_bucket")]
            assert buckets == sorted(buckets) and buckets[-1] == samples[family + "_count", None]
            assert math.isfinite(samples[family + "_sum", None])
    return families


EXPORTER = """listen_queue_length listen_queue_errors signal_queue_length workers socket_queue_length socket_max_queue_length
socket_shared socket_can_offload worker_accepting worker_delta_requests worker_signal_queue_length worker_rss_bytes worker_vsz_bytes
worker_running_time_seconds worker_last_spawn_time_seconds worker_average_response_time_seconds worker_apps worker_cores worker_busy
worker_requests_total worker_exceptions_total worker_harakiri_count_total worker_signals_total worker_respawn_count_total
worker_transmitted_bytes_total worker_app_startup_time_seconds worker_app_requests_total worker_app_exceptions_total worker_core_busy
worker_core_requests_total worker_core_static_requests_total worker_core_routed_requests_total worker_core_offloaded_requests_total
worker_core_write_errors_total worker_core_read_errors_total""".split()


def test_prometheus_text(start):
    srv, address = start("--processes", "2", "--threads", "2")
    for _ in range(5):
        value(srv, "1")
    wait_until(lambda: sum(w["requests"] for w in stats(address)["workers"]) == 5, 5, "the requests")
    wait_until(lambda: stats(address)["responses"][2] == sum(stats(address)["response_times"]["counts"]) == 5, what="their answers")
    status, headers, body = http(address, "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = parse(body.decode())
    assert {"uwsgi_" + name for name in EXPORTER} <= set(families)
    requests = families["uwsgi_worker_requests_total"][1]
    assert sum(requests.values()) == 5
    assert families["uwsgi_responses_total"][1]["uwsgi_responses_total", 'status="2xx"'] == 5
    assert families["uwsgi_request_duration_seconds"][1]["uwsgi_request_duration_seconds_count", None] == 5
    assert families["uwsgi_ready"][1]["uwsgi_ready", None] == 1
    assert ("uwsgi_closed_connections_total", 'reason="client-gone"') in families["uwsgi_closed_connections_total"][1]
    assert ("uwsgi_worker_ends_total", 'reason="harakiri"') in families["uwsgi_worker_ends_total"][1]
    assert families["uwsgi_metric"][1]["uwsgi_metric", 'name="other"'] == 5


def test_prometheus_text_by_its_own_client(start):
    parser = pytest.importorskip("prometheus_client.parser")
    _, address = start()
    families = list(parser.text_string_to_metric_families(http(address, "/metrics")[2].decode()))
    names = {family.name for family in families}
    assert "uwsgi_worker_requests" in names and "uwsgi_request_duration_seconds" in names


def test_labels_are_escaped(server, tmp_path):
    port = free_port()
    strange = tmp_path / 'a"b\\c.sock'
    server(app=app(), args=["--master", "--socket", str(strange), "--stats", f"127.0.0.1:{port}"])
    address = ("127.0.0.1", port)
    wait_until(lambda: reads(address), 20, "the statistics socket")
    assert [entry["name"] for entry in stats(address)["sockets"]][-1].endswith('a"b\\c.sock')
    assert 'a\\"b\\\\c.sock"' in http(address, "/metrics")[2].decode()
    parse(http(address, "/metrics")[2].decode())
