# SPDX-License-Identifier: Apache-2.0
"""Finding and loading applications, and choosing among several."""
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import packet
from support.processes import wait_until
from support.server import free_port
from support.stats import stats

NAMED = '''
import sys
def text(value):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [value.encode() if isinstance(value, str) else value(environ).encode()]
    return application
'''

PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/web.py": NAMED + '''
app = text("app")
application = text("application")
other = text("other")
class Namespace: app = text("dotted")
ns = Namespace
def factory(): return text("made by factory")
argv = text(lambda environ: repr(sys.argv))
''',
    "plain.py": NAMED + "application = text('plain')\nname = text(lambda environ: __name__)\n",
    "cwd.py": NAMED + "import os\napplication = text(lambda environ: os.getcwd())\n",
    "where.py": NAMED + "application = text(lambda e: __name__ + '|' + e['SCRIPT_NAME'] + '|' + e['PATH_INFO'])\n",
}


@pytest.mark.parity
@pytest.mark.parametrize("args, body", [
    (["--module", "plain"], "plain"),
    (["-w", "pkg.web:app"], "app"),
    (["--wsgi", "pkg.web:other"], "other"),
    (["-w", "pkg.web"], "application"),
    (["-w", "pkg.web", "--callable", "other"], "other"),
    (["-w", "pkg.web:factory()"], "made by factory"),
    (["--wsgi-file", "plain.py"], "plain"),
    (["--file", "plain.py"], "plain"),
    (["--wsgi-file", "pkg/web.py", "--callable", "other"], "other"),
    (["--wsgi-file", "where.py"], "uwsgi_file_where||/"),
    (["-w", "where"], "where||/"),
    (["-w", "pkg.web:argv", "--pyargv", "a b 'c d'"], repr(["uwsgi", "a", "b", "'c", "d'"])),
    (["--eval", "def application(e, s):\n s('200 OK', [])\n return [b'eval']"], "eval"),
])
def test_ways_to_name_an_application(server, inside, args, body):
    srv = server(args=args, cwd=inside(PACKAGE))
    assert srv.get().text == body
    srv.wait_log(r"^WSGI app 0 \(mountpoint=''\) ready in \d+ seconds on interpreter 0x[0-9a-f]+ pid: \d+ \(default app\)$")


@pytest.mark.parametrize("args, body", [
    (["plain.py"], "plain"),
    (["pkg.web:app"], "app"),
    (["-w", "pkg.web:ns.app"], "dotted"),
])
def test_ways_beyond_the_predecessor(server, inside, args, body):
    assert server(args=args, cwd=inside(PACKAGE)).get().text == body


@pytest.mark.parity
def test_module_name_of_a_file(server, inside):
    folder = inside(PACKAGE)
    name = "uwsgi_file_" + str(folder / "where").replace("/", "_").replace(".", "_")
    assert server(args=["--wsgi-file", folder / "where.py"]).get().text == f"{name}||/"


@pytest.mark.parity
@pytest.mark.parametrize("option", ["--pythonpath", "--python-path", "--pp"])
def test_pythonpath(server, inside, option):
    srv = server(args=[option, inside(PACKAGE), "-w", "pkg.web:app"])
    assert srv.get().text == "app"
    srv.wait_log(r"^added .*/ to pythonpath\.$")


@pytest.mark.parity
def test_chdir(server, inside):
    folder = inside(PACKAGE)
    srv = server(args=["--chdir", folder, "-w", "cwd"])
    assert srv.get().text == str(folder)
    srv.wait_log(r"^chdir\(\) to ")


@pytest.mark.parity
def test_mounts_with_manage_script_name(server, inside):
    srv = server(args=["--manage-script-name", "--mount", "/x=where:application", "--mount", "/y=where.py"], cwd=inside(PACKAGE))
    assert srv.get("/x/1").text == "where|/x|/1"
    assert srv.get("/x").text == "where|/x|"
    assert srv.get("/y/").text == "uwsgi_file_where|/y|/"
    srv.wait_log("^mounting where:application on /x$")


def test_files_whose_paths_make_the_same_name(server, inside):
    text = "def application(e, s):\n    s('200 OK', [])\n    return [('%s ' + __name__).encode()]\n"
    folder = inside({"my_app.py": text % "first", "my/app.py": text % "second"})
    srv = server(args=["--manage-script-name", "--mount", "/a=my_app.py", "--mount", "/b=my/app.py", "--mount", "/c=my/app.py"], cwd=folder)
    assert [srv.get(path).text for path in ("/a", "/b", "/c")] == \
        ["first uwsgi_file_my_app", "second uwsgi_file_my_app_", "second uwsgi_file_my_app_"]


def test_unmounted_paths_go_to_the_default_app(server, inside):
    srv = server(args=["--manage-script-name", "--mount", "/x=where:application", "--mount", "/y=where.py"], cwd=inside(PACKAGE))
    assert srv.get("/xy").text == "where||/xy"
    assert srv.get("/").text == "where||/"


def test_mount_with_a_trailing_slash_is_the_same(server, inside):
    srv = server(args=["--manage-script-name", "--mount", "/y/=where:application"], cwd=inside(PACKAGE))
    assert srv.get("/y").text == "where|/y|"
    assert srv.get("/y/2").text == "where|/y|/2"


@pytest.mark.parity
def test_mount_by_script_name_of_the_front_server(server, inside):
    srv = server(args=["-w", "plain", "--mount", "/x=where:application"], cwd=inside(PACKAGE), front="socket")
    assert packet.request(srv.address, target="/x/1", SCRIPT_NAME="/x", PATH_INFO="/1").text == "where|/x|/1"
    assert packet.request(srv.address, target="/z").text == "plain"


def test_no_default_app(server, inside):
    srv = server(args=["--manage-script-name", "--no-default-app", "--mount", "/x=where:application"], cwd=inside(PACKAGE))
    assert srv.get("/x").status == 200
    assert srv.get("/nowhere").status == 500
    srv.wait_log("--- no python application found, check your startup logs for errors ---")


@pytest.mark.parity
def test_two_apps_have_numbers_in_the_log(server, inside):
    srv = server(args=["--manage-script-name", "--mount", "/x=where:application", "--mount", "/y=plain:application"],
                 cwd=inside(PACKAGE))
    srv.wait_log(r"^WSGI app 0 \(mountpoint='/x'\) ready")
    srv.wait_log(r"^WSGI app 1 \(mountpoint='/y'\) ready")
    srv.get("/y")
    srv.wait_log(r"^\[pid: \d+\|app: 1\|")


@pytest.mark.parity
def test_lazy_apps_load_in_each_worker(server):
    srv = server(app="hello", args=["--master", "--processes", "2", "--lazy-apps"])
    srv.wait_log(r"^WSGI app 0 .* ready in", count=2)
    assert srv.get().status == 200


@pytest.mark.parity
def test_application_is_loaded_once_before_the_fork(server):
    srv = server(app="hello", args=["--master", "--processes", "2"])
    srv.wait_log("^spawned uWSGI worker 2")
    assert srv.log().count("ready in") == 1


@pytest.mark.parametrize("args, text", [
    (["-w", "missing_module"], "ModuleNotFoundError: No module named 'missing_module'"),
    (["-w", "plain:nothing"], "nothing"),
    (["--wsgi-file", "plain.py", "--callable", "nothing"], 'unable to find "nothing" callable in file plain.py'),
    (["--wsgi-file", "broken.py"], "SyntaxError"),
    (["--wsgi-file", "absent.py"], "absent.py"),
    (["--wsgi-file", "number.py"], "must be a callable"),
    (["-w", "number"], "callable"),
    (["--wsgi-file", "raising.py"], "ZeroDivisionError"),
])
def test_an_application_that_cannot_be_loaded_ends_with_22(program, inside, args, text):
    folder = inside({**PACKAGE, "broken.py": "def application(:\n", "number.py": "application = 5\n", "raising.py": "1/0\n"})
    done = program.run("--http-socket", "127.0.0.1:0", *args, cwd=folder)
    assert done.returncode == 22, done.stdout
    assert text in done.stdout
    assert "unable to load app 0 (mountpoint='') (callable not found or import error)" in done.stdout
    assert "*** no app loaded. GAME OVER ***" in done.stdout


@pytest.mark.parity
def test_need_app_without_an_application(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--need-app")
    assert done.returncode == 22, done.stdout
    assert "*** no app loaded. GAME OVER ***" in done.stdout


def test_need_app_with_lazy_apps_ends_the_instance(program, inside):
    folder = inside({"broken.py": "def application(:\n"})
    done = program.run("--http-socket", "127.0.0.1:0", "--master", "--need-app", "--lazy-apps", "-w", "broken", cwd=folder)
    assert done.returncode == 22, done.stdout


def test_applications_dictionary(server, inside):
    folder = inside({"many.py": NAMED + "a = text('a')\napplications = {'/a': a, '/b': text('b')}\napplication = text('default')\n"})
    srv = server(args=["-w", "many", "--manage-script-name"], cwd=folder)
    assert srv.get("/a").text == "a"
    assert srv.get("/b/x").text == "b"


@pytest.mark.parity
def test_virtualenv(server, tmp_path):
    """`home` puts a virtualenv's packages on the path."""
    home = tmp_path / "venv"
    subprocess.run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--without-pip", str(home)], check=True)
    packages = next(home.glob("lib/python3*/site-packages"))
    (packages / "only_in_venv.py").write_text(NAMED + "application = text(lambda e: sys.prefix)\n")
    assert server(args=["--home", home, "-w", "only_in_venv"]).get().text == str(home)


@pytest.mark.parity
def test_missing_virtualenv_is_an_error(program, tmp_path):
    done = program.run("--http-socket", "127.0.0.1:0", "--home", tmp_path / "nowhere", "-w", "x")
    assert done.returncode not in (0, None)


@pytest.mark.parity
def test_dynamic_mode_answers_500(server):
    """A server without any application starts, as the predecessor does, and says what is missing."""
    srv = server(args=["--master"])
    assert b"Internal Server Error" in srv.get().body
    srv.wait_log("--- no python application found, check your startup logs for errors ---")
    srv.wait_log("full dynamic mode")


def test_an_application_that_a_request_names_is_loaded_once(server, tmp_path):
    """Requests that come while it loads wait for it."""
    go = tmp_path / "go"
    (tmp_path / "named.py").write_text(f"""
import os, time
print("LOADING", flush=True)
while not os.path.exists({str(go)!r}): time.sleep(0.01)
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"named"]
""")
    status = ("127.0.0.1", free_port())
    srv = server(front="socket", args=["--master", "--threads", "3", "--dynamic-apps", "--stats", f"127.0.0.1:{status[1]}"])
    data = packet.encode(packet.web_vars("GET", "/", UWSGI_FILE=str(tmp_path / "named.py")))
    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(packet.exchange, srv.address, data) for _ in range(3)]
        try:
            wait_until(lambda: sum(core["in_request"] for core in stats(status)["workers"][0]["cores"]) == 3, what="three requests")
        finally:
            go.touch()
        assert all(answer.result().endswith(b"named") for answer in answers)
    assert srv.log().count("LOADING") == srv.log().count("(mountpoint='') ready") == 1


def test_modules_of_the_application_see_threads_running(server, inside):
    """A thread started by the application runs between requests too."""
    folder = inside({"ticking.py": NAMED + '''
