# SPDX-License-Identifier: Apache-2.0
"""The page for browsers, in headless Chromium: it shows what goes on, moves, and fits a telephone."""
import os
import re
import shutil
import threading

import pytest

from support.processes import wait_until
from support.server import ROOT, free_port
from support.stats import http

# Where the picture of the documentation goes, below the root of the sources.
PICTURE = os.environ.get("UWSGI_E2E_PICTURE")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

APP = """
import os, time
def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/reports"):
        while not os.path.exists(environ["HTTP_X_RELEASE"]):
            time.sleep(0.01)
    time.sleep(len(environ["PATH_INFO"]) % 5 / 400)
    start_response("404 Not Found" if environ["PATH_INFO"] == "/missing" else "200 OK", [("Content-Type", "text/plain")])
    return [b"x" * 2000]
"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as library:
        chromium = library.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def srv(server, tmp_path):
    port = free_port()
    (tmp_path / "spool").mkdir()
    made = server(app=APP, args=["--master", "--processes", "4", "--threads", "2", "--stats", f"127.0.0.1:{port}",
                                 "--spooler", str(tmp_path / "spool"), "--cron2", "minute=-5,unique=1 true",
                                 *(["--chdir", "/srv"] if PICTURE else [])])
    made.stats_address = ("127.0.0.1", port)
    made.page = f"http://127.0.0.1:{port}/"
    wait_until(lambda: http(made.stats_address, "/readyz")[0] == 200, 20, "readiness")
    return made


def number(page, selector):
    match = re.search(r"[\d.]+", page.locator(selector).inner_text())
    return float(match[0]) if match else 0.0


def test_it_shows_and_follows_what_goes_on(srv, browser, tmp_path):
    release = tmp_path / "release"
    problems, foreign = [], []
    page = browser.new_page(viewport={"width": 1180, "height": 980})
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("request", lambda request: request.url.startswith(srv.page) or foreign.append(request.url))
    page.goto(srv.page)
    page.wait_for_selector("#state[data-is=live]")

    def hold():
        with srv.connect(timeout=120) as client:
            client.get("/reports/2026?quarter=3", headers={"X-Release": str(release)})

    holding = threading.Thread(target=hold)
    holding.start()
    over = threading.Event()

    def load():
        while not over.is_set():
            for path in ("/", "/a", "/abc", "/abcd", "/missing"):
                srv.get(path)

    loading = [threading.Thread(target=load) for _ in range(2)]
    for thread in loading:
        thread.start()
    try:
        page.wait_for_function("parseFloat(document.getElementById('rate').textContent) > 0", timeout=60_000)
        page.wait_for_function("document.querySelectorAll('#rate-graph polyline').length > 0", timeout=60_000)
        before = number(page, "#requests")
        page.wait_for_function(f"parseFloat(document.getElementById('requests').textContent) > {before}", timeout=60_000)
        page.wait_for_selector("#table td:has-text('GET /reports/2026?quarter=3')")
        assert page.locator("#table tbody tr").count() == 4
        assert page.locator("#table .status.busy").count() >= 1
        page.wait_for_function("past.rate.length > 12", timeout=60_000)
        assert page.locator("#spoolers-card").is_visible() and page.locator("#crons-card").is_visible()
        assert "*/5" in page.locator("#crons").inner_text()
        if PICTURE:
            page.evaluate("document.querySelector('#spoolers td').textContent = '/srv/spool'")
            page.screenshot(path=str(ROOT / PICTURE))
    finally:
        over.set()
        release.touch()
        for thread in [holding, *loading]:
            thread.join()
    assert problems == [] and foreign == []
    page.close()


def test_it_fits_a_telephone(srv, browser):
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page.goto(srv.page)
    page.wait_for_selector("#state[data-is=live]")
    page.wait_for_function("document.querySelectorAll('#table tbody tr').length === 4")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 24)"
    page.close()


def test_it_says_when_the_server_is_gone(srv, browser):
    page = browser.new_page()
    page.goto(srv.page)
    page.wait_for_selector("#state[data-is=live]")
    srv.stop()
    page.wait_for_selector("#state[data-is=gone]", timeout=60_000)
    page.close()
