#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares this server with every peer found on the machine. See bench/README.md.

    bench/load/compare.py --only keepalive,newconn --servers this,uwsgi --seconds 5 --rounds 5
"""
import argparse
import os
import platform
import statistics
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import measure
import report
import servers as catalogue
from servers import ROOT, Setup


@dataclass
class Scenario:
    title: str
    setup: Setup
    kind: str = "load"  # load, mixed, idle, worker_rss
    path: str = "/"
    script: str = ""
    close: bool = False
    spread: bool = False  # server and load generator on all cores, as many threads of the generator
    own_session: bool = True  # false: in one group of the scheduler with the load generator


SCENARIOS = {
    "keepalive": Scenario("tiny app, keep-alive", Setup()),
    "newconn": Scenario("tiny app, new connection each", Setup(), close=True),
    "body64k": Scenario("64 KiB answer", Setup(app="apps:body64k", body_size=65536)),
    "post1k": Scenario("1 KiB POST", Setup(app="apps:post", body_size=4), script="post1k.lua"),
    "flask": Scenario("Flask", Setup(app="flask_app:app"), path="/user/7"),
    "nginx": Scenario("through nginx (uwsgi protocol where spoken)", Setup(front="nginx")),
    "proc4x2": Scenario("4 processes x 2 threads", Setup(processes=4, threads=2, master=True)),
    "spread1": Scenario("one process, on all cores with the load generator", Setup(master=True), spread=True),
    "spread4x2": Scenario("4 processes x 2 threads, on all cores with the load generator",
                          Setup(processes=4, threads=2, master=True), spread=True),
    "shared1": Scenario("one process, on all cores, in one scheduler's group with the load generator",
                        Setup(master=True), spread=True, own_session=False),
    "shared4x2": Scenario("4 processes x 2 threads, on all cores, in one scheduler's group with the load generator",
                          Setup(processes=4, threads=2, master=True), spread=True, own_session=False),
    "sleep10": Scenario("10 ms sleeping app, 8 threads", Setup(app="apps:sleep10", threads=8)),
    "mixed": Scenario("fast beside slow (200 ms in 4 of 8 threads)", Setup(app="apps:mixed", threads=8), kind="mixed"),
    "mixed4x2": Scenario("fast beside slow (200 ms in 4 of 8 slots, 4 processes x 2 threads)",
                         Setup(app="apps:mixed", processes=4, threads=2, master=True), kind="mixed"),
    "idle": Scenario("memory of an idle keep-alive connection", Setup(), kind="idle"),
    "worker_rss": Scenario("memory of a worker", Setup(processes=4, master=True), kind="worker_rss"),
}


class Bench:
    def __init__(self, options):
        self.options = options
        self.all_cpus = f"{options.server_cpus},{options.client_cpus}"

    def run_once(self, server, scenario):
        """One measurement of one server: a dictionary, or None when it cannot do the scenario."""
        with measure.temporary_folder() as folder:
            os.chmod(folder, 0o755)
            setup = replace(scenario.setup, port=measure.free_port(), unix_path=f"{folder}/app.sock")
            command = server.command(setup)
            if command is None:
                return None
            by_uwsgi = setup.front == "nginx" and server.uwsgi_protocol
            ready = measure.accepts_unix(setup.unix_path) if by_uwsgi else measure.answers_http(setup.port)
            cpus = self.all_cpus if scenario.spread else self.options.server_cpus
            with measure.Running(command, cpus, f"{folder}/log", ready, scenario.own_session) as running:
                if setup.front != "nginx":
                    return getattr(self, scenario.kind)(running, scenario, setup.port)
                port = measure.free_port()
                configuration = measure.nginx_configuration(folder, port, setup, by_uwsgi)
                nginx = ["/usr/sbin/nginx", "-e", f"{folder}/nginx.err", "-c", str(configuration)]
                with measure.Running(nginx, self.options.client_cpus, f"{folder}/nginx.log", measure.answers_http(port)):
                    return self.load(running, scenario, port)

    def wrk(self, port, seconds, scenario, connections=None, path=None):
        cpus = self.all_cpus if scenario.spread else self.options.client_cpus
        threads = len(os.sched_getaffinity(0)) if scenario.spread else 1
        return measure.wrk(port, seconds, connections or self.options.connections, cpus, path or scenario.path,
                           scenario.script, scenario.close, threads)

    def load(self, running, scenario, port):
        self.wrk(port, 1, scenario)
        before = measure.cpu_seconds(running.pid)
        result = self.wrk(port, self.options.seconds, scenario)
        used = measure.cpu_seconds(running.pid) - before
        return {"per_second": result["per_second"], "cpu_us": 1e6 * used / max(result["requests"], 1),
                "p99_ms": result["p99_ms"], "errors": result["errors"]}

    def mixed(self, running, scenario, port):
        """4 clients keep four slots asleep while 4 others ask for what is quick."""
        slow = threading.Thread(target=self.wrk, args=(port, self.options.seconds + 1, scenario, 4, "/slow"))
        slow.start()
        try:
            fast = self.wrk(port, self.options.seconds, scenario, 4, "/fast")
        finally:
            slow.join()
        return {key: fast[key] for key in ("per_second", "p99_ms", "max_ms", "errors")}

    def idle(self, running, scenario, port):
        self.wrk(port, 1, scenario)
        uss, pss = measure.tree_memory(running.pid)
        count = self.options.idle_connections
        with measure.IdleConnections(port, count) as connections:
            uss_after, pss_after = measure.tree_memory(running.pid)
            held = connections.still_open()
        return {"bytes_uss": (uss_after - uss) / count, "bytes_pss": (pss_after - pss) / count, "held": held}

    def worker_rss(self, running, scenario, port):
        self.wrk(port, 1, scenario, connections=8)
        tree = measure.process_tree(running.pid)
        workers = tree[1:] or tree
        return {"mb_uss": statistics.median(measure.memory_of(pid)[0] for pid in workers) / 1e6,
                "mb_pss": sum(measure.memory_of(pid)[1] for pid in tree) / 1e6}


# Columns by kind: (key, heading, digits)
COLUMNS = {
    "load": [("per_second", "requests/s", 0), ("cpu_us", "CPU us/request", 1), ("p99_ms", "p99 ms", 2)],
    "mixed": [("per_second", "fast requests/s", 0), ("p99_ms", "p99 ms of the fast", 2),
              ("max_ms", "worst ms of the fast", 1)],
    "idle": [("bytes_uss", "USS bytes/connection", 0), ("bytes_pss", "PSS bytes/connection", 0), ("held", "held open", 0)],
    "worker_rss": [("mb_uss", "USS of a worker, MB", 1), ("mb_pss", "PSS of all, MB", 1)],
}


def spread(samples, key, digits):
    values = [sample[key] for sample in samples]
    middle = statistics.median(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def table_of(scenario, results):
    """Rows of text, heading first; the ratio is to the floor's requests/s of the same run."""
    columns = COLUMNS[scenario.kind]
    with_ratio = scenario.kind == "load"
    heading = ["server"] + [title for _, title, _ in columns] + (["of the floor"] if with_ratio else []) + ["errors"]
    floor = results.get("floor")
    floor_rate = statistics.median(s["per_second"] for s in floor) if floor and with_ratio else None
    rows = [heading]
    for name, samples in results.items():
        row = [name] + [spread(samples, key, digits) for key, _, digits in columns]
        if with_ratio:
            rate = statistics.median(s["per_second"] for s in samples)
            row.append(f"{rate / floor_rate:.2f}" if floor_rate else "-")
        row.append(str(sum(s.get("errors", 0) for s in samples)))
        rows.append(row)
    return rows


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  " + row[0].ljust(widths[0]) + "".join("  " + cell.rjust(w) for cell, w in zip(row[1:], widths[1:])))