import threading, time
ticks = []
def tick():
    while True:
        ticks.append(1)
        time.sleep(0.005)
def ensure():
    if not ticks:
        threading.Thread(target=tick, daemon=True).start()
        return "0"
    return str(len(ticks))
application = text(lambda e: ensure())
'''})
    srv = server(args=["-w", "ticking"], cwd=folder)
    srv.get()
    wait_until(lambda: int(srv.get().text) > 20, what="20 ticks")


HANGS = """
open({gate!r}).read()
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"late"]
"""


@pytest.mark.parametrize("lazy", [False, True], ids=["in-the-master", "lazy-apps"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_a_stop_while_the_application_loads_is_a_stop(server, tmp_path, number, lazy):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    args = ["--master", "--need-app", "--pidfile", tmp_path / "pid", "--vacuum", *(["--lazy-apps"] if lazy else [])]
    srv = server(app=HANGS.format(gate=str(gate)), args=args, ready=False)
    with open(gate, "w"):
        if number == signal.SIGINT:  # as Ctrl-C does it
            os.killpg(srv.pid, number)
        else:
            srv.signal(number)
    srv.ended(0)
    if number == signal.SIGINT and not lazy:
        srv.wait_log("^SIGINT received while the application was loading: stopped$")
    assert not (tmp_path / "pid").exists()
    assert "no app loaded" not in srv.log() and "Traceback" not in srv.log()
