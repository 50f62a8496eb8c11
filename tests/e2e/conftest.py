# SPDX-License-Identifier: Apache-2.0
"""The fixtures of the end-to-end suite. `server(...)` starts the program under test; see support/server.py."""
import itertools
import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.nginx import PROGRAM as NGINX
from support.nginx import Nginx
from support.server import ROOT, Program, Server

PREDECESSOR = "/usr/bin/uwsgi"


def pytest_addoption(parser):
    parser.addoption("--server", default=str(ROOT / "build/release/uwsgi"),
                     help="the program under test; tests marked parity pass on the predecessor too")


def pytest_configure(config):
    path = Path(config.getoption("--server")).absolute()
    if not os.access(path, os.X_OK):
        raise pytest.UsageError(f"no server at {path}; build it, or name one with --server")
    # Any user may write there: servers become other users.
    config.reports = Path(tempfile.mkdtemp(prefix="uwsgi-reports-"))
    config.reports.chmod(0o1777)
    # A shell starts what runs in the background with these ignored, and programs inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    config.program = Program(path, config.reports)


def pytest_unconfigure(config):
    shutil.rmtree(getattr(config, "reports", ""), ignore_errors=True)


def pytest_report_header(config):
    return f"server: {config.program.path} ({config.program.version})"


NOT_FOR_SANITIZERS = {"slow_build": "too slow on a sanitizer build", "crashes": "a sanitizer reports what this does to a process"}
NOT_FOR_THREAD_SANITIZER = {"forks_threads": "the tool delivers no signals after a fork of a process with several threads"}


def pytest_collection_modifyitems(config, items):
    if not config.program.is_ours:
        deselected = [item for item in items if not item.get_closest_marker("parity")]
        items[:] = [item for item in items if item.get_closest_marker("parity")]
        config.hook.pytest_deselected(items=deselected)
    unfit = NOT_FOR_SANITIZERS if config.program.is_slow else {}
    if config.program.build == "tsan":
        unfit = unfit | NOT_FOR_THREAD_SANITIZER
    for item in items:
        for marker, reason in unfit.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def program(pytestconfig):
    return pytestconfig.program


@pytest.fixture(autouse=True)
def no_report(program):
    """What a sanitizer found in any process that a test started, master or not, with or without a log, fails that test."""
    yield
    texts = []
    for path in sorted(program.reports.iterdir()):
        texts.append(path.read_text(errors="replace"))
        path.unlink()
    assert not texts, "sanitizer reports:\n" + "\n".join(texts)


def _factory(program, base):
    """Returns (start, stop_all)."""
    started, numbers = [], itertools.count()

    def start(**more):
        folder = base / f"server{next(numbers)}"
        folder.mkdir()
        folder.chmod(0o755)
        chosen = more.pop("program", program)
        made = Server.__new__(Server)
        started.append(made)
        made.__init__(chosen, folder, **more)
        return made

    def stop_all(check):
        problems = []
        for made in reversed(started):
            if not hasattr(made, "process"):
                continue
            try:
                made.stop(check)
            except AssertionError as problem:
                problems.append(problem)
        if problems:
            raise problems[0]

    return start, stop_all


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed


@pytest.fixture
def server(request, program, tmp_path):
    """server(app=..., ini=..., args=[...], env={...}, front="http-socket", ...) -> Server, stopped and checked at the end."""
    tmp_path.chmod(0o755)
    start, stop_all = _factory(program, tmp_path)
    yield start
    # A test that failed already needs no second report of what its server thought of it.
    stop_all(check=not getattr(request.node, "failed", False))


@pytest.fixture(scope="module")
def module_server(program, tmp_path_factory):
    """As `server`, one for all tests of a module."""
    start, stop_all = _factory(program, tmp_path_factory.mktemp("module"))
    yield start
    stop_all(check=True)


@pytest.fixture(scope="session")
def predecessor(program):
    """The real thing as a Program, where it is installed and is not the one under test."""
    if not os.access(PREDECESSOR, os.X_OK):
        pytest.skip("the predecessor is not installed")
    found = Program(PREDECESSOR)
    if found.is_ours or not program.is_ours:
        pytest.skip("nothing to compare with")
    return found


@pytest.fixture
def with_fifo(program, tmp_path):
    """The program under test, started with descriptor 7 open on a FIFO."""
    os.mkfifo(tmp_path / "told")
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\nexec 7<>{tmp_path}/told\nexec {program.path} "$@"\n')
    wrapper.chmod(0o755)
    return Program(wrapper), tmp_path / "told"


@contextmanager
def _nginx_factory(base):
    if NGINX is None:
        pytest.skip("nginx is not installed")
    started, numbers = [], itertools.count()

    def start(upstream, protocol="uwsgi", extra=""):
        folder = base / f"nginx{next(numbers)}"
        folder.mkdir()
        made = Nginx(folder, upstream, protocol, extra)
        started.append(made)
        return made

    try:
        yield start
    finally:
        for made in started:
            made.stop()


@pytest.fixture
def nginx(tmp_path):
    """nginx(upstream, protocol) -> Nginx in front of an address."""
    with _nginx_factory(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def module_nginx(tmp_path_factory):
    with _nginx_factory(tmp_path_factory.mktemp("nginx")) as start:
        yield start


@pytest.fixture
def inside(tmp_path):
    """A folder with importable modules: inside({"pkg/mod.py": text}) -> Path."""

    def make(files):
        folder = tmp_path / "code"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    yield make
    shutil.rmtree(tmp_path / "code", ignore_errors=True)