def machine_lines(versions, options):
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    yield (f"{model}, {os.cpu_count()} cores, Linux {platform.release()}; server on core {options.server_cpus}, "
           f"load generator on core {options.client_cpus}; {options.connections} connections, "
           f"{options.rounds} interleaved rounds of {options.seconds} s; median (min-max)")
    yield "; ".join(f"{name}: {version}" for name, version in versions.items())


def default_cpus():
    cpus = sorted(os.sched_getaffinity(0))
    half = max(1, len(cpus) // 2)
    return ",".join(map(str, cpus[:half])), ",".join(map(str, cpus[half:] or cpus))


def parse_arguments():
    server_cpus, client_cpus = default_cpus()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="scenarios, by comma: " + " ".join(SCENARIOS))
    parser.add_argument("--servers", help="servers, by comma (default: all found)")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--idle-connections", type=int, default=10000)
    parser.add_argument("--server-path", type=Path, default=ROOT / "build/release/uwsgi")
    parser.add_argument("--peers-python", help="interpreter of a virtualenv that holds peers")
    parser.add_argument("--server-cpus", default=server_cpus)
    parser.add_argument("--client-cpus", default=client_cpus)
    parser.add_argument("--report", type=Path, help="write benchmarks.md and its plots into this folder")
    options = parser.parse_args()
    options.server_path = options.server_path.resolve()
    if options.peers_python:
        options.peers_python = os.path.abspath(options.peers_python)
    names = options.only.split(",") if options.only else list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        parser.error(f"unknown scenario {unknown[0]}; known: {' '.join(SCENARIOS)}")
    options.scenarios = names
    return options


def main():
    options = parse_arguments()
    measure.raise_file_limit()
    wanted = options.servers.split(",") if options.servers else None
    known = catalogue.all_servers(options.server_path, options.peers_python, ROOT / "build" / "bench-load")
    unknown = [name for name in wanted or [] if name not in {server.name for server in known}]
    if unknown:
        sys.exit(f"compare: unknown server {unknown[0]}; known: {' '.join(server.name for server in known)}")
    versions, present = {}, []
    for server in known:
        if wanted and server.name not in wanted:
            continue
        version = server.version()
        if version:
            versions[server.name] = version
            present.append(server)
        else:
            print(f"not found: {server.name}", file=sys.stderr)
    machine = list(machine_lines(versions, options))
    print("\n".join(machine))
    reported = []
    bench = Bench(options)
    we_failed = False
    for name in options.scenarios:
        scenario = SCENARIOS[name]
        results, problems = {}, {}
        for round_number in range(1, options.rounds + 1):
            for server in present:
                print(f"{name}: round {round_number}, {server.name} ...", file=sys.stderr)
                try:
                    sample = bench.run_once(server, scenario)
                except (RuntimeError, OSError) as problem:
                    print(f"{name}: {server.name}: {problem}", file=sys.stderr)
                    problems[server.name] = str(problem)
                    we_failed |= server.name == "this"
                    continue
                if sample:
                    results.setdefault(server.name, []).append(sample)
        print(f"\n{name}: {scenario.title}\n")
        table = table_of(scenario, results)
        print_table(table)
        failures = [f"A round of {server} failed: {problem}" for server, problem in problems.items()]
        print("".join(f"\n{line}\n" for line in failures), end="", flush=True)
        reported.append((name, scenario.title, COLUMNS[scenario.kind], table, results, failures))
    if options.report:
        report.write(options.report, machine, reported)
    return 1 if we_failed else 0


if __name__ == "__main__":
    sys.exit(main())
